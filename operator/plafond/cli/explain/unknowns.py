"""What could not be read, of whichever is newer: the status of a policy, or what is remembered."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from plafond.cli.explain.case import Case
from plafond.decide.reason import Reason
from plafond.model.memory import WorkloadMemory
from plafond.model.money import TOKENS
from plafond.model.policy import InvalidPolicy
from plafond.report.condition_reason import ConditionReason

# By then a condition says what the status' last word hides.
TOLD_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something beside a workload that is unknown, so that no ceiling is raised."""

    sentence: str
    deed: str


def demand_gap(case: Case) -> str | None:
    """Return why its demand cannot be read."""
    known = case.rationale.gap if case.rationale is not None else None
    if not case.is_status_newer:
        return known
    missing = _said(case, "MetricsAvailable", ConditionReason.METRICS_UNAVAILABLE)
    if case.reason is Reason.DEMAND_UNKNOWN:
        return missing or known or "its demand"
    # A gap in which nothing moves is the reason: without one there is no gap.
    return None if case.reason is None or (missing is None and _is_told(case)) else known


def price_gap(case: Case) -> str | None:
    """Return why a price of it is unknown, or is the last one known."""
    known = case.rationale.price_gap if case.rationale is not None else None
    if not case.is_status_newer:
        return known
    told = {
        Reason.PRICE_UNKNOWN: _said(case, "Ready", ConditionReason.PRICE_UNKNOWN),
        Reason.MEASURING_TOKENS: _said(case, "Ready", ConditionReason.MEASURING_TOKENS),
    }
    if not any(told.values()):
        return None
    return known if known or case.reason is None else told.get(case.reason)


def _is_told(case: Case) -> bool:
    # A condition says nothing yet of what is missing for a moment.
    at, as_of = case.listed_at, case.facts.as_of
    return at is None or as_of is None or at - as_of > TOLD_AFTER


def needed(name: str, case: Case) -> Decimal | None:
    """Return what demand takes of the limit *name*; unknown where a price or a demand is."""
    others = (each.rationale for each in case.beside.values() if each is not case.memory)
    is_read = demand_gap(case) is None and not any(each and each.gap for each in others)
    return case.limits[name].needed if is_read else None


def gaps(case: Case) -> tuple[str, ...]:
    """Return what could not be read of it."""
    found = (demand_gap(case), price_gap(case))
    return tuple(gap for gap in found if gap is not None)


def doubt(case: Case) -> Doubt | None:
    """Return what is unknown beside it, so that no ceiling of the namespace is raised."""
    for each in case.facts.policies:
        if isinstance(each.policy, InvalidPolicy):
            name = each.policy.name
            return Doubt(
                f"policy {name} cannot be understood",
                f"correct policy {name}: kubectl describe costpol {name}",
            )
    unpriced = _unpriced(case)
    if unpriced is not None:
        deed = "let an entry of the price sheet price what runs beside it"
        return Doubt(unpriced, f"{deed} ({unpriced})")
    return _unseen(case) if case.reason is Reason.HELD_IN_DOUBT else None


def _unpriced(case: Case) -> str | None:
    is_told = case.reason is Reason.HELD_IN_DOUBT
    is_remembered = any(each.needed is None for each in case.limits.values())
    told = _said(case, "Ready", ConditionReason.PRICE_UNKNOWN)
    if not is_told and (not is_remembered or (case.is_status_newer and told is None)):
        return None
    if told is not None:
        return told
    beside = (
        f"{workload.name} has no usable price: {memory.rationale.price_gap}"
        for of_set in case.facts.memory.sets.values()
        for workload, memory in of_set.items()
        if workload != case.workload and memory.rationale and _is_unpriced(case, memory)
    )
    return next(beside, None)


def _is_unpriced(case: Case, memory: WorkloadMemory) -> bool:
    has_gap = memory.rationale is not None and memory.rationale.price_gap is not None
    return has_gap and not case.units - {TOKENS} <= memory.price.keys()


def _unseen(case: Case) -> Doubt:
    missing = _said(case, "MetricsAvailable", ConditionReason.METRICS_UNAVAILABLE)
    if missing is not None:
        return Doubt(missing, f"make what is missing readable again ({missing})")
    sentence = "what was spent before it could be counted"
    return Doubt(sentence, "wait for what Prometheus tells of the time before it was counted")


def _said(case: Case, kind: str, reason: ConditionReason) -> str | None:
    found = (each.status.condition(kind) for each in case.governing)
    return next((each.message for each in found if each and each.reason == reason), None)
