"""The status of a policy: computed whole, so that what it no longer says is taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from plafond.api.cost_policy_status import MAX_STATUS_TARGETS
from plafond.decide.decision import Decision
from plafond.decide.outlook import Outlook, outlooks
from plafond.decide.pace import BudgetPace, strictest
from plafond.model.budget import BudgetPosition
from plafond.report.messages import amount, summary
from plafond.report.part import PolicyPart

MICRO = Decimal("0.000001")
ONE = Decimal(1)
MOST_PERCENT = 1_000_000
END = "windowEnd"
FORECAST = "forecast"
# A forecast is made anew all the time: less than a twentieth of it is no other one.
ANOTHER_FORECAST = Decimal("0.05")

# In a merge patch only what is named is taken back.
_FIELDS = (
    "summary",
    "spentPercent",
    "spent",
    "forecastPercent",
    "burnRatePerHour",
    "carriedRatePerHour",
    "budgets",
    "targetCount",
    "targets",
)


def judged_status(part: PolicyPart, warnings: Sequence[str] = ()) -> dict[str, Any]:
    """Return everything but the conditions of the status of a policy that was judged."""
    budgets = _budgets(part)
    return {
        **dict.fromkeys(_FIELDS),
        "summary": summary(part, warnings),
        "budgets": budgets,
        "forecastPercent": max(
            (b["forecastPercent"] for b in budgets if FORECAST in b), default=None
        ),
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
        (
            each["name"],
            each["limit"],
            None if _rolls(each) else each["usedPercent"],
            each.get(END),
            each.get("forecastBasis"),
        )
        for each in status.get("budgets") or ()
    ]
    # That of the fullest budget is among them.
    used = None if any(map(_rolls, status.get("budgets") or ())) else status.get("spentPercent")
    return used, status.get("targetCount"), targets, budgets


@dataclass(frozen=True, slots=True)
class Wavering:
    """A percentage, and by how much another one has to differ from it to be news."""

    percent: Decimal
    by: Decimal

    def is_left_by(self, other: "Wavering") -> bool:
        """Say whether *other*, of later, is news."""
        return abs(other.percent - self.percent) >= self.by


def wavering(status: Mapping[str, Any]) -> dict[str, Wavering]:
    """
    Return percentages of *status* that waver while nothing happens, by what they are of.

    What a rolling window holds grows with each pass and falls with each bucket: it is news when it
    is a whole percent away from what was said; a forecast, when it is also another one.
    """
    found: dict[str, Wavering] = {}
    for each in status.get("budgets") or ():
        limit = Decimal(each["limit"])
        if _rolls(each):
            used = Decimal(each["spent"]) * 100 / limit
            found[f"used {each['name']}"] = Wavering(used, ONE)
        if FORECAST in each:
            ahead = Decimal(each[FORECAST]) * 100 / limit
            by = max(ONE, abs(ahead) * ANOTHER_FORECAST)
            found[f"forecast {each['name']}"] = Wavering(ahead, by)
    return found


def _rolls(budget: Mapping[str, Any]) -> bool:
    return END not in budget


def _fullest(part: PolicyPart) -> dict[str, Any]:
    fullest = part.fullest
    if fullest is None:
        return {}
    unit = fullest.budget.limit.unit
    found = {
        "spentPercent": _percent(fullest.spend.value, fullest.budget.limit.value),
        "spent": amount(fullest.spend.value, unit),
        "burnRatePerHour": amount(part.judgement.account.burn_rate.get(unit, Decimal(0)), unit),
    }
    carried = strictest(part.limits, unit)
    if carried is not None:
        found["carriedRatePerHour"] = amount(carried.rate, unit)
    return found


def _budgets(part: PolicyPart) -> list[dict[str, Any]]:
    paces = {pace.name: pace for pace in part.paces}
    found, ahead = [], outlooks(part.judgement)
    for position in part.positions:
        said, name = _standing(position), f"{position.policy}/{position.budget.name}"
        if name in paces:
            said |= _paced(paces[name], is_censored=part.judgement.pace.is_censored)
        outlook = ahead.get(name)
        if isinstance(outlook, Outlook):
            said |= _ahead(outlook, position)
        found.append(said)
    return found


def _standing(position: BudgetPosition) -> dict[str, Any]:
    budget = position.budget
    found = {
        "name": budget.name,
        "unit": budget.limit.unit,
        "limit": _decimal(budget.limit.value),
        "spent": _decimal(position.spend.value),
        "remaining": _decimal(position.remaining.value),
        "usedPercent": _percent(position.spend.value, budget.limit.value),
    }
    if position.ends_at is not None:
        found["windowStart"] = _moment(position.span.start)
        found[END] = _moment(position.ends_at)
    return found


def _paced(pace: BudgetPace, *, is_censored: bool) -> dict[str, Any]:
    return {
        "carriedRatePerHour": _decimal(pace.carried_rate),
        "demandSeen": "OnlyServed" if is_censored else "Whole",
    }


def _ahead(outlook: Outlook, position: BudgetPosition) -> dict[str, Any]:
    found: dict[str, Any] = {
        "forecastBasis": "Forecast" if outlook.is_forecast else "DemandNow",
        "forecast": _decimal(outlook.spend),
        "forecastPercent": _percent(outlook.spend, position.budget.limit.value),
    }
    if outlook.low is not None and outlook.high is not None:
        found["forecastLow"] = _decimal(outlook.low)
        found["forecastHigh"] = _decimal(outlook.high)
    if outlook.expected is not None and _decimal(outlook.expected) != found["forecast"]:
        found["expected"] = _decimal(outlook.expected)
    if outlook.gone_at is not None:
        found["exhaustedAt"] = _moment(outlook.gone_at)
    return found


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _percent(value: Decimal, limit: Decimal) -> int:
    return min(max(int(value * 100 // limit), 0), MOST_PERCENT)


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
