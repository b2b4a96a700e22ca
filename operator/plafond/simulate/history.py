"""
What a ledger would hold of the time before the window: demand and spend, hour by hour.

Nothing limited that time: the autoscaler got what it asked for, and what it recommended is what
demand would have cost.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.simulate.baselines import Unconstrained
from plafond.simulate.play import play
from plafond.simulate.world import SECONDS_PER_HOUR, STEP_S, Model, Window

HOUR = timedelta(hours=1)


def history_of(window: Window, model: Model, currency: str, start: datetime) -> Ledger:
    """Return the ledger of everything before *window*, which begins at *start*."""
    before = window.history
    if before.steps == 0:
        return Ledger(start)
    begin = start - timedelta(seconds=before.seconds)
    steps = play(before, model, Unconstrained()).steps
    demand = {
        step.offset_s: step.recommended * model.price * STEP_S / SECONDS_PER_HOUR for step in steps
    }
    spend = {step.offset_s: step.cost for step in steps}
    return Ledger(
        start,
        {
            SeriesKey(Fact.DEMAND, currency): _hourly(demand, begin),
            SeriesKey(Fact.SPEND, currency): _hourly(spend, begin),
        },
    )


def _hourly(amounts: Mapping[int, Decimal], begin: datetime) -> tuple[Bucket, ...]:
    hours: dict[int, Decimal] = defaultdict(Decimal)
    for offset, amount in amounts.items():
        hours[offset // SECONDS_PER_HOUR] += amount
    return tuple(Bucket(begin + hour * HOUR, HOUR, value) for hour, value in hours.items())
