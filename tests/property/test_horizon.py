"""Laws of plans and forecasts: what they promise is paid for, and more money never does less."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.unit.decide.test_horizon import DAY, HOUR, NOW, means, position

from plafond.decide.horizon import planned
from plafond.forecast.day_profile import profile_of
from plafond.forecast.forecast import LARGEST_ERROR, forecast_of
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.model.settings import Timing

RATES = st.lists(st.integers(0, 400), min_size=24, max_size=24 * 9)
MONEY = st.integers(1, 200_000)


def ledger_of(rates):
    """The latest of *rates* is that of the hour that ends now."""
    start = NOW - len(rates) * HOUR
    buckets = tuple(Bucket(start + i * HOUR, HOUR, Decimal(r)) for i, r in enumerate(rates))
    return Ledger(NOW, {SeriesKey(Fact.DEMAND, "EUR"): buckets})


def plan(money, rates, floors=0):
    return planned(position(money), ledger_of(rates), lambda: means(floors=floors), None, Timing())


@given(RATES, st.integers(1, 40 * 24))
def test_a_forecast_covers_every_hour_to_the_window_s_end_and_knows_how_wrong_it_may_be(
    rates, hours
):
    found = forecast_of(profile_of(ledger_of(rates), "EUR", NOW), hours)

    assert found.hours.sum() == pytest.approx(hours)
    assert (found.rates >= 0).all()
    assert 0 <= found.error <= LARGEST_ERROR


@given(RATES, st.floats(-3, 3), st.floats(-3, 3))
def test_a_dearer_future_never_costs_less_and_none_is_free_that_has_demand(rates, one, other):
    found = forecast_of(profile_of(ledger_of(rates), "EUR", NOW), 168)
    low, high = (found.off_by(z).total for z in sorted((one, other)))

    assert low <= high
    assert (low > 0) == (found.total > 0)
    assert found.off_by(one).off_by(-one).total == pytest.approx(found.total)


@given(RATES, MONEY, st.integers(0, 50), st.integers(0, 5))
def test_money_carries_demand_for_as_long_as_that_costs_no_more(rates, money, floor, beside):
    profile = profile_of(ledger_of(rates), "EUR", NOW)
    week = forecast_of(profile, 168)

    hours = week.hours_for(money, floor, beside)

    assume(0 < hours < 168)
    until = forecast_of(profile, hours)
    # Growth is another one for another time: as high as the week is taken to be.
    until = until.scaled(week.rates.max() / (until.rates.max() or 1.0))
    assert until.cost(floor) + beside * hours == pytest.approx(money)


@given(RATES, MONEY, st.integers(0, 50))
def test_demand_up_to_the_level_costs_no_more_than_there_is(rates, money, floor):
    found = forecast_of(profile_of(ledger_of(rates), "EUR", NOW), 168)

    level = found.level(money, floor)

    if level is None:
        assert found.cost(floor) <= money
    elif level > floor:
        cost = np.maximum(np.minimum(found.rates, level), floor) @ found.hours
        assert cost == pytest.approx(money, rel=1e-6)


@given(RATES, MONEY, st.integers(1, 50_000))
def test_more_money_never_refuses_more_and_never_runs_fuller(rates, money, more):
    poor, rich = plan(money, rates), plan(money + more, rates)

    assert (rich.utilization_percent or 70) <= (poor.utilization_percent or 70)
    if rich.level is not None:
        assert poor.level is not None
        assert rich.level >= poor.level


@given(RATES, MONEY)
def test_work_is_refused_only_by_replicas_that_run_as_full_as_they_may(rates, money):
    found = plan(money, rates)

    assert found.level is None or found.utilization_percent == 100


@given(RATES, MONEY)
def test_the_same_facts_give_the_same_plan(rates, money):
    assert plan(money, rates) == plan(money, rates)


@given(RATES, MONEY, st.integers(0, 4))
def test_a_plan_that_was_made_lately_is_kept_whatever_was_seen_since(rates, money, minutes):
    first = plan(money, rates)
    later = replace(position(money), now=NOW + timedelta(minutes=minutes))

    assert planned(later, Ledger(NOW + DAY), means, first, Timing()) is first
