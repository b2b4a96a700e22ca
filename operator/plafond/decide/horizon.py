"""
The plan for the rest of a window: how full replicas run, and what has to be refused.

Two mistakes cost work: headroom bought with money that later demand needs, and work refused for
demand that never comes. So headroom has to be affordable in most futures, also in those with more
demand than is forecast, and work is refused only if money is short even with less. In between,
replicas run as full as they may.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from plafond.forecast.day_profile import HOUR, Profile, profile_of
from plafond.forecast.forecast import Forecast, forecast_of
from plafond.model.budget import BudgetPosition
from plafond.model.ledger import Ledger
from plafond.model.memory import PacePlan
from plafond.model.money import ZERO
from plafond.model.settings import Timing

LONGEST_PLAN = timedelta(minutes=5)
PLANS_PER_WINDOW = 288
# The forecast has hours; of a window that is not many of them it says nothing.
SHORTEST_WINDOW = timedelta(hours=12)
# So many standard errors above the forecast: the futures among which utilization is averaged. More
# of them are dearer: money that is missing at the end costs more work than headroom that is. Their
# error is that of surprises that pass: whoever is surprised can still run fuller from then on.
FUTURES = (-0.7, 0.0, 0.7, 1.4, 2.1)
# So many below it, of surprises that stay: refused is only what money does not carry even then,
# because work that was refused is lost.
CHEAPER_FUTURE = -2.0
# Where demand is seen only as far as it was served, the forecast is rather too low already.
CHEAPER_FUTURE_IF_SERVED = -1.0
# So little of what starts cost since the last plan is believed: what counts is that of hours.
OVERHEAD_LEARNED = 0.02
MOST_OVERHEAD = 2.0
MICRO = Decimal("0.000001")
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Means:
    """
    What a plan has to work with; money per hour in the budget's unit.

    Attributes:
        reserved: what cannot be scaled costs.
        floors: what funded floors cost.
        replica: what the dearest replica costs: a level that moves by less moves nothing.
        lowest: the utilization at which nothing is squeezed, in percent; *highest*: the fullest.
        taken_at: the part of the cost of demand that remains at so many percent.
        sees_offered: demand is seen also where it is not served.
        paid_per_served: what was paid lately for each hour that served: replicas start before that.

    """

    reserved: Decimal
    floors: Decimal
    replica: Decimal
    lowest: int
    highest: int
    taken_at: Callable[[int], float]
    sees_offered: bool
    paid_per_served: float = 1.0


def planned(
    position: BudgetPosition,
    ledger: Ledger,
    means_of: Callable[[], Means],
    before: PacePlan | None,
    timing: Timing,
) -> PacePlan | None:
    """Return the plan in force for *position*; None where the ledger knows too little for one."""
    if position.span.length < SHORTEST_WINDOW:
        return None
    if before is not None and _holds(before, position, timing):
        return before
    profile = profile_of(ledger, position.budget.limit.unit, position.now)
    if profile is None or position.time_left <= timedelta(0):
        return None
    means = means_of()
    overhead = _overhead(means, before)
    stretches = _stretches(position, (means, overhead), profile, timing)
    plan = _made(position, means, stretches, before)
    return replace(
        plan,
        overhead=_rounded(overhead),
        expected=_rounded(_expected(means, stretches[-1], plan)),
        gone_at=_gone_at(position.now, means, stretches),
    )


def _holds(plan: PacePlan, position: BudgetPosition, timing: Timing) -> bool:
    until = position.planned_until(plan.at)
    is_its_own = plan.until == until and plan.limit == position.budget.limit.value
    return is_its_own and position.now < plan.at + _every(position, timing)


def _every(position: BudgetPosition, timing: Timing) -> timedelta:
    return max(timing.evaluation_period, min(LONGEST_PLAN, position.span.length / PLANS_PER_WINDOW))


@dataclass(frozen=True, slots=True)
class _Stretch:
    """
    From now on so many hours.

    Attributes:
        left: what may be spent until then; *money*: what of it is left for replicas that serve.

    """

    forecast: Forecast
    hours: float
    left: float
    money: float


def _overhead(means: Means, before: PacePlan | None) -> float:
    """Return what an hour that serves costs beside its price, learned from plan to plan."""
    last = 1.0 if before is None else float(before.overhead)
    seen = min(MOST_OVERHEAD, max(1.0, means.paid_per_served))
    return last + OVERHEAD_LEARNED * (seen - last)


def _stretches(
    position: BudgetPosition, costs: tuple[Means, float], profile: Profile, timing: Timing
) -> tuple[_Stretch, ...]:
    """Return each stretch whose money has to last, the longest at the end."""
    # What is nearer than the next plan is the guard's: it looks in every pass.
    (means, overhead), (*bounds, whole) = costs, position.bounds
    far = [bound for bound in bounds if bound.within >= _every(position, timing)]
    found = []
    for bound in (*far, whole):
        hours, left = bound.within / HOUR, float(bound.value)
        money = max(0.0, left - float(means.reserved) * hours) / overhead
        found.append(_Stretch(forecast_of(profile, hours), hours, left, money))
    return tuple(found)


def _made(
    position: BudgetPosition,
    means: Means,
    stretches: tuple[_Stretch, ...],
    before: PacePlan | None,
) -> PacePlan:
    whole = stretches[-1]
    return PacePlan(
        position.now,
        position.planned_until(position.now),
        position.budget.limit.value,
        _held(_level(means, stretches), means, before),
        _utilization(means, stretches),
        _rounded(whole.forecast.total + float(means.reserved) * whole.hours),
        _rounded(whole.forecast.error),
    )


def _rounded(value: float) -> Decimal:
    return Decimal(value).quantize(MICRO).normalize()


def _expected(means: Means, whole: _Stretch, plan: PacePlan) -> float:
    """Return what is spent on *whole* if demand is as forecast, under *plan*."""
    floors, reserved = float(means.floors), float(means.reserved)
    level = float("inf") if plan.level is None else float(plan.level) - reserved
    squeezed = whole.forecast.scaled(means.taken_at(plan.utilization_percent or means.lowest))
    promised = (floors + reserved) * whole.hours
    # What is promised is paid in any case; else the guard ends what would pass the limit.
    cost = squeezed.cost_up_to(level, floors) + reserved * whole.hours
    return max(promised, min(cost, whole.left))


def _gone_at(now: datetime, means: Means, stretches: tuple[_Stretch, ...]) -> datetime | None:
    """Return when all demand, were it served, would have cost what may be spent until then."""
    floors, reserved = float(means.floors), float(means.reserved)
    earliest = 0.0
    for stretch in stretches:
        if stretch.forecast.cost(floors) + reserved * stretch.hours > stretch.left:
            hours = stretch.forecast.hours_for(stretch.left, floors, reserved)
            # To the second, and rather later: it is not gone before.
            later = hours + SECOND / HOUR
            return now + max(earliest, min(later, stretch.hours)) * HOUR
        earliest = stretch.hours
    return None


def _utilization(means: Means, stretches: tuple[_Stretch, ...]) -> int | None:
    """Return how full replicas run; None where their targets are affordable in all futures."""
    if all(_is_paid(means, each, each.forecast, means.highest) for each in stretches):
        found = [_least_utilization(means, stretches, z) for z in FUTURES]
        # The fuller replicas run, the more work each percent more costs: squares are averaged.
        mean = round(math.sqrt(sum(each * each for each in found) / len(found)))
    else:
        # No headroom is bought in the hope of a cheaper future, while work may have to be refused.
        mean = means.highest
    return mean if mean > means.lowest else None


def _least_utilization(means: Means, stretches: tuple[_Stretch, ...], z: float) -> int:
    """Return the lowest at which every stretch is paid, if all turn out *z* errors dearer."""
    least = means.lowest
    for stretch in stretches:
        future = stretch.forecast.passing(z)
        low, high = least, means.highest
        while low < high:
            # Most stretches ask for no more than those before them did.
            middle = low if low == least else (low + high) // 2
            if _is_paid(means, stretch, future, middle):
                high = middle
            else:
                low = middle + 1
        least = low
    return least


def _is_paid(means: Means, stretch: _Stretch, future: Forecast, utilization_percent: int) -> bool:
    squeezed = future.scaled(means.taken_at(utilization_percent))
    return squeezed.cost(float(means.floors)) <= stretch.money


def _level(means: Means, stretches: tuple[_Stretch, ...]) -> float | None:
    """Return the largest level at which every stretch is paid; None where nothing is refused."""
    z = CHEAPER_FUTURE if means.sees_offered else CHEAPER_FUTURE_IF_SERVED
    found = []
    for stretch in stretches:
        cheaper = stretch.forecast.off_by(z).scaled(means.taken_at(means.highest))
        level = cheaper.level(stretch.money, float(means.floors))
        found += [] if level is None else [level]
    return min(found, default=None)


def _held(level: float | None, means: Means, before: PacePlan | None) -> Decimal | None:
    if level is None:
        return None
    found = means.reserved + Decimal(level).quantize(MICRO)
    last = before.level if before is not None else None
    # A replica that is granted and taken back costs its start and its end each time.
    if last is not None and abs(found - last) <= means.replica and found > ZERO:
        return last
    return found
