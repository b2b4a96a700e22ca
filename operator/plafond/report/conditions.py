"""The conditions of a policy: what can be said of it now, each with one reason and one sentence."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from plafond.model.gap import Gap
from plafond.model.policy import CostPolicy, InvalidPolicy, Mode
from plafond.report.messages import cut, standing
from plafond.report.part import PolicyPart

OBSERVE_MODE = "ObserveMode"


class Truth(StrEnum):
    """What Kubernetes calls the status of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    """One aspect of a policy."""

    type: str
    status: Truth
    reason: str
    message: str

    @property
    def is_alarming(self) -> bool:
        """Somebody should look: it is not as it should be, and nobody asked for that."""
        if self.type == "Stalled":
            return self.status is Truth.TRUE
        return self.status is Truth.FALSE and self.reason != OBSERVE_MODE


@dataclass(frozen=True, slots=True)
class Observed:
    """
    What is known of a policy beyond its judgement.

    Attributes:
        metrics_gap: why metrics are missing, once that has lasted.
        write_trouble: why what was decided could not be carried out.

    """

    metrics_gap: Gap | None = None
    write_trouble: str | None = None


def conditions(part: PolicyPart, observed: Observed) -> list[Condition]:
    """Return every condition of a policy that was judged."""
    return [
        _ready(part),
        _within_budget(part),
        _enforcing(part, observed),
        _metrics(part.policy, observed),
    ]


def invalid(policy: InvalidPolicy) -> list[Condition]:
    """Return the conditions of a policy that means nothing."""
    return _not_governed("InvalidSpec", f"{policy.field}: {policy.why}")


def excluded(namespace: str) -> list[Condition]:
    """Return the conditions of a policy in a namespace that is never governed."""
    return _not_governed(
        "NamespaceExcluded",
        f"{namespace} is a system namespace or excluded by configuration; it is never governed",
    )


def _not_governed(reason: str, message: str) -> list[Condition]:
    unknown = "not evaluated"
    return [
        Condition("Ready", Truth.FALSE, reason, message),
        Condition("WithinBudget", Truth.UNKNOWN, reason, unknown),
        Condition("Enforcing", Truth.FALSE, reason, "workloads are left alone"),
        Condition("MetricsAvailable", Truth.UNKNOWN, reason, unknown),
        Condition("Stalled", Truth.TRUE, reason, message),
    ]


def written(
    new: Iterable[Condition], before: Sequence[Mapping[str, Any]], generation: int, now: datetime
) -> list[dict[str, Any]]:
    """Return *new* as the API has it; a transition time moves only with the status."""
    since = {
        (old.get("type"), old.get("status")): old["lastTransitionTime"]
        for old in before
        if old.get("lastTransitionTime")
    }
    stamp = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    return [
        {
            "type": condition.type,
            "status": condition.status.value,
            "observedGeneration": generation,
            "lastTransitionTime": since.get((condition.type, condition.status.value), stamp),
            "reason": condition.reason,
            "message": cut(condition.message),
        }
        for condition in new
    ]


def _ready(part: PolicyPart) -> Condition:
    if part.judgement.left_alone is not None:
        why = part.judgement.left_alone.why
        return Condition("Ready", Truth.FALSE, "PriceMissing", why)
    units = _units(part)
    unpriced = [
        (target, gap)
        for target in part.targets
        for unit, gap in target.gaps.items()
        if unit in units
    ]
    if unpriced:
        target, gap = unpriced[0]
        others = len({each.id for each, _ in unpriced}) - 1
        more = f" and {others} more" if others else ""
        message = f"{target.id.name}{more} has no usable price: {gap.why}"
        return Condition("Ready", Truth.FALSE, "PriceUnknown", message)
    beside = [gap for unit, gap in part.judgement.account.unpriced.items() if unit in units]
    if beside:
        message = f"pods beside the targets have no price, so nothing is raised: {beside[0].why}"
        return Condition("Ready", Truth.FALSE, "PriceUnknown", message)
    count = len(part.targets)
    workloads = "1 workload is" if count == 1 else f"{count} workloads are"
    return Condition("Ready", Truth.TRUE, "Evaluated", f"{workloads} evaluated")


def _units(part: PolicyPart) -> set[str]:
    # What its neighbors reckon in holds back the same workloads.
    policies = part.judgement.account.policy_set.policies
    currencies = {p.currency for p in policies if p.currency is not None}
    return currencies | {b.limit.unit for p in policies for b in p.budgets}


def _within_budget(part: PolicyPart) -> Condition:
    kind, left_alone, fullest = "WithinBudget", part.judgement.left_alone, part.fullest
    if left_alone is not None:
        return Condition(kind, Truth.UNKNOWN, "PriceMissing", left_alone.why)
    if not part.policy.budgets:
        return Condition(kind, Truth.TRUE, "NoBudget", "the policy has no budget")
    if fullest is None:
        return Condition(kind, Truth.TRUE, "NoOpenBudget", "no budget's window is open")
    if fullest.is_exhausted:
        return Condition(kind, Truth.FALSE, "BudgetExhausted", standing(fullest))
    return Condition(kind, Truth.TRUE, "WithinBudget", standing(fullest))


def _enforcing(part: PolicyPart, observed: Observed) -> Condition:
    kind = "Enforcing"
    if part.policy.mode is Mode.OBSERVE:
        return Condition(kind, Truth.FALSE, OBSERVE_MODE, "decisions are only reported")
    if part.judgement.left_alone is not None:
        return Condition(kind, Truth.FALSE, "PriceMissing", "workloads are left alone")
    if observed.write_trouble is not None:
        return Condition(kind, Truth.FALSE, "WriteFailed", observed.write_trouble)
    return Condition(kind, Truth.TRUE, "Enforcing", "ceilings are in force")


def _metrics(policy: CostPolicy, observed: Observed) -> Condition:
    kind = "MetricsAvailable"
    if policy.scaling is None:
        return Condition(kind, Truth.TRUE, "NotNeeded", "the policy scales by no metric")
    if observed.metrics_gap is not None:
        return Condition(kind, Truth.FALSE, "MetricsUnavailable", observed.metrics_gap.why)
    return Condition(kind, Truth.TRUE, "MetricsRead", "every meter that it scales by answers")
