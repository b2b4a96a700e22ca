"""One workload before the facts: which policies scale it, and everything known of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from plafond.account.positions import positions
from plafond.cli.explain.facts import Facts, Listed, PolicyFacts
from plafond.decide.decision import Move, last_word
from plafond.decide.pace import BudgetPace, remembered
from plafond.decide.reason import Reason
from plafond.model.budget import Budget, BudgetPosition
from plafond.model.gap import Gap
from plafond.model.memory import Allowed, NamespaceRecord, Rationale, WorkloadMemory
from plafond.model.money import TOKENS, ZERO, ByUnit
from plafond.model.policy import CostPolicy, Mode
from plafond.model.snapshot import NO_CEILING
from plafond.model.workload import WorkloadId

ENFORCED = Mode.ENFORCE.value


@dataclass(frozen=True, slots=True)
class Case:
    """
    A workload and what governs it.

    Attributes:
        governing: the policies that are decided together about it; none where nobody scales it.
        memory: what the operator remembers of it.
        listed: what the latest status of one of them says of it.
        listed_at: when that was written.

    """

    workload: WorkloadId
    facts: Facts
    governing: tuple[PolicyFacts, ...]
    memory: WorkloadMemory
    listed: Listed | None
    listed_at: datetime | None

    @property
    def mode(self) -> Mode | None:
        """Whether what is decided about it is carried out."""
        return next((each.mode for each in self.governing if each.mode is not None), None)

    @property
    def policies(self) -> tuple[CostPolicy, ...]:
        """The policies that govern it and mean something."""
        found = (each.policy for each in self.governing)
        return tuple(policy for policy in found if isinstance(policy, CostPolicy))

    @property
    def rationale(self) -> Rationale | None:
        """What the last decision that was written down rested on."""
        return self.memory.rationale

    @property
    def moves(self) -> tuple[tuple[str, int, int], ...]:
        """How the count came about, oldest first; nothing where it is another one by now."""
        found = self._remembered_moves
        listed = self.listed
        if listed is None or not self.is_status_newer or not found:
            return found
        counts = (found[0][1], found[-1][2])
        reason = last_word(_known(found), _reason(listed.reason))
        is_same = counts == (listed.observed, listed.desired) and reason is self.reason
        # Under an autoscaler that holds the count a ceiling comes about without it.
        is_of_ceiling = not self.is_autoscaled or self.memory.ceiling == self.ceiling
        return found if is_same and is_of_ceiling else ()

    @property
    def _remembered_moves(self) -> tuple[tuple[str, int, int], ...]:
        parts = (each.rsplit(":", 2) for each in self.memory.explanation)
        return tuple((name, int(before), int(after)) for name, before, after in parts)

    @property
    def is_autoscaled(self) -> bool:
        """An autoscaler had its say when the count was last written down."""
        others = {Reason.AUTOSCALER_WISH, Reason.LEFT_TO_AUTOSCALER}
        return any(move.reason in others for move in _known(self._remembered_moves))

    @property
    def is_status_newer(self) -> bool:
        """The status was written after what is remembered, or with it."""
        if self.listed is None:
            return False
        at, as_of = self.listed_at, self.facts.as_of
        return at is None or as_of is None or at >= as_of

    @property
    def reason(self) -> Reason | None:
        """The rule that had the last word: of the status, which is newer, else of the memory."""
        said = self.listed.reason if self.listed is not None else None
        if said is not None or self.is_status_newer:
            return _reason(said)
        return last_word(_known(self._remembered_moves), self._held)

    @property
    def _held(self) -> Reason | None:
        """What was remembered to keep it from growing: something could not be read."""
        if self.rationale is None:
            return None
        unknown = self.units - self.price.keys() if self.rationale.price_gap is not None else set()
        if unknown:
            return Reason.MEASURING_TOKENS if unknown == {TOKENS} else Reason.PRICE_UNKNOWN
        return Reason.DEMAND_UNKNOWN if self.rationale.gap is not None else None

    @property
    def units(self) -> set[str]:
        """What its policies reckon in: currencies, GPU-hours, tokens."""
        return {unit for policy in self.policies for unit in policy.units}

    @property
    def beside(self) -> Mapping[WorkloadId, WorkloadMemory]:
        """What is remembered of all that is decided together with it, itself included."""
        return self.facts.memory.sets.get(_key(self.workload, self.facts), {})

    @property
    def limit(self) -> str | None:
        """The limit that keeps it from more."""
        if self.listed is not None:
            return self.listed.limit
        return self.rationale.limit if self.rationale else None

    @property
    def recommended(self) -> int | None:
        """What demand asks for."""
        if self.listed is not None and self.listed.recommended is not None:
            return self.listed.recommended
        return self.rationale.recommended if self.rationale else None

    @property
    def desired(self) -> int | None:
        """What was decided."""
        if self.listed is not None:
            return self.listed.desired
        return self.rationale.desired if self.rationale else None

    @property
    def ceiling(self) -> int | None:
        """The most that it may have: what the API server holds; in Observe, what it would be."""
        if isinstance(self.facts.ceilings, Gap) or self.mode is Mode.OBSERVE:
            return self.listed.ceiling if self.listed is not None else self.memory.ceiling
        found = self.facts.ceilings.get(self.workload)
        return None if found is None or found >= NO_CEILING else found

    @property
    def is_in_force(self) -> bool:
        """The API server holds the ceiling."""
        held = {} if isinstance(self.facts.ceilings, Gap) else self.facts.ceilings
        return held.get(self.workload, NO_CEILING) < NO_CEILING

    @property
    def price(self) -> ByUnit:
        """What a replica costs per hour, by unit, as far as it is known."""
        return self.memory.price

    @property
    def positions(self) -> tuple[BudgetPosition, ...]:
        """Where the budgets of its policies stood when the ledger was last written."""
        record = self.facts.record
        if not isinstance(record, NamespaceRecord) or record.ledger.as_of is None:
            return ()
        return positions(self.policies, record.ledger, record.ledger.as_of)

    @property
    def paces(self) -> tuple[BudgetPace, ...]:
        """What its budgets carried then, as far as it is remembered."""
        memory = self.facts.memory
        named = ((p, f"{p.policy}/{p.budget.name}") for p in self.positions)
        found = ((p, memory.allowed.get(name), memory.plans.get(name)) for p, name in named)
        return tuple(
            remembered(p, each, memory.timing, plan) for p, each, plan in found if each is not None
        )

    @property
    def unrecorded(self) -> tuple[tuple[PolicyFacts, Budget], ...]:
        """Budgets whose window is open, and of which the ledger that was read says nothing."""
        known = {pace.name for pace in self.paces}
        return tuple(
            (each, budget)
            for each in self.governing
            if isinstance(each.policy, CostPolicy)
            for budget in each.policy.budgets
            if f"{each.policy.name}/{budget.name}" not in known
            and budget.window.span_at(self.facts.now) is not None
        )

    @property
    def binding(self) -> BudgetPace | None:
        """The budget that binds, if it is one."""
        return next((each for each in self.paces if each.name == self.limit), None)

    @property
    def limits(self) -> dict[str, Allowed]:
        """What is remembered of the limits of its policies."""
        ours = {policy.name for policy in self.policies}
        allowed = self.facts.memory.allowed
        return {n: each for n, each in allowed.items() if n.partition("/")[0] in ours}

    @property
    def unfunded(self) -> int:
        """Replicas of its floor that no money carries."""
        if self.rationale is None or self.memory.funded_floor is None:
            return 0
        return max(0, self.rationale.floor - self.memory.funded_floor)

    def price_in(self, unit: str) -> Decimal:
        """Return what a replica costs per hour in *unit*."""
        return self.price.get(unit, ZERO)


def case_of(workload: WorkloadId, facts: Facts) -> Case:
    """Return what is known of *workload*, and of what governs it."""
    key = _key(workload, facts)
    memory = facts.memory.sets.get(key, {}).get(workload, WorkloadMemory())
    governing = tuple(each for each in facts.standing() if _key_of(each) == key)
    found = [(each.status.at, each.status.of(workload)) for each in governing]
    said = [(at, listed) for at, listed in found if listed is not None]
    # The status is newer than the memory nearly always; where it is not, it says the same.
    at, listed = max(said, key=lambda each: (each[0] is not None, each[0]), default=(None, None))
    return Case(workload, facts, governing, memory, listed, at)


def _key(workload: WorkloadId, facts: Facts) -> str:
    """Return under which policy set *workload* is decided; empty where nobody scales it."""
    named = [_key_of(each) for each in facts.standing() if each.status.of(workload) is not None]
    remembered_in = [key for key, of in facts.memory.sets.items() if workload in of]
    return min({*named, *remembered_in}, default="")  # "Enforce" comes before "Observe/…"


def _key_of(each: PolicyFacts) -> str:
    return f"{Mode.OBSERVE.value}/{each.policy.name}" if each.mode is Mode.OBSERVE else ENFORCED


def _known(moves: tuple[tuple[str, int, int], ...]) -> Iterator[Move]:
    for name, before, after in moves:
        reason = _reason(name)
        if reason is not None:
            yield Move(reason, before, after)


def _reason(text: str | None) -> Reason | None:
    # A newer operator may know reasons that this command does not.
    return Reason(text) if text in set(Reason) else None
