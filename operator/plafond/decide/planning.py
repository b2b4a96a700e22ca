"""From judgements to writes: what differs from the world, and what has to be undone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from plafond.decide.judge import Judgement
from plafond.decide.plan import Action, ClearCeilings, PlanPart, ScaleTo, SetCeilings
from plafond.decide.quota import QuotaWrites
from plafond.decide.why import is_still_true, why
from plafond.model.changed import changed
from plafond.model.memory import Memory, WorkloadMemory
from plafond.model.policy import Mode
from plafond.model.snapshot import NO_CEILING, Namespace
from plafond.model.workload import Workload, WorkloadId

ENFORCED = Mode.ENFORCE.value
GIVEN_BACK = "no policy is in force any more, so the count before is given back"


@dataclass(frozen=True)
class Governed:
    """
    One namespace: what was decided for it, and what of it is in the world.

    *is_in_doubt* says that one of its policies cannot be understood. Such a policy is not gone:
    what it brought about stays, until somebody has mended or deleted it.
    """

    namespace: Namespace
    workloads: Mapping[WorkloadId, Workload]
    judgements: tuple[Judgement, ...]
    memory: Memory
    is_in_doubt: bool = False
    quota: QuotaWrites = field(default_factory=QuotaWrites)

    def parts(self) -> tuple[PlanPart, ...]:
        """Return the writes for every policy set, and for what no set governs any more."""
        if self.namespace.is_terminating:
            return ()
        parts = [self._part(judgement) for judgement in self.judgements]
        undone = PlanPart(self.namespace.name, Mode.ENFORCE, self._undone())
        return (self._of_quota(self.quota.first), *parts, undone, self._of_quota(self.quota.last))

    def remembered(self, parts: Iterable[PlanPart]) -> Memory:
        """Return the memory that follows from the judgements, once *parts* are carried out."""
        written = {
            action.workload: action
            for part in parts
            for action in part.actions
            if isinstance(action, ScaleTo) and part.mode is Mode.ENFORCE
        }
        sets = {j.account.policy_set.key: dict(j.memory) for j in self.judgements}
        enforced = sets.get(ENFORCED, {})
        for workload, memory in enforced.items():
            if workload in written and memory.wanted_replicas is None:
                wanted = self._count_of_others(written[workload])
                enforced[workload] = memory._replace(wanted_replicas=wanted)
        kept = {w: m for w, m in self._left_behind.items() if self.is_in_doubt or w in written}
        if enforced or kept:
            sets[ENFORCED] = {**enforced, **kept}
        return changed(self.memory, sets={key: of for key, of in sets.items() if of})

    def _of_quota(self, actions: tuple[Action, ...]) -> PlanPart:
        return PlanPart(self.namespace.name, Mode.ENFORCE, () if self.is_in_doubt else actions)

    def _count_of_others(self, action: ScaleTo) -> int | None:
        return None if self.workloads[action.workload].is_count_ours else action.before

    def _part(self, judgement: Judgement) -> PlanPart:
        mode = judgement.account.policy_set.mode
        if judgement.left_alone is not None:
            return PlanPart(self.namespace.name, mode, ())
        scales = tuple(
            self._scale(decision.workload, decision.desired_replicas)
            for decision in judgement.decisions
            if decision.desired_replicas != decision.observed_replicas
        )
        return PlanPart(self.namespace.name, mode, (*self._ceilings(judgement), *scales))

    def _ceilings(self, judgement: Judgement) -> tuple[Action, ...]:
        """Return how the ceilings to be in force, and those that writes need now, come about."""
        listed = self._for_a_while(judgement) | self._lasting(judgement)
        in_force, text = self._in_force(judgement)
        if listed and not (listed == in_force and is_still_true(text, judgement)):
            return (SetCeilings(self.namespace.name, listed, why(judgement)),)
        if not listed and self._has_ours and judgement.account.policy_set.is_enforced:
            return (ClearCeilings(self.namespace.name),)
        return ()

    def _lasting(self, judgement: Judgement) -> dict[WorkloadId, int]:
        """
        Return the ceilings to be in force, of everything whose count is ours to write.

        Admission refuses our own account any other count: what follows demand without a limit is
        listed with the highest number that there is.
        """
        # Where the list is full, a workload without a ceiling is left out, and not unlimited.
        if not judgement.account.policy_set.is_enforced or judgement.left_out:
            return dict(judgement.ceilings)
        both = zip(judgement.decisions, judgement.account.targets, strict=True)
        unlimited = {
            target.id: NO_CEILING
            for decision, target in both
            if decision.ceiling is None and target.targeted.scaling is not None
        }
        return unlimited | dict(judgement.ceilings)

    def _for_a_while(self, judgement: Judgement) -> dict[WorkloadId, int]:
        """Return what has to be listed only while its count is given back."""
        if not judgement.account.policy_set.is_enforced:
            return {}
        freed = {
            d.workload: NO_CEILING
            for d in judgement.decisions
            if d.ceiling is None and d.desired_replicas != d.observed_replicas
        }
        return (freed | self._to_restore) if judgement.left_alone is None else {}

    def _in_force(self, judgement: Judgement) -> tuple[Mapping[WorkloadId, int] | None, str]:
        if judgement.account.policy_set.is_enforced:
            return self.namespace.ceilings, self.namespace.why or ""
        before = self.memory.sets.get(judgement.account.policy_set.key, {})
        ceilings = {w: m.ceiling for w, m in before.items() if m.ceiling is not None}
        return ceilings, why(judgement)

    @property
    def _has_ours(self) -> bool:
        return self.namespace.ceilings is not None or self.namespace.unreadable is not None

    def _undone(self) -> tuple[Action, ...]:
        if self.is_in_doubt:
            return ()
        counts = self._to_restore
        restored = tuple(self._scale(w, n) for w, n in counts.items())
        governing = [j for j in self.judgements if j.account.policy_set.is_enforced]
        if governing:
            return (*restored, *self._relisted(governing[0]))
        lifted = (SetCeilings(self.namespace.name, counts, GIVEN_BACK),) if counts else ()
        cleared = (ClearCeilings(self.namespace.name),) if self._has_ours or counts else ()
        return (*lifted, *restored, *cleared)

    def _relisted(self, judgement: Judgement) -> tuple[Action, ...]:
        """Return what takes off the list what was on it for a while."""
        lasting = self._lasting(judgement)
        if self._for_a_while(judgement).keys() <= lasting.keys():
            return ()
        if not lasting:
            return (ClearCeilings(self.namespace.name),)
        return (SetCeilings(self.namespace.name, lasting, why(judgement)),)

    @cached_property
    def _to_restore(self) -> dict[WorkloadId, int]:
        """Return the wanted counts of workloads that we have changed and govern no more."""
        return {
            workload: memory.wanted_replicas
            for workload, memory in self._left_behind.items()
            if memory.wanted_replicas is not None and self._is_changed_by_us(workload, memory)
        }

    @cached_property
    def _left_behind(self) -> dict[WorkloadId, WorkloadMemory]:
        """Return what is remembered of workloads that no enforced policy targets any more."""
        targets = {
            d.workload
            for j in self.judgements
            if j.account.policy_set.is_enforced
            for d in j.decisions
        }
        remembered = self.memory.sets.get(ENFORCED, {})
        return {
            workload: memory for workload, memory in remembered.items() if workload not in targets
        }

    def _is_changed_by_us(self, workload_id: WorkloadId, memory: WorkloadMemory) -> bool:
        workload = self.workloads.get(workload_id)
        if workload is None or workload.replicas == memory.wanted_replicas:
            return False
        if workload.autoscaler is not None and workload.replicas > 0:
            return False
        if workload.loses_volumes and workload.replicas > (memory.wanted_replicas or 0):
            return False
        # A count at the ceiling may be what was left of a larger one that somebody asked for.
        return workload.is_count_ours or workload.replicas == memory.ceiling

    def _scale(self, workload_id: WorkloadId, replicas: int) -> ScaleTo:
        workload = self.workloads[workload_id]
        return ScaleTo(
            workload_id, workload.uid, workload.resource_version, workload.replicas, replicas
        )
