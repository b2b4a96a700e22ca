"""The conditions of a policy: what can be said of it now, each with one reason and one sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from plafond.decide.judge import Judgement
from plafond.model.gap import Gap
from plafond.model.policy import CostPolicy, InvalidPolicy, Mode
from plafond.report.messages import standing


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


def conditions(policy: CostPolicy, judgement: Judgement, observed: Observed) -> list[Condition]:
    """Return every condition of a policy that was judged."""
    return [
        _ready(judgement),
        _within_budget(policy, judgement),
        _enforcing(policy, judgement, observed),
        _metrics(policy, observed),
    ]


def not_governed(reason: str, message: str) -> list[Condition]:
    """Return the conditions of a policy that nothing can be decided for."""
    unknown = "not evaluated"
    return [
        Condition("Ready", Truth.FALSE, reason, message),
        Condition("WithinBudget", Truth.UNKNOWN, reason, unknown),
        Condition("Enforcing", Truth.FALSE, reason, "workloads are left alone"),
        Condition("MetricsAvailable", Truth.UNKNOWN, reason, unknown),
        Condition("Stalled", Truth.TRUE, reason, message),
    ]


def invalid(policy: InvalidPolicy) -> list[Condition]:
    """Return the conditions of a policy that means nothing."""
    return not_governed("InvalidSpec", f"{policy.field}: {policy.why}")


def excluded(namespace: str) -> list[Condition]:
    """Return the conditions of a policy in a namespace that is never governed."""
    message = f"{namespace} is a system namespace; those are never governed"
    return not_governed("NamespaceExcluded", message)


def written(
    new: list[Condition], before: list[Mapping[str, Any]], generation: int, now: datetime
) -> list[dict[str, Any]]:
    """Return *new* as the API has it; a transition time moves only with the status."""
    since = {c.get("type"): c for c in before}
    stamp = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    out = []
    for condition in new:
        old = since.get(condition.type)
        same = old is not None and old.get("status") == condition.status.value
        moved_at = old["lastTransitionTime"] if same and old is not None else stamp
        out.append(
            {
                "type": condition.type,
                "status": condition.status.value,
                "observedGeneration": generation,
                "lastTransitionTime": moved_at,
                "reason": condition.reason,
                "message": condition.message[:1024],
            }
        )
    return out


def _ready(judgement: Judgement) -> Condition:
    if judgement.left_alone is not None:
        return Condition("Ready", Truth.FALSE, "PriceMissing", judgement.left_alone.why)
    priced = [
        (target, gap)
        for target in judgement.account.targets
        for unit, gap in target.gaps.items()
        if unit in _units(judgement)
    ]
    if priced:
        target, gap = priced[0]
        more = f" and {len(priced) - 1} more" if len(priced) > 1 else ""
        message = f"{target.id.name}{more} has no usable price: {gap.why}"
        return Condition("Ready", Truth.FALSE, "PriceUnknown", message)
    count = len(judgement.decisions)
    return Condition("Ready", Truth.TRUE, "Evaluated", f"{count} workloads are evaluated")


def _units(judgement: Judgement) -> set[str]:
    policies = judgement.account.policy_set.policies
    currencies = {p.currency for p in policies if p.currency is not None}
    return currencies | {b.limit.unit for p in policies for b in p.budgets}


def _within_budget(policy: CostPolicy, judgement: Judgement) -> Condition:
    positions = [p for p in judgement.account.positions if p.policy == policy.name]
    if judgement.left_alone is not None:
        return Condition("WithinBudget", Truth.UNKNOWN, "PriceMissing", judgement.left_alone.why)
    if not positions:
        return Condition("WithinBudget", Truth.TRUE, "NoOpenBudget", "no budget's window is open")
    fullest = max(positions, key=lambda p: p.used_percent)
    if fullest.is_exhausted:
        return Condition("WithinBudget", Truth.FALSE, "BudgetExhausted", standing(fullest))
    return Condition("WithinBudget", Truth.TRUE, "WithinBudget", standing(fullest))


def _enforcing(policy: CostPolicy, judgement: Judgement, observed: Observed) -> Condition:
    if policy.mode is Mode.OBSERVE:
        return Condition("Enforcing", Truth.FALSE, "ObserveMode", "decisions are only reported")
    if judgement.left_alone is not None:
        return Condition("Enforcing", Truth.FALSE, "PriceMissing", "workloads are left alone")
    if observed.write_trouble is not None:
        return Condition("Enforcing", Truth.FALSE, "WriteFailed", observed.write_trouble)
    return Condition("Enforcing", Truth.TRUE, "Enforcing", "ceilings are in force")


def _metrics(policy: CostPolicy, observed: Observed) -> Condition:
    kind = "MetricsAvailable"
    if policy.scaling is None:
        return Condition(kind, Truth.TRUE, "NotNeeded", "the policy scales by no metric")
    if observed.metrics_gap is not None:
        return Condition(kind, Truth.FALSE, "MetricsUnavailable", observed.metrics_gap.why)
    return Condition(kind, Truth.TRUE, "MetricsRead", "every configured meter answers")
