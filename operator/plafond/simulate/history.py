"""
What a ledger would hold of the time before the window: demand and spend, hour by hour.

Nothing limited that time: the autoscaler got what it asked for.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.simulate.baselines import Unconstrained
from plafond.simulate.observing import Observe
from plafond.simulate.play import Step, play
from plafond.simulate.world import SATURATED, SECONDS_PER_HOUR, STEP_S, Model, Window

HOUR = timedelta(hours=1)
MILLI = Decimal("0.001")


def history_of(window: Window, model: Model, currency: str, start: datetime) -> Ledger:
    """Return the ledger of everything before *window*, which begins at *start*."""
    before = window.history
    if before.steps == 0:
        return Ledger(start)
    begin = start - timedelta(seconds=before.seconds)
    steps = play(before, model, Unconstrained()).steps
    demand = {step.offset_s: _demand(step, model) for step in steps}
    spend = {step.offset_s: step.cost for step in steps}
    censored = {s.offset_s: demand[s.offset_s] for s in steps if _is_censored(s, model)}
    known = {Fact.DEMAND: demand, Fact.SPEND: spend, Fact.CENSORED: censored}
    return Ledger(
        start,
        {SeriesKey(fact, currency): _hourly(of, begin) for fact, of in known.items() if of},
    )


def _is_censored(step: Step, model: Model) -> bool:
    if model.observe is Observe.OFFERED:
        return False
    return step.served >= SATURATED * step.ready * model.tokens_per_s


def _demand(step: Step, model: Model) -> Decimal:
    # What the core itself would have recorded: replicas at their target, undivided.
    seen = step.demand if model.observe is Observe.OFFERED else step.served
    replicas = Decimal(seen / model.target).quantize(MILLI)
    return replicas * model.price * STEP_S / SECONDS_PER_HOUR


def _hourly(amounts: Mapping[int, Decimal], begin: datetime) -> tuple[Bucket, ...]:
    hours: dict[int, Decimal] = defaultdict(Decimal)
    for offset, amount in amounts.items():
        hours[offset // SECONDS_PER_HOUR] += amount
    return tuple(Bucket(begin + hour * HOUR, HOUR, value) for hour, value in hours.items())
