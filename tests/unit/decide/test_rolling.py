"""Pace, floors and plans of a window that rolls on: what still counts, and when it falls out."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from tests.builders import (
    DAY,
    EUR,
    HOUR,
    MINUTE,
    NOW,
    PASS,
    SECOND,
    TEAM,
    budget,
    class_rule,
    concurrency,
    money,
    no_floors,
    pods_of,
    policy,
    readings,
    record,
    rolling,
    snapshot,
    workload,
)
from tests.unit.decide import test_horizon as fixed_windows
from tests.unit.decide.support import counts, decided, remembering
from tests.unit.decide.test_horizon import means, steady

from plafond.account.ledger import Charge, recorded
from plafond.account.positions import grid_in_force, positions
from plafond.decide.allowing import allowed
from plafond.decide.horizon import planned
from plafond.decide.lasting import (
    Whole,
    gone_after,
    lasting_rate,
    lasting_rate_for,
    rate_in_turns,
)
from plafond.decide.pace import remembered
from plafond.decide.why import is_still_true, why
from plafond.model.budget import BudgetPosition, FallsOut, OnExhausted
from plafond.model.labels import LabelSelector
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.model.memory import WorkloadMemory
from plafond.model.money import Amount
from plafond.model.settings import Timing
from plafond.model.window import Span

# Three passes, the lag and the end of a pod.
BLIND = 3 * 15 * SECOND + 15 * SECOND + 30 * SECOND


def position(limit, *falls_out, lasts=10 * HOUR, now=NOW):
    """A rolling budget of which so much, of so long from now, is spent."""
    steps = tuple(FallsOut(after, money(value)) for after, value in falls_out)
    spent = Amount(sum((step.value for step in steps), Decimal(0)), EUR)
    of = budget(limit, window=rolling(lasts))
    return BudgetPosition("limits", of, of.window.span_at(now), spent, now, steps)


def world(limit, *buckets, replicas=0, lasts=10 * HOUR, **more):
    """Idle replicas that nobody has paid for yet, and a ledger of (how long ago, value)."""
    series = {
        SeriesKey(Fact.SPEND, EUR): tuple(
            Bucket(NOW - ago, 5 * MINUTE, money(value)) for ago, value in buckets
        )
    }
    llm = workload(replicas=replicas)
    limits = policy(
        budgets=(
            budget(
                limit, window=rolling(lasts), on_exhausted=more.pop("end", OnExhausted.KEEP_FLOORS)
            ),
        ),
        classes=more.pop("classes", no_floors()),
        scaling=concurrency(7),
    )
    past = {TEAM: replace(record(), ledger=Ledger(NOW, series))}
    meters = readings(pods_of(llm), running=7, waiting=0)
    pods = pods_of(llm, scheduled_at=NOW, ready_at=NOW)
    return snapshot(
        workloads=(llm,), pods=pods, policies=(limits,), records=past, meters=meters, **more
    )


def pace_of(*args, **more):
    return decided(world(*args, **more))[1].pace.budgets[0]


def test_with_nothing_inside_the_level_is_the_limit_over_the_whole_window():
    assert pace_of("400").level == 40


def test_the_level_is_kept_up_until_each_thing_that_counts_has_fallen_out():
    # 300 of 400 are spent, and are out in two hours: until then 100 / 2 is more than 400 / 10.
    assert pace_of("400", (8 * HOUR + 5 * MINUTE, 300)).level == 40
    # In five hours, and 90 s until that is felt: 100 / 5.025.
    assert pace_of("400", (5 * HOUR + 5 * MINUTE, 300)).level == pytest.approx(
        Decimal("19.90"), abs=Decimal("0.01")
    )


def test_more_runs_again_as_soon_as_something_has_fallen_out():
    # 0.10 EUR are free for five hours; of half a replica at 4.00 a whole one runs in turns.
    assert counts(world("390.1", (5 * HOUR + 5 * MINUTE, 390), replicas=10)) == {"llm": 0}
    assert counts(world("400", (5 * HOUR + 5 * MINUTE, 390), replicas=10)) == {"llm": 1}
    assert counts(world("400", (10 * HOUR + 5 * MINUTE, 390), replicas=10)) == {"llm": 10}


def test_the_guard_spreads_what_remains_until_something_falls_out_over_the_horizon():
    # 350 are spent; a 24th of ten hours are 25 minutes, and nothing falls out until then.
    assert pace_of("400", (5 * HOUR, 350)).guard == 120
    # They do 18.5 minutes from now: 50 for 20 minutes, then 400 for 25.
    assert pace_of("400", (9 * HOUR + 46.5 * MINUTE, 350)).guard == 150


def test_what_remains_for_a_moment_is_for_as_long_as_a_decision_takes_to_be_felt():
    # Ten seconds before 300 fall out, 2 EUR are no 720 an hour: they are for 90 s more.
    soon = pace_of("302", (10 * HOUR + 5 * MINUTE - 10 * SECOND, 300))

    assert BLIND == 90 * SECOND
    assert (soon.guard, soon.level) == (72, Decimal("30.2"))


def test_money_for_a_moment_is_no_reason_to_end_everything():
    # The same with 0.20 EUR: 7.20 an hour, one replica, until ten seconds later there is more.
    found = pace_of("300.2", (10 * HOUR + 5 * MINUTE - 10 * SECOND, 300))
    assert found.level == Decimal("7.2")


@pytest.mark.parametrize(
    ("end", "expected"),
    [(OnExhausted.STOP_ALL, 0), (OnExhausted.KEEP_FLOORS, 8)],
)
def test_at_its_limit_a_rolling_budget_does_what_the_policy_says(end, expected):
    floors = (class_rule(floor=2, selector=LabelSelector()),)
    kept = {"llm": 2} if end is OnExhausted.KEEP_FLOORS else {"llm": 0}

    found = world("100", (HOUR, 100), replicas=2, end=end, classes=floors)
    found = remembering(found, llm=WorkloadMemory(funded_floor=2))
    _, judgement, _ = decided(found)

    assert counts(found) == kept
    assert judgement.pace.budgets[0].carried_rate == expected


@pytest.mark.parametrize(
    ("limit", "funded"),
    [
        # Two at 4.00 an hour: 40 until 200 fall out in five hours, 80 in ten.
        pytest.param("240", 2, id="both at every moment"),
        pytest.param("239", 1, id="one until something falls out"),
        pytest.param("219", 0, id="none"),
    ],
)
def test_a_floor_is_funded_if_it_fits_at_every_moment(limit, funded):
    floors = (class_rule(floor=2, selector=LabelSelector()),)

    _, judgement, _ = decided(
        world(limit, (5 * HOUR + 5 * MINUTE, 200), replicas=2, classes=floors)
    )

    (memory,) = judgement.memory.values()
    assert memory.funded_floor == funded


def test_when_the_money_is_gone_follows_from_what_falls_out_before():
    # 40 are free; in an hour 60 more, in five the last 100.
    found = position("200", (HOUR, 60), (5 * HOUR, 100))

    assert gone_after(found, Decimal(50)) == timedelta(hours=0.8)
    # After an hour there are 100: they last for 100 / 25 hours.
    assert gone_after(found, Decimal(25)) == 4 * HOUR
    assert gone_after(found, Decimal(20)) is None
    assert gone_after(found, Decimal(0)) is None


def test_a_rate_for_a_while_says_nothing_of_what_comes_after():
    found = position("200", (HOUR, 60), (5 * HOUR, 100))

    # 40 for half an hour; 40 in the hour before 60 fall out; 100 in two hours.
    assert lasting_rate_for(found, HOUR / 2) == 80
    assert lasting_rate_for(found, 2 * HOUR) == 40
    # In ten hours 200.
    assert lasting_rate(found) == 20


def test_where_a_part_of_a_replica_lasts_a_whole_one_more_runs_for_as_long_as_that_is_paid_for():
    def rate(limit, *falls_out, turn=HOUR / 2, felt_after=0 * HOUR, beside=0):
        whole = Whole(Decimal(4), Decimal(beside))
        return rate_in_turns(position(limit, *falls_out), turn, felt_after, whole)

    # Of 100 for ten hours 10 an hour last: two and a half at 4.00, so three and a half for a turn.
    assert rate("100") == 14
    # 6 an hour last until 60 fall out in an hour. For half of it 8, and then one, are as much.
    assert rate("66", (HOUR, 60)) == 8
    # With 5 beside them no whole one lasts, and 5 go on: (6 - 5 / 2) / 0.5.
    assert rate("66", (HOUR, 60), beside=5) == 7
    # Where it takes 15 minutes to be felt, 4.8 last and 4 go on: (6 - 4 x 3/4) / 0.5.
    assert rate("66", (HOUR, 60), felt_after=HOUR / 4) == 6
    # A turn of two hours is not over by then.
    assert rate("66", (HOUR, 60), turn=2 * HOUR) == 6


def test_what_a_budget_carries_in_turns_is_explained_by_what_is_remembered():
    # 10 EUR are free for five hours: 2 an hour last, and a replica at 4.00 more runs in turns.
    _, judgement, _ = decided(world("400", (5 * HOUR + 5 * MINUTE, 390), replicas=10))
    (found,), (of,) = judgement.pace.budgets, allowed(judgement).values()

    again = remembered(found.position, of, Timing())

    assert again.carried_rate == found.carried_rate
    # 10 / 5.025, and 4.
    assert round(found.carried_rate, 2) == Decimal("5.99")


def played(limit, lasts=HOUR):
    """Replicas at 4.00 without end: how much of *limit* is inside, pass by pass, and how many."""
    limits = policy(budgets=(budget(limit, window=rolling(lasts)),))
    ledger, now, held, ran = Ledger(NOW), NOW, [], []
    while now < NOW + 4 * lasts:
        (stands,) = positions((limits,), ledger, now)
        held.append(stands.spend.value / stands.budget.limit.value)
        rate = rate_in_turns(stands, max(BLIND, lasts / 24), BLIND, Whole(Decimal(4)))
        ran.append(int(rate // 4))
        before, now = now, now + PASS
        charges = [Charge(SeriesKey(Fact.SPEND, EUR), Span(before, now), Decimal(4 * ran[-1]))]
        ledger = recorded(ledger, charges, now, grid_in_force((limits,), now, PASS))
    return held, ran


@pytest.mark.parametrize("replicas", ["1.7", "2.9", "8.4", "30.5"])
def test_a_part_of_a_replica_is_not_left_over(replicas):
    held, ran = played(Decimal(replicas) * 4)

    assert max(held) <= 1
    # 90 s of an hour are kept back, and a step that falls out is 1 %; a replica in turns is less.
    assert min(held[len(held) // 2 :]) >= Decimal("0.90")
    # So as many fewer last; and what lasts goes on.
    assert min(ran) >= int(Decimal(replicas) * Decimal("0.95"))


def test_why_says_of_which_stretch_something_is_left():
    _, judgement, _ = decided(world("400", (HOUR, 330)))

    assert why(judgement) == "launch 82 %, 70.00 EUR left of any 10h"


def test_a_sentence_stays_while_what_the_window_holds_goes_up_and_down_by_a_bucket():
    sentence = why(decided(world("400", (HOUR, 330)))[1])
    nearly, more = (decided(world("400", (HOUR, spent)))[1] for spent in (335, 336))

    # 83.75 % are said to be 83, next to 82; 84 are not.
    assert is_still_true(sentence, nearly)
    assert not is_still_true(sentence, more)


# A week of demand at 10 an hour costs 1680; with replicas that run full, 1176.


def plan(limit, *falls_out, rate=10, before=None, now=NOW, **more):
    return planned(
        position(limit, *falls_out, lasts=7 * DAY, now=now),
        steady(rate),
        lambda: means(**more),
        before,
        Timing(),
    )


def test_the_forecast_goes_as_far_as_the_window_is_long():
    found = plan(4000)

    assert (found.forecast, found.level, found.utilization_percent) == (1680, None, None)
    assert found.until == NOW + 7 * DAY


def test_the_plan_of_an_untouched_window_is_that_of_a_fixed_one():
    for limit in (500, 1700):
        fixed = fixed_windows.plan(limit)
        assert plan(limit, now=fixed.at) == fixed


def test_work_is_refused_for_the_moment_at_which_money_is_shortest():
    # 420 are free until 2000 fall out after four days: 420 / 96, and nothing is short afterwards.
    found = plan(2420, (4 * DAY, 2000))

    assert found.level == pytest.approx(Decimal(420) / 96, abs=Decimal("0.001"))
    assert found.utilization_percent == 100
    assert plan(2420).level is None
    # 100 for four days, also where 600 are short of what a week asks for.
    assert plan(600, (4 * DAY, 500)).level == pytest.approx(Decimal(100) / 96, abs=Decimal("0.001"))


def test_a_plan_for_a_rolling_window_is_kept_for_minutes_and_then_made_anew():
    first = plan(500)

    assert plan(500, before=first, now=NOW + 4 * MINUTE) is first
    later = plan(500, before=first, now=NOW + 5 * MINUTE)
    assert (later.at, later.until) == (NOW + 5 * MINUTE, NOW + 5 * MINUTE + 7 * DAY)


def test_what_is_free_for_seconds_is_no_reason_to_refuse_everything_until_the_next_plan():
    # Nothing is free for five seconds, and then 2000: a plan holds for five minutes.
    assert plan(2000, (5 * SECOND, 2000)).level is None
    assert plan(2000, (5 * MINUTE, 2000)).level == 0
