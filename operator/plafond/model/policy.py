"""What platform teams decided: the limits for one namespace, as they were written."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from plafond.model.budget import Budget
from plafond.model.confirm import confirm_command
from plafond.model.labels import LabelSelector
from plafond.model.meters import Meter
from plafond.model.money import TOKENS
from plafond.model.workload import WorkloadClass

# What an unmatched workload gets, and what a class gets that does not say otherwise.
DEFAULT_FLOORS = {WorkloadClass.HOT: 1, WorkloadClass.WARM: 1, WorkloadClass.COLD: 0}
DEFAULT_UTILIZATION_LIMIT_PERCENT = 85
DEFAULT_SCALE_DOWN_STABILIZATION = timedelta(minutes=5)


class Mode(StrEnum):
    """Whether a policy's decisions are carried out."""

    OBSERVE = "Observe"
    ENFORCE = "Enforce"


@dataclass(frozen=True, slots=True)
class Target:
    """What may be scaled: one workload by *name*, or those that *selector* matches."""

    group: str
    kind: str
    name: str | None = None
    selector: LabelSelector | None = None


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Instantaneous limits, whatever the metrics say; None and absent mean unlimited."""

    replicas: int | None = None
    resources: Mapping[str, Decimal] = field(default_factory=dict)
    cost_per_hour: Decimal | None = None
    tokens_per_hour: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ClassRule:
    """The class of the workloads that *selector* matches, and the bounds of each."""

    workload_class: WorkloadClass
    selector: LabelSelector
    min_replicas: int
    max_replicas: int | None = None
    utilization_limit_percent: int = DEFAULT_UTILIZATION_LIMIT_PERCENT


@dataclass(frozen=True, slots=True)
class LatencyTarget:
    """Requests should not take longer than *target*, by what *meter* says of them."""

    meter: Meter
    target: timedelta


@dataclass(frozen=True, slots=True)
class Scaling:
    """How targets without an autoscaler follow demand; the highest recommendation wins."""

    gpu_utilization_target_percent: int | None = None
    concurrency_target_per_replica: Decimal | None = None
    tokens_per_second_target_per_replica: Decimal | None = None
    scale_down_stabilization: timedelta = DEFAULT_SCALE_DOWN_STABILIZATION
    latency: LatencyTarget | None = None


@dataclass(frozen=True)
class CostPolicy:
    """
    One policy; *targets* is None when every Deployment that requests an accelerator is meant.

    *is_confirmed* says that somebody has confirmed this very generation, so no brake holds it back.
    """

    namespace: str
    name: str
    uid: str
    generation: int
    mode: Mode
    currency: str | None = None
    targets: tuple[Target, ...] | None = None
    budgets: tuple[Budget, ...] = ()
    ceilings: Ceilings = field(default_factory=Ceilings)
    classes: tuple[ClassRule, ...] = ()
    scaling: Scaling | None = None
    is_confirmed: bool = False

    @cached_property
    def terms(self) -> "CostPolicy":
        """What it says, whichever object says it: equal terms mean the same."""
        return replace(self, uid="", generation=0, is_confirmed=False)

    @cached_property
    def units(self) -> frozenset[str]:
        """What it reckons in: its currency, GPU-hours, tokens."""
        money = () if self.currency is None else (self.currency,)
        rates = () if self.ceilings.tokens_per_hour is None else (TOKENS,)
        return frozenset((*money, *rates, *(budget.limit.unit for budget in self.budgets)))

    @property
    def how_to_confirm(self) -> str:
        """The command by which somebody says that what it says now is meant."""
        return confirm_command(f"-n {self.namespace} costpolicy/{self.name}", self.generation)


@dataclass(frozen=True, slots=True)
class InvalidPolicy:
    """A policy that passed the API server but means nothing: which *field*, and why."""

    namespace: str
    name: str
    uid: str
    generation: int
    field: str
    why: str


@dataclass(frozen=True)
class PolicySet:
    """
    The policies of one namespace that are decided together.

    Those in Enforce merge into one set: all limits apply, and each says which binds. A policy in
    Observe is a set of its own, so that what it would do does not depend on its neighbours.
    """

    namespace: str
    mode: Mode
    policies: tuple[CostPolicy, ...]

    @property
    def is_enforced(self) -> bool:
        """Its decisions are carried out."""
        return self.mode is Mode.ENFORCE

    @cached_property
    def units(self) -> frozenset[str]:
        """What its policies reckon in: currencies, GPU-hours, tokens."""
        return frozenset(unit for policy in self.policies for unit in policy.units)

    @cached_property
    def key(self) -> str:
        """What its memory is kept under."""
        return (
            self.mode.value
            if self.mode is Mode.ENFORCE
            else f"{self.mode.value}/{self.policies[0].name}"
        )


def policy_sets(policies: tuple[CostPolicy, ...]) -> tuple[PolicySet, ...]:
    """Return the sets that *policies* form, by namespace, enforced ones first."""
    sets: list[PolicySet] = []
    for namespace in sorted({policy.namespace for policy in policies}):
        here = sorted((p for p in policies if p.namespace == namespace), key=lambda p: p.name)
        enforced = tuple(p for p in here if p.mode is Mode.ENFORCE)
        if enforced:
            sets.append(PolicySet(namespace, Mode.ENFORCE, enforced))
        sets.extend(
            PolicySet(namespace, Mode.OBSERVE, (p,)) for p in here if p.mode is Mode.OBSERVE
        )
    return tuple(sets)
