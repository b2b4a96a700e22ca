"""Pace: level, squeeze before clip, guard, and what an exhausted budget still carries."""

from dataclasses import replace

import pytest
from tests.builders import (
    DAY,
    EUR,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    TEAM,
    budget,
    class_rule,
    concurrency,
    fixed,
    in_time,
    money,
    no_floors,
    pod,
    pods_of,
    policy,
    readings,
    record,
    workload,
)
from tests.unit.decide.support import decided, running

from plafond.decide.reason import Reason
from plafond.model.labels import LabelSelector
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.model.meters import Meter, MeterReading, PodKey
from plafond.model.money import GPU_HOURS, TOKENS


def ten_hours(rate, **more):
    """A budget that has ten hours left and carries *rate* an hour."""
    return budget(money(rate) * 10, window=fixed(NOW, 10 * HOUR), **more)


def paced(*budgets, running_requests=70, replicas=10, **more):
    """Ten replicas at 4.00 an hour, seven of whose ten requests each are there (70 %)."""
    llm = workload(replicas=replicas)
    meters = readings(pods_of(llm), running=running_requests / replicas, waiting=0)
    limits = policy(
        budgets=budgets,
        classes=more.pop("classes", no_floors()),
        scaling=concurrency(more.pop("per_replica", 7)),
    )
    return decided(running(llm, policies=(limits,), meters=meters, **more))


def of(*budgets, **more):
    return paced(*budgets, **more)[1].pace.budgets[0]


def test_the_level_is_what_remains_over_the_time_that_is_left():
    assert of(ten_hours("40")).level == 40


def test_money_that_lasts_is_no_pressure():
    plan = of(ten_hours("40"))

    assert (plan.demand, plan.utilization_percent, plan.is_clipped) == (40, None, False)


@pytest.mark.parametrize(
    ("rate", "percent", "replicas", "is_clipped"),
    [
        # Ten replicas at 70 % are 700 %: nine at 78, at 77 it would be ten again (9.09).
        pytest.param("39.99", 78, 9, False, id="a little"),
        pytest.param("36", 78, 9, False, id="exactly"),
        # Nobody runs fuller than its limit, 85 % by default: 700 / 85 = 8.2, so nine.
        pytest.param("35.99", 95, 8, True, id="not enough"),
        pytest.param("20", 95, 5, True, id="far from enough"),
    ],
)
def test_replicas_run_fuller_before_any_work_is_refused(rate, percent, replicas, is_clipped):
    _, judgement, decisions = paced(ten_hours(rate))
    (plan,) = judgement.pace.budgets

    assert (plan.utilization_percent, plan.is_clipped) == (percent, is_clipped)
    assert decisions["llm"].desired_replicas == replicas


def test_a_class_may_let_its_replicas_run_fuller():
    # 700 / 95 = 7.4: eight.
    fuller = (class_rule(floor=0, selector=LabelSelector(), utilization_limit_percent=95),)

    _, judgement, decisions = paced(ten_hours("32"), classes=fuller)

    assert not judgement.pace.budgets[0].is_clipped
    assert decisions["llm"].desired_replicas == 8


class TestLatency:
    """Two workloads of ten replicas each, all at 70 %, that follow requests and latency."""

    def pressed(self, rate, **seconds):
        both = tuple(workload(name, replicas=10) for name in seconds)
        meters = readings(tuple(p for each in both for p in pods_of(each)), running=7, waiting=0)
        late = {PodKey(p.namespace, p.name): seconds[w.id.name] for w in both for p in pods_of(w)}
        meters[Meter.LATENCY_P95] = MeterReading(late)
        scaling = in_time(2, concurrency(7))
        limits = policy(budgets=(ten_hours(rate),), classes=no_floors(), scaling=scaling)
        _, judgement, found = decided(running(*both, policies=(limits,), meters=meters))
        return judgement.pace.utilization_percent, {
            name: (each.desired_replicas, each.reason) for name, each in found.items()
        }

    def test_whose_requests_take_too_long_is_not_run_fuller(self):
        # 19 replicas at 4.00: chat gives one at 78 %, and llm would not answer in time with nine.
        assert self.pressed("76", chat=1.0, llm=2.001) == (
            78,
            {"chat": (9, Reason.SQUEEZED), "llm": (10, Reason.LATENCY_LIMIT)},
        )

    def test_nobody_is_run_so_full_that_requests_take_too_long(self):
        # Ten replicas at 1.96 s of 2: with nine they would take 2.18 s, and with 9.8 just 2.
        assert self.pressed("76", chat=1.0, llm=1.96)[1]["llm"] == (10, Reason.LATENCY_LIMIT)
        # At 1.8 s nine are just enough.
        assert self.pressed("76", chat=1.0, llm=1.8) == (
            78,
            {"chat": (9, Reason.SQUEEZED), "llm": (9, Reason.SQUEEZED)},
        )

    def test_what_money_does_not_carry_is_clipped_all_the_same(self):
        # Both late: 20 replicas cannot run fuller, and 72 an hour carry 18.
        assert self.pressed("72", chat=3.0, llm=3.0) == (
            95,
            {"chat": (9, Reason.BUDGET_CEILING), "llm": (9, Reason.BUDGET_CEILING)},
        )


