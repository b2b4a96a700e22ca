"""The status of a policy: computed whole, so that what it no longer says is taken back."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from plafond.api.cost_policy_status import MAX_STATUS_TARGETS
from plafond.decide.decision import Decision
from plafond.decide.pace import strictest
from plafond.model.budget import BudgetPosition
from plafond.report.messages import amount, summary
from plafond.report.part import PolicyPart

MICRO = Decimal("0.000001")
MOST_PERCENT = 1_000_000
END = "windowEnd"

# In a merge patch only what is named is taken back.
_FIELDS = (
    "summary",
    "spentPercent",
    "spent",
    "burnRatePerHour",
    "carriedRatePerHour",
    "budgets",
    "targetCount",
    "targets",
)


def judged_status(part: PolicyPart, warnings: Sequence[str] = ()) -> dict[str, Any]:
    """Return everything but the conditions of the status of a policy that was judged."""
    return {
        **dict.fromkeys(_FIELDS),
        "summary": summary(part, warnings),
        "budgets": [_budget(position) for position in part.positions],
        "targetCount": len(part.targets),
        "targets": [_target(decision) for decision in part.decisions[:MAX_STATUS_TARGETS]],
        **_fullest(part),
    }


def empty_status(sentence: str) -> dict[str, Any]:
    """Return everything but the conditions of the status of a policy that is not decided on."""
    return {**dict.fromkeys(_FIELDS), "summary": sentence}


def news_of(status: Mapping[str, Any]) -> tuple[Any, ...]:
    """
    Return the part of *status* that is worth a write when it changes.

    Amounts move in every pass; percentages, counts and reasons are what people look for. What goes
    up and down all the time is in `wavering`.
    """
    targets = [tuple(sorted(target.items())) for target in status.get("targets") or ()]
    budgets = [
        (each["name"], each["limit"], None if _rolls(each) else each["usedPercent"], each.get(END))
        for each in status.get("budgets") or ()
    ]
    # That of the fullest budget is among them.
    used = None if any(map(_rolls, status.get("budgets") or ())) else status.get("spentPercent")
    return used, status.get("targetCount"), targets, budgets


def wavering(status: Mapping[str, Any]) -> dict[str, Decimal]:
    """
    Return percentages of *status* that waver while nothing happens, by what they are of.

    What a rolling window holds grows with each pass and falls with each bucket: it is news when it
    is a whole percent away from what was said.
    """
    return {
        f"used {each['name']}": Decimal(each["spent"]) * 100 / Decimal(each["limit"])
        for each in status.get("budgets") or ()
        if _rolls(each)
    }


def _rolls(budget: Mapping[str, Any]) -> bool:
    return END not in budget


def _fullest(part: PolicyPart) -> dict[str, Any]:
    fullest = part.fullest
    if fullest is None:
        return {}
    unit = fullest.budget.limit.unit
    found = {
        "spentPercent": _percent(fullest),
        "spent": amount(fullest.spend.value, unit),
        "burnRatePerHour": amount(part.judgement.account.burn_rate.get(unit, Decimal(0)), unit),
    }
    carried = strictest(part.limits, unit)
    if carried is not None:
        found["carriedRatePerHour"] = amount(carried.rate, unit)
    return found


def _budget(position: BudgetPosition) -> dict[str, Any]:
    budget = position.budget
    found = {
        "name": budget.name,
        "unit": budget.limit.unit,
        "limit": _decimal(budget.limit.value),
        "spent": _decimal(position.spend.value),
        "remaining": _decimal(position.remaining.value),
        "usedPercent": _percent(position),
    }
    if position.ends_at is not None:
        found["windowStart"] = f"{position.span.start:%Y-%m-%dT%H:%M:%SZ}"
        found[END] = f"{position.ends_at:%Y-%m-%dT%H:%M:%SZ}"
    return found


def _percent(position: BudgetPosition) -> int:
    return min(max(position.used_percent, 0), MOST_PERCENT)


def _decimal(value: Decimal) -> str:
    return format(value.quantize(MICRO).normalize(), "f")


def _target(decision: Decision) -> dict[str, Any]:
    target: dict[str, Any] = {
        "group": decision.workload.group,
        "kind": decision.workload.kind,
        "name": decision.workload.name,
        "class": decision.workload_class.value,
        "observedReplicas": decision.observed_replicas,
        "recommendedReplicas": decision.recommended_replicas,
        "desiredReplicas": decision.desired_replicas,
    }
    if decision.ceiling is not None:
        target["ceiling"] = decision.ceiling
    if decision.reason is not None:
        target["reason"] = decision.reason.value
    if decision.limit is not None:
        target["limit"] = decision.limit
    return target
