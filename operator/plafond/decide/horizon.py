"""
The plan for the rest of a window: how full replicas run, and what has to be refused.

Two mistakes cost work: headroom bought with money that later demand needs, and work refused for
demand that never comes. So headroom has to be affordable also if demand turns out higher than
forecast, and work is refused only if money is short even if demand turns out lower. In between,
replicas run as full as they may.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from plafond.forecast.day_profile import HOUR, profile_of
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
# So many standard errors above the forecast: the futures among which utilization is averaged.
DEARER_FUTURES = (0.0, 1.0, 2.0, 3.0)
# So many below it: refused is only what money does not carry even then.
CHEAPER_FUTURE = -2.0
# Where demand is seen only as far as it was served, the forecast is rather too low already.
CHEAPER_FUTURE_IF_SERVED = -1.0
LEAST_PART = 0.1
MICRO = Decimal("0.000001")


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

    """

    reserved: Decimal
    floors: Decimal
    replica: Decimal
    lowest: int
    highest: int
    taken_at: Callable[[int], float]
    sees_offered: bool


def planned(
    position: BudgetPosition,
    ledger: Ledger,
    means: Means,
    before: PacePlan | None,
    timing: Timing,
) -> PacePlan | None:
    """Return the plan in force for *position*; None where the ledger knows too little for one."""
    if position.span.length < SHORTEST_WINDOW:
        return None
    if before is not None and _holds(before, position, timing):
        return before
    profile = profile_of(ledger, position.budget.limit.unit, position.now)
    hours = position.time_left / HOUR
    if profile is None or hours <= 0:
        return None
    return _made(position, means, forecast_of(profile, hours), before)


def _holds(plan: PacePlan, position: BudgetPosition, timing: Timing) -> bool:
    every = max(
        timing.evaluation_period, min(LONGEST_PLAN, position.span.length / PLANS_PER_WINDOW)
    )
    is_its_own = plan.until == position.span.end and plan.limit == position.budget.limit.value
    return is_its_own and position.now < plan.at + every


def _made(
    position: BudgetPosition, means: Means, forecast: Forecast, before: PacePlan | None
) -> PacePlan:
    hours = position.time_left / HOUR
    reserved = float(means.reserved) * hours
    money = max(0.0, float(position.remaining.value) - reserved)
    level = _level(means, forecast, money)
    total = Decimal(forecast.total + reserved)
    return PacePlan(
        position.now,
        position.span.end,
        position.budget.limit.value,
        _held(level, means, before),
        _utilization(means, forecast, money),
        total.quantize(MICRO).normalize(),
        Decimal(forecast.error).quantize(MICRO).normalize(),
    )


def _utilization(means: Means, forecast: Forecast, money: float) -> int | None:
    """Return how full replicas run; None where their targets are affordable in every future."""
    found = [
        _least_utilization(means, forecast.scaled(1.0 + z * forecast.error), money)
        for z in DEARER_FUTURES
    ]
    # The mean of what a replica would cost, not of how full it would be.
    mean = round(len(found) / sum(1.0 / each for each in found))
    return mean if mean > means.lowest else None


def _least_utilization(means: Means, forecast: Forecast, money: float) -> int:
    low, high = means.lowest, means.highest
    floors = float(means.floors)
    while low < high:
        middle = (low + high) // 2
        if forecast.scaled(means.taken_at(middle)).cost(floors) <= money:
            high = middle
        else:
            low = middle + 1
    return low


def _level(means: Means, forecast: Forecast, money: float) -> float | None:
    z = CHEAPER_FUTURE if means.sees_offered else CHEAPER_FUTURE_IF_SERVED
    least = max(LEAST_PART, 1.0 + z * forecast.error)
    return forecast.scaled(least * means.taken_at(means.highest)).level(money, float(means.floors))


def _held(level: float | None, means: Means, before: PacePlan | None) -> Decimal | None:
    if level is None:
        return None
    found = means.reserved + Decimal(level).quantize(MICRO)
    last = before.level if before is not None else None
    # A replica that is granted and taken back costs its start and its end each time.
    if last is not None and abs(found - last) <= means.replica and found > ZERO:
        return last
    return found
