"""What could be read of a namespace: the facts that everything else here is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from plafond.model.autoscaler import Autoscaler
from plafond.model.gap import Gap
from plafond.model.memory import Memory, NamespaceRecord
from plafond.model.policy import CostPolicy, InvalidPolicy, Mode
from plafond.model.workload import WorkloadId


@dataclass(frozen=True, slots=True)
class Said:
    """One condition of a policy, as its status has it."""

    type: str
    status: str
    reason: str
    message: str

    @property
    def is_alarming(self) -> bool:
        """Somebody should look: it is not as it should be, and nobody asked for that."""
        if self.type == "Stalled":
            return self.status == "True"
        return self.status == "False" and self.reason != "ObserveMode"


@dataclass(frozen=True, slots=True)
class Listed:
    """What a policy's status says of one workload; a number is None where it says nothing."""

    workload: WorkloadId
    observed: int | None = None
    recommended: int | None = None
    desired: int | None = None
    ceiling: int | None = None
    reason: str | None = None
    limit: str | None = None
    workload_class: str | None = None


@dataclass(frozen=True, slots=True)
class BudgetSaid:
    """What a policy's status says of one budget."""

    name: str
    unit: str
    limit: str
    spent: str
    remaining: str
    used_percent: int
    window_end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """The status of a policy; *at* is when it was written."""

    at: datetime | None = None
    conditions: tuple[Said, ...] = ()
    targets: tuple[Listed, ...] = ()
    budgets: tuple[BudgetSaid, ...] = ()
    summary: str = ""
    burn_rate: str = ""

    def of(self, workload: WorkloadId) -> Listed | None:
        """Return what it says of *workload*."""
        return next((each for each in self.targets if each.workload == workload), None)

    def condition(self, kind: str) -> Said | None:
        """Return the condition of type *kind*."""
        return next((each for each in self.conditions if each.type == kind), None)


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """A policy, its status, and since when it is deleted if it is."""

    policy: CostPolicy | InvalidPolicy
    status: Status = field(default_factory=Status)
    gone_since: datetime | None = None

    @property
    def mode(self) -> Mode | None:
        """Whether it is carried out; unknown of one that means nothing."""
        return self.policy.mode if isinstance(self.policy, CostPolicy) else None

    @property
    def is_over_budget(self) -> bool:
        """Nothing remains of one of its budgets."""
        found = self.status.condition("WithinBudget")
        return found is not None and found.status == "False"


@dataclass(frozen=True, slots=True)
class Live:
    """A workload as the API server has it now."""

    id: WorkloadId
    replicas: int
    ready: int
    is_ignored: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """
    Everything that is known of a namespace at *now*.

    Attributes:
        ceilings: what the namespace's annotation says; a gap where it could not be read.
        record: the operator's ledger and memory; a gap where they could not be read.
        unread: what could not be read, and why, in sentences.
        scaled_by: the autoscalers of the workload; None where they could not be read.

    """

    now: datetime
    namespace: str
    ceilings: Mapping[WorkloadId, int] | Gap
    why: str | None
    policies: tuple[PolicyFacts, ...]
    record: NamespaceRecord | Gap
    unread: tuple[str, ...] = ()
    scaled_by: tuple[Autoscaler, ...] | None = ()

    @property
    def memory(self) -> Memory:
        """What the operator remembers, empty where that could not be read."""
        return self.record.memory if isinstance(self.record, NamespaceRecord) else Memory()

    @property
    def as_of(self) -> datetime | None:
        """Up to when the ledger counts."""
        return self.record.ledger.as_of if isinstance(self.record, NamespaceRecord) else None

    def standing(self) -> tuple[PolicyFacts, ...]:
        """Return the policies that are there, and those that were deleted just now."""
        gone_since = self.memory.gone_since
        there = {each.policy.name for each in self.policies}
        gone = tuple(
            PolicyFacts(policy, gone_since=gone_since[policy.name])
            for policy in self.memory.enforced
            if policy.name not in there and policy.name in gone_since
        )
        return (*self.policies, *gone)
