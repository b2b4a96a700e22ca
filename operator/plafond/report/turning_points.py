"""When another limit begins to keep a workload from more: worth an Event, also without a write."""

from collections.abc import Collection, Iterator, Mapping

from plafond.decide.decision import Decision
from plafond.decide.evaluate import Evaluation
from plafond.model.workload import Workload, WorkloadId

_Said = tuple[str | None, str | None]


class TurningPoints:
    """Remembers what kept each workload from more, so that each change of that is told once."""

    def __init__(self) -> None:
        self._before: Mapping[WorkloadId, _Said] | None = None

    def new(
        self, evaluation: Evaluation, told: Collection[WorkloadId]
    ) -> Iterator[tuple[Workload, Decision]]:
        """Yield what is kept from more by something new, but for those in *told*."""
        found = {w.id: (w, d) for w, d in _enforced(evaluation)}
        before, self._before = self._before, {i: _said(d) for i, (_, d) in found.items()}
        if before is None:
            return iter(())  # what was said before a restart is in the Events of that time
        return (
            (workload, decision)
            for workload, decision in found.values()
            if workload.id not in told
            and decision.limit is not None
            and decision.reason is not None
            and before.get(workload.id) != _said(decision)
        )


def _enforced(evaluation: Evaluation) -> Iterator[tuple[Workload, Decision]]:
    for judgement in evaluation.judgements:
        if judgement.account.policy_set.is_enforced:
            targets = {target.id: target.workload for target in judgement.account.targets}
            yield from ((targets[d.workload], d) for d in judgement.decisions)


def _said(decision: Decision) -> _Said:
    return decision.limit, decision.reason.value if decision.reason is not None else None
