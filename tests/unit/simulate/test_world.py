import re
from dataclasses import replace

import pytest
from tests.unit.simulate.support import MODEL, Fixed, money, window

from plafond.simulate.baselines import Static, TimeLeft, Unconstrained, UntilGone
from plafond.simulate.errors import SimulationError
from plafond.simulate.observing import Observe
from plafond.simulate.play import play
from plafond.simulate.world import Autoscaler, Eyes, Fleet, Sight


def counts(run):
    return [(step.replicas, step.ready) for step in run.steps]


def test_a_replica_is_paid_while_it_starts_and_while_it_ends():
    # One is ready at first. 120 s are eight steps of starting, 30 s are two of ending.
    run = play(window(5.0, 5.0, 5.0, 5.0), MODEL, Fixed(2, 2, 2, 2, 2, 2, 2, 2, 2, 1))

    assert counts(run)[:8] == [(2, 1)] * 8
    assert counts(run)[8:13] == [(2, 2), (2, 1), (2, 1), (1, 1), (1, 1)]
    assert run.starts == 1


def test_what_it_costs_is_paid_replicas_times_price_times_time():
    run = play(window(5.0), MODEL, Fixed(1))

    # 4 steps of 15 s at 3.00 an hour: 4 x 0.0125
    assert [step.cost for step in run.steps] == [money("0.0125")] * 4
    assert run.spent == money("0.05")


def test_a_price_changes_in_the_middle_of_a_window():
    dearer = replace(MODEL, later_price=money(6), changes_at_s=30)

    run = play(window(5.0), dearer, Fixed(1))

    # Two steps at 3.00 and two at 6.00.
    assert run.spent == money("0.075")


def test_what_is_not_served_is_lost_and_darkness_is_demand_with_nobody_ready():
    run = play(window(25.0), MODEL, Fixed(1, 1, 0))

    # 25 tokens/s wish for 4 replicas: they are ready at first; two of 4 steps are lowered.
    assert [step.served for step in run.steps] == [10.0, 10.0, 0.0, 0.0]
    assert (run.dark_minutes, run.minutes_below_demand) == (0.5, 1.0)
    assert run.served_tokens == 20.0 * 15


def test_replicas_that_do_not_serve_yet_are_given_up_first_the_latest_before_the_others():
    fleet = Fleet.running(MODEL, 2)
    fleet.scale(3, step=0)
    fleet.scale(5, step=1)

    fleet.scale(3, step=2)

    assert [each.serial for each in fleet.starting] == [2]
    assert (len(fleet.ready), fleet.ending, fleet.paid) == (2, [], 3)


def test_the_wish_is_seventy_percent_utilization_rounded_up_and_at_least_one():
    # 10 tokens/s at 70 %: 7 a replica.
    assert [MODEL.wish(each) for each in (0.0, 7.0, 7.1, 21.0, 70.1)] == [1, 1, 2, 3, 11]


def test_the_autoscaler_keeps_the_highest_wish_of_five_minutes():
    scaler, high, low = Autoscaler(MODEL), Sight(70.0, 0, 0), Sight(7.0, 0, 0)

    wishes = [scaler.wish(step, high if step == 0 else low) for step in range(22)]

    # Now and the twenty steps before.
    assert wishes == [10] * 21 + [1]


def test_demand_is_seen_thirty_seconds_late():
    run_of = Fixed(1)
    play(window(10.0, 20.0, before=(5.0,)), MODEL, run_of)

    seen = [moment.sight.offered for moment in run_of.moments]

    assert seen == [5.0, 5.0, 10.0, 10.0, 10.0, 10.0, 20.0, 20.0]


def test_what_is_served_is_a_lower_bound_that_the_autoscaler_probes_beyond():
    model = replace(MODEL, observe=Observe.SERVED)
    eyes = Eyes.opened(window(40.0, before=(5.0,)), model, ready=1)
    eyes.note(served=10.0, ready=1)
    assert eyes.look(0).served == 5.0

    eyes.note(served=10.0, ready=1)
    eyes.note(served=10.0, ready=1)

    sight = eyes.look(3)
    assert (sight.served, sight.is_saturated) == (10.0, True)
    assert Autoscaler(model).load(sight) == 20.0


def test_until_gone_turns_everything_off_with_the_last_money():
    # Four steps of one replica cost 0.05.
    run = play(window(5.0, 5.0), MODEL, UntilGone(money("0.05")))

    assert [step.ceiling for step in run.steps] == [None] * 4 + [0] * 4
    assert run.dark_minutes == 1.0


@pytest.mark.parametrize(("budget", "most"), [("0.30", 3), ("0.29", 2), ("0.01", 1)])
def test_a_static_ceiling_lasts_to_the_end_and_is_at_least_one(budget, most):
    # Two minutes of one replica: 0.10.
    assert Static(money(budget), 120, MODEL).most == most


def test_remaining_by_time_left_gives_back_what_was_not_used():
    governor = TimeLeft(money("0.10"), 60, MODEL)

    # 0.10 for a minute: two replicas of 0.05. One runs, so 0.0625 for 15 s carry five.
    ceilings = [step.ceiling for step in play(window(5.0), MODEL, governor).steps]

    assert ceilings == [2, 2, 3, 5]


def test_nothing_limits_what_is_unconstrained():
    run = play(window(70.0), MODEL, Unconstrained())

    assert {(step.ceiling, step.recommended, step.replicas) for step in run.steps} == {
        (None, 10, 10)
    }


@pytest.mark.parametrize(
    ("tokens_per_s", "takes"),
    [
        # At 70 % of 1e-300 each, 105 tokens/s take 1.5e302 of them.
        (1e-300, "1.5e+302 replicas of 1e-300 tokens/s"),
        # More than any float.
        (5e-324, "inf replicas"),
        # 105 / (0.7 x 0.00099)
        (0.00099, "1.52e+05 replicas of 0.00099 tokens/s"),
    ],
)
def test_what_takes_more_replicas_than_a_cluster_holds_is_not_played(tokens_per_s, takes):
    with pytest.raises(SimulationError, match=re.escape(f"its peak takes {takes}")):
        play(window(0.0, 105.0), replace(MODEL, tokens_per_s=tokens_per_s), Unconstrained())


def test_as_many_replicas_as_a_cluster_holds_are_played():
    # 105 / (0.7 x 0.001); four steps of a minute.
    run = play(window(105.0), replace(MODEL, tokens_per_s=0.001), Unconstrained())

    assert [step.replicas for step in run.steps] == 4 * [150_000]
