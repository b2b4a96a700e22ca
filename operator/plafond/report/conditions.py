"""The conditions of a policy: what can be said of it now, each with one reason and one sentence."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from plafond.decide.judge import HeldBack
from plafond.model.admission import Admission, Rule
from plafond.model.gap import Gap
from plafond.model.history import Untold
from plafond.model.money import TOKENS
from plafond.model.policy import CostPolicy, InvalidPolicy, Mode
from plafond.report.condition_reason import ConditionReason
from plafond.report.messages import cut, standing
from plafond.report.part import PolicyPart

STAYS = "what is in force stays; nothing is raised"
_LACKS = {
    Rule.CEILING: "counts get above ceilings",
    Rule.KEEP: "others may change the ceilings",
    Rule.RESTRAIN: "nothing restrains the operator's own account",
}


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
    reason: ConditionReason
    message: str

    @property
    def is_alarming(self) -> bool:
        """Somebody should look: it is not as it should be, and nobody asked for that."""
        if self.type == "Stalled":
            return self.status is Truth.TRUE
        return self.status is Truth.FALSE and self.reason is not ConditionReason.OBSERVE_MODE


@dataclass(frozen=True, slots=True)
class Observed:
    """
    What is known of a policy beyond its judgement.

    Attributes:
        metrics_gap: why metrics are missing, once that has lasted.
        write_trouble: why what was decided could not be carried out.
        admission: which rules the API server was seen to apply.

    """

    metrics_gap: Gap | None = None
    write_trouble: str | None = None
    admission: Admission = field(default_factory=Admission)


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
    why = f"{policy.field}: {policy.why}"
    return _not_governed(ConditionReason.INVALID_SPEC, why, STAYS)


def excluded(namespace: str) -> list[Condition]:
    """Return the conditions of a policy in a namespace that is never governed."""
    return _not_governed(
        ConditionReason.NAMESPACE_EXCLUDED,
        f"{namespace} is a system namespace or excluded by configuration; it is never governed",
        "workloads are left alone",
    )


def _not_governed(reason: ConditionReason, message: str, enforced: str) -> list[Condition]:
    unknown = "not evaluated"
    return [
        Condition("Ready", Truth.FALSE, reason, message),
        Condition("WithinBudget", Truth.UNKNOWN, reason, unknown),
        Condition("Enforcing", Truth.FALSE, reason, enforced),
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


def _plain(kind: str, status: Truth, reason: ConditionReason) -> Condition:
    return Condition(kind, status, reason, reason.sentence)


def _ready(part: PolicyPart) -> Condition:
    if part.judgement.left_alone is not None:
        why = part.judgement.left_alone.why
        return Condition("Ready", Truth.FALSE, ConditionReason.PRICE_MISSING, why)
    unpriced = _unpriced(part)
    if unpriced is not None:
        return Condition("Ready", Truth.FALSE, ConditionReason.PRICE_UNKNOWN, unpriced)
    measured = _lacking(part, {TOKENS})
    if measured is not None:
        # Nobody has to do anything, and all that can be decided without it is.
        message = f"{measured[0]} keeps what runs until it has shown its use: {measured[1].why}"
        return Condition("Ready", Truth.TRUE, ConditionReason.MEASURING_TOKENS, message)
    count = len(part.targets)
    workloads = "1 workload is" if count == 1 else f"{count} workloads are"
    return Condition("Ready", Truth.TRUE, ConditionReason.EVALUATED, f"{workloads} evaluated")


def _unpriced(part: PolicyPart) -> str | None:
    # What its neighbors reckon in holds back the same workloads.
    units = part.judgement.account.policy_set.units
    lacking = _lacking(part, units - {TOKENS})
    if lacking is not None:
        return f"{lacking[0]} has no usable price: {lacking[1].why}"
    beside = [gap for unit, gap in part.judgement.account.unpriced.items() if unit in units]
    if beside:
        return f"pods beside the targets have no price, so nothing is raised: {beside[0].why}"
    owing = [gap for unit, gap in part.judgement.account.owing.items() if unit in units]
    if owing:
        return f"pods that have ended have no price, so the spend is too low: {owing[0].why}"
    return None


def _lacking(part: PolicyPart, units: Collection[str]) -> tuple[str, Gap] | None:
    """Return which targets have no price in one of *units*, and why the first has none."""
    found = [(t, gap) for t in part.targets for unit, gap in t.gaps.items() if unit in units]
    if not found:
        return None
    target, gap = found[0]
    others = len({each.id for each, _ in found}) - 1
    return f"{target.id.name}{f' and {others} more' if others else ''}", gap


def _within_budget(part: PolicyPart) -> Condition:
    kind, left_alone, fullest = "WithinBudget", part.judgement.left_alone, part.fullest
    if left_alone is not None:
        return Condition(kind, Truth.UNKNOWN, ConditionReason.PRICE_MISSING, left_alone.why)
    if not part.policy.budgets:
        return _plain(kind, Truth.TRUE, ConditionReason.NO_BUDGET)
    if fullest is None:
        return _plain(kind, Truth.TRUE, ConditionReason.NO_OPEN_BUDGET)
    if fullest.is_exhausted:
        return Condition(kind, Truth.FALSE, ConditionReason.BUDGET_EXHAUSTED, standing(fullest))
    return _so_far(standing(fullest), part.judgement.account.untold)


def _so_far(spent_so_far: str, untold: Untold | None) -> Condition:
    # At once what is not known is only waited for; it is told when that has lasted.
    if untold is None or untold.is_awaited:
        return Condition("WithinBudget", Truth.TRUE, ConditionReason.WITHIN_BUDGET, spent_so_far)
    message = f"{spent_so_far}; {_unknown(untold)}"
    if untold.why is None:
        return Condition("WithinBudget", Truth.TRUE, ConditionReason.WITHIN_BUDGET, message)
    return Condition("WithinBudget", Truth.UNKNOWN, ConditionReason.HISTORY_MISSING, message)


def _unknown(untold: Untold) -> str:
    stretch = f"from {untold.since:%Y-%m-%dT%H:%M:%SZ} to {untold.until:%Y-%m-%dT%H:%M:%SZ}"
    why = "" if untold.why is None else f": {untold.why.why}"
    return f"counted is what still ran later of what was spent {stretch}{why}"


def _enforcing(part: PolicyPart, observed: Observed) -> Condition:
    kind = "Enforcing"
    if part.policy.mode is Mode.OBSERVE:
        return _plain(kind, Truth.FALSE, ConditionReason.OBSERVE_MODE)
    if part.judgement.left_alone is not None:
        return Condition(kind, Truth.FALSE, ConditionReason.PRICE_MISSING, STAYS)
    trouble = _trouble(part, observed)
    if trouble is not None:
        return Condition(kind, Truth.FALSE, *trouble)
    if not observed.admission.is_clamped:
        return _plain(kind, Truth.TRUE, ConditionReason.REFUSING)
    return _plain(kind, Truth.TRUE, ConditionReason.ENFORCING)


def _trouble(part: PolicyPart, observed: Observed) -> tuple[ConditionReason, str] | None:
    """Return reason and message of why what was decided is not wholly in force."""
    if observed.write_trouble is not None:
        return ConditionReason.WRITE_FAILED, observed.write_trouble
    left_out = part.judgement.left_out
    if left_out:
        return ConditionReason.CEILINGS_LEFT_OUT, _left_out(left_out)
    if observed.admission.missing:
        return ConditionReason.NOT_PROTECTED, _not_protected(observed.admission)
    held_back = part.judgement.held_back
    return None if held_back is None else (ConditionReason.BRAKED, _braked(held_back))


def _left_out(count: int) -> str:
    return (
        f"{count} workloads have no ceiling, because the annotation that lists them is full; what"
        " runs most is listed. Delete workloads that are not used, give them shorter names, or"
        " choose fewer targets"
    )


def _not_protected(admission: Admission) -> str:
    found = "; ".join(f"{_LACKS[rule]}: {admission.missing_at[rule]}" for rule in admission.missing)
    return f"{found}. Are manifests/admission-*.yaml applied, with their bindings?"


def _braked(held_back: HeldBack) -> str:
    how = "; ".join(held_back.how_to_confirm)
    return (
        f"a change seen at {held_back.since:%Y-%m-%dT%H:%M:%SZ} would lower too much at once, so it"
        f" acts step by step until {held_back.until:%Y-%m-%dT%H:%M:%SZ}"
        f"{f'; if it is meant: {how}' if how else ''}"
    )


def _metrics(policy: CostPolicy, observed: Observed) -> Condition:
    kind = "MetricsAvailable"
    if observed.metrics_gap is not None:
        return Condition(
            kind, Truth.FALSE, ConditionReason.METRICS_UNAVAILABLE, observed.metrics_gap.why
        )
    if policy.scaling is None and TOKENS not in policy.units:
        return _plain(kind, Truth.TRUE, ConditionReason.NOT_NEEDED)
    return _plain(kind, Truth.TRUE, ConditionReason.METRICS_READ)
