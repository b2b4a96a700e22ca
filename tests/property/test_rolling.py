"""Laws of rolling windows: no stretch of their length costs more than the limit."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.builders import DAY, EUR, HOUR, MINUTE, NOW, PASS, SECOND, budget, money, policy, rolling
from tests.unit.decide.test_horizon import means

from plafond.account.ledger import Charge, recorded
from plafond.account.positions import grid_in_force, positions
from plafond.account.rolling import rolled
from plafond.decide.horizon import planned
from plafond.decide.lasting import (
    Whole,
    gone_after,
    lasting_rate,
    lasting_rate_for,
    rate_in_turns,
)
from plafond.forecast.day_profile import profile_of
from plafond.forecast.forecast import forecast_of
from plafond.model.budget import BudgetPosition, FallsOut
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.model.money import Amount, accrued
from plafond.model.settings import Timing
from plafond.model.window import Span

SPEND, DEMAND = SeriesKey(Fact.SPEND, EUR), SeriesKey(Fact.DEMAND, EUR)
LASTS = 24 * HOUR
BLIND = 90 * SECOND
LEVELS = st.integers(0, 500).map(Decimal)


@st.composite
def standing(draw):
    """A position of a rolling window of a day in which anything was spent at any time."""
    ages = draw(st.lists(st.integers(1, 24 * 60 - 1), unique=True, max_size=12))
    steps = tuple(FallsOut(at * MINUTE, draw(LEVELS)) for at in sorted(ages))
    stays = draw(LEVELS)
    spent = sum((step.value for step in steps), stays)
    of = budget(draw(st.integers(1, 4000)), window=rolling(LASTS))
    span = of.window.span_at(NOW)
    return BudgetPosition("limits", of, span, Amount(spent, EUR), NOW, steps)


def inside_at(position, after):
    """What of now is still inside so long from now, and before anything falls out just then."""
    gone = sum(step.value for step in position.falls_out if step.after < after)
    return position.spend.value - gone


@given(standing(), st.integers(1, 24 * 60))
def test_at_the_level_every_moment_of_the_next_window_is_within_the_limit(position, minutes):
    rate, after = lasting_rate(position, BLIND), minutes * MINUTE
    limit = position.budget.limit.value

    within = inside_at(position, after) + accrued(rate, after)
    assert within <= max(limit, inside_at(position, after)) + Decimal("1e-12")


@given(standing())
def test_a_higher_level_would_pass_the_limit_at_some_moment(position):
    rate = lasting_rate(position) + Decimal("0.001")

    limit = position.budget.limit.value
    assert any(
        inside_at(position, bound.within) + accrued(rate, bound.within) > limit
        for bound in position.bounds
    )
    assert gone_after(position, rate) is not None


@given(standing(), st.integers(1, 1000))
def test_more_limit_never_means_a_lower_level_or_a_lower_guard(position, more):
    of = position.budget
    limit = Amount(of.limit.value + more, EUR)
    richer = replace(position, budget=replace(of, limit=limit))

    assert lasting_rate(richer, BLIND) >= lasting_rate(position, BLIND)
    assert lasting_rate_for(richer, HOUR, BLIND) >= lasting_rate_for(position, HOUR, BLIND)


@given(standing())
def test_a_level_for_a_while_is_never_below_the_one_for_the_whole_window(position):
    assert lasting_rate_for(position, HOUR, BLIND) >= lasting_rate(position, BLIND)


@given(standing(), st.integers(1, 50), st.integers(2, 120))
def test_a_turn_and_the_whole_replicas_that_last_after_it_are_within_the_limit(
    position, replica, minutes
):
    turn, limit = minutes * MINUTE, position.budget.limit.value
    lasting = lasting_rate(position, BLIND)

    whole = Whole(Decimal(replica))

    rate = rate_in_turns(position, turn, BLIND, whole)

    assert lasting <= rate <= lasting + replica
    # As many whole ones as last.
    follows = lasting // replica * replica
    for bound in position.bounds:
        later = max(bound.within - turn, 0 * MINUTE)
        after = accrued(follows, later)
        spent = accrued(rate, bound.within - later) + after
        inside = inside_at(position, bound.within)
        assert inside + spent <= max(limit, inside) + Decimal("1e-12")


@given(standing(), LEVELS)
def test_the_money_is_gone_at_the_first_moment_at_which_the_limit_is_reached(position, rate):
    assume(not position.is_exhausted)
    after = gone_after(position, rate)

    limit = position.budget.limit.value
    for bound in position.bounds:
        spent = inside_at(position, bound.within) + accrued(rate, bound.within)
        assert after is None or after <= bound.within or spent <= limit
        assert after is not None or spent <= limit
    if after is not None:
        # To the microsecond.
        reached = inside_at(position, after) + accrued(rate, after)
        assert float(reached) == pytest.approx(float(limit), rel=1e-6, abs=1e-4)


HOURS = st.lists(st.integers(0, 400), min_size=24, max_size=24 * 8)


def demanding(rates):
    start = NOW - len(rates) * HOUR
    buckets = tuple(Bucket(start + i * HOUR, HOUR, Decimal(r)) for i, r in enumerate(rates))
    return Ledger(NOW, {DEMAND: buckets})


@given(standing(), HOURS, st.integers(0, 50))
def test_a_plan_pays_for_every_moment_of_the_future_that_it_reckons_with(position, rates, floor):
    ledger = demanding(rates)

    found = planned(position, ledger, lambda: means(floors=floor), None, Timing())

    profile = profile_of(ledger, EUR, NOW)
    for bound in (bound for bound in position.bounds if bound.within >= 5 * MINUTE):
        hours = bound.within / HOUR
        future = forecast_of(profile, hours)
        least = future.off_by(-2).rates * 0.7
        level = float("inf") if found.level is None else float(found.level)
        carried = np.maximum(np.minimum(least, level), floor)
        # Floors are kept also where they cost too much.
        most = max(0.0, float(bound.value), floor * hours)
        assert carried @ future.hours <= most * (1 + 1e-6) + 1e-3


@given(standing(), HOURS)
def test_replicas_run_at_their_target_only_if_every_moment_is_paid_as_it_is_forecast(
    position, rates
):
    ledger = demanding(rates)

    found = planned(position, ledger, means, None, Timing())

    profile = profile_of(ledger, EUR, NOW)
    if found.utilization_percent is None:
        for bound in (bound for bound in position.bounds if bound.within >= 5 * MINUTE):
            hours = bound.within / HOUR
            future = forecast_of(profile, hours)
            assert future.cost(0) <= max(0.0, float(bound.value)) + 1e-6


@given(standing(), HOURS, st.integers(1, 4000))
def test_more_limit_never_refuses_more_and_never_runs_fuller(position, rates, more):
    of, ledger = position.budget, demanding(rates)
    limit = Amount(of.limit.value + more, EUR)
    richer = replace(position, budget=replace(of, limit=limit))

    poor, rich = (planned(each, ledger, means, None, Timing()) for each in (position, richer))

    assert (rich.utilization_percent or 70) <= (poor.utilization_percent or 70)
    if rich.level is not None:
        assert poor.level is not None
        assert rich.level >= poor.level


@st.composite
def demands(draw):
    """What is asked for per hour, in stretches of minutes."""
    stretch = st.tuples(st.integers(0, 60), st.integers(1, 12))
    return draw(st.lists(stretch, min_size=3, max_size=12))


@given(demands(), st.sampled_from([5 * MINUTE, 20 * MINUTE, HOUR]))
def test_no_stretch_as_long_as_the_window_costs_more_than_the_limit(stretches, lasts):
    """Whatever is asked for: spending at what is carried keeps the limit, to one pass's worth."""
    limits = policy(budgets=(budget("3", window=rolling(lasts)),))
    ledger, now, spent = Ledger(NOW), NOW, []
    for asked, passes in stretches:
        for _ in range(4 * passes):
            (position,) = positions((limits,), ledger, now)
            turn = max(BLIND, lasts / 24)
            level = rate_in_turns(position, turn, BLIND, Whole(money(4)))
            guard = lasting_rate_for(position, turn, BLIND)
            rate = min(money(asked), level, guard)
            before, now = now, now + PASS
            spent.append((before, accrued(rate, PASS)))
            grid = grid_in_force((limits,), now, PASS)
            ledger = recorded(ledger, [Charge(SPEND, Span(before, now), rate)], now, grid)
            inside = sum(value for at, value in spent if at >= now - lasts)
            assert inside <= 3 + accrued(rate, PASS)


@given(
    st.lists(st.tuples(st.integers(1, 2000), st.integers(1, 50)), min_size=1, max_size=40),
    st.integers(0, 5000),
)
def test_nothing_falls_out_before_it_does_and_nothing_is_lost(lengths, later):
    buckets, at = [], NOW - 10 * HOUR
    for seconds, value in lengths:
        buckets.append(Bucket(at, timedelta(seconds=seconds), Decimal(value)))
        at += timedelta(seconds=seconds)
    now = at + timedelta(seconds=later)
    span = Span(now - 2 * HOUR, now)

    value, steps = rolled(tuple(buckets), span)

    inside = [each for each in buckets if each.end > span.start]
    assert value == sum(each.value for each in inside)
    for moment in {step.after for step in steps} | {HOUR, DAY}:
        out = sum(each.value for each in inside if each.end <= span.start + moment)
        assert sum(step.value for step in steps if step.after <= moment) <= out