def test_the_guard_spreads_what_remains_over_the_next_hours():
    # Ten replicas cost 40 in the last hour. A 24th of 20 hours is 50 minutes: 360 / (50/60).
    plan = of(budget("400", window=fixed(NOW - 10 * HOUR, 20 * HOUR)))

    assert plan.guard == 432


@pytest.mark.parametrize(
    ("window", "guard"),
    [
        # A 24th of 200 days is 200 hours, but never more than 4: 60 / 4.
        pytest.param(fixed(NOW, 200 * DAY), "15", id="at most four hours"),
        # A 24th of ten minutes are 25 s. Three passes, the lag and the end of a pod are 90 s.
        pytest.param(fixed(NOW, 10 * MINUTE), "2400", id="as far as we are blind"),
        # 30 s are left.
        pytest.param(fixed(NOW - HOUR + 30 * SECOND, HOUR), "7200", id="the time that is left"),
        # 5 s are left, which is less than a pass.
        pytest.param(fixed(NOW - HOUR + 5 * SECOND, HOUR), "14400", id="at least a pass"),
    ],
)
def test_the_guard_looks_ahead_as_far_as_it_has_to(window, guard):
    idle = running(workload(replicas=0), policies=(policy(budgets=(budget("60", window=window),)),))

    assert decided(idle)[1].pace.budgets[0].guard == money(guard)


def test_funded_floors_and_what_is_reserved_are_carried_in_any_case():
    floors = (class_rule(floor=2, selector=LabelSelector()),)

    plan = of(ten_hours("12"), classes=floors, pods=(pod("notebook", None),))

    # Two replicas and a notebook at 4.00 each; more than that the level would not carry.
    assert (round(plan.promised, 20), round(plan.carried_rate, 20)) == (12, 12)


def test_what_a_notebook_cost_that_has_ended_lets_no_replica_run():
    # A day of 8.00 an hour that nobody scales, and then no pod any more; ten replicas, 2 promised.
    day = (Bucket(NOW - DAY, DAY, money(192)),)
    past = replace(record(), ledger=Ledger(NOW, {SeriesKey(Fact.UNMANAGED, EUR): day}))
    floors = (class_rule(floor=2, selector=LabelSelector()),)

    plan = of(ten_hours("1"), classes=floors, records={TEAM: past})

    assert round(plan.promised, 20) == 0
    assert plan.carried_rate < 4


def test_a_budget_of_gpu_hours_is_paced_like_money():
    _, judgement, decisions = paced(ten_hours("8", unit=GPU_HOURS))

    assert judgement.pace.budgets[0].level == 8
    assert decisions["llm"].desired_replicas == 8


def test_the_strictest_budget_binds_and_names_itself():
    _, judgement, decisions = paced(ten_hours("28", name="month"), ten_hours("12", name="week"))

    assert decisions["llm"].desired_replicas == 3
    assert judgement.binding.name == "limits/week"


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(fixed(NOW + SECOND, HOUR), id="before its start"),
        pytest.param(fixed(NOW - HOUR, HOUR), id="after its end"),
    ],
)
def test_a_fixed_window_that_is_not_open_limits_nothing(window):
    _, judgement, decisions = paced(budget("1", window=window))

    assert judgement.pace.budgets == ()
    assert decisions["llm"].ceiling is None


def test_a_limit_beyond_all_measure_is_one_that_binds_nothing():
    # More hundredths of it than Decimal has digits would fit into what is left.
    _, judgement, decisions = paced(ten_hours("1e17", unit=TOKENS), running_requests=70)

    assert judgement.binding is None
    assert decisions["llm"].desired_replicas == 10
