"""Missing metrics: only those that a policy scales by, and only once that has lasted."""

from dataclasses import replace

import pytest
from tests.builders import (
    MINUTE,
    NOW,
    SECOND,
    budget,
    concurrency,
    hpa,
    in_time,
    money,
    pods_of,
    policy,
    reading,
    readings,
    target,
    utilization,
)
from tests.unit.report.support import CHAT, part_of

from plafond.model.gap import Gap
from plafond.model.ledger import Ledger
from plafond.model.memory import Memory, NamespaceRecord, OpenPod, TokenRate
from plafond.model.meters import Meter, MeterReading
from plafond.model.money import TOKENS
from plafond.model.policy import Ceilings
from plafond.report.meter_gaps import LastingGaps, metrics_gap

GPU_FAILS = {
    **readings(pods_of(CHAT), running=1, waiting=0),
    Meter.GPU_UTILIZATION: MeterReading(gap=Gap("gpuUtilization: no answer")),
}
NO_PODS = readings((), gpu=1, running=1, waiting=0)


def part(scaling, meters, of=CHAT, **more):
    limits = policy(scaling=scaling, targets=(target("chat"),))
    return part_of(limits, workloads=(of,), meters=meters, **more)


@pytest.mark.parametrize(
    ("scaling", "gap"),
    [
        pytest.param(None, None, id="scales by nothing"),
        pytest.param(concurrency(), None, id="scales by another meter"),
        pytest.param(in_time(2, concurrency()), None, id="no latency was asked for yet"),
        pytest.param(utilization(), Gap("gpuUtilization: no answer"), id="scales by this one"),
    ],
)
def test_a_meter_is_missing_only_to_those_who_scale_by_it(scaling, gap):
    assert metrics_gap(part(scaling, GPU_FAILS), GPU_FAILS) == gap


def test_tokens_are_missing_to_those_who_limit_them():
    meters = {Meter.TOKENS: MeterReading(gap=Gap("tokens: no answer"))}
    by_rate = policy(ceilings=Ceilings(tokens_per_hour=money(5)))
    by_budget = policy(budgets=(budget("5", unit=TOKENS),))

    found = [
        metrics_gap(part_of(limits, meters=meters), meters)
        for limits in (by_rate, by_budget, policy(budgets=(budget("5"),)))
    ]

    assert found == [Gap("tokens: no answer"), Gap("tokens: no answer"), None]


def test_a_counter_that_is_not_seen_any_more_is_named():
    (first, *_) = pods = pods_of(CHAT)
    known = Memory(
        open_pods={first.uid: OpenPod({}, is_managed=True)}, counters={first.uid: money(7)}
    )
    ledger = Ledger(NOW - MINUTE)
    limits = policy(budgets=(budget("5", unit=TOKENS),), targets=(target("chat"),))
    found = part_of(
        limits,
        workloads=(CHAT,),
        pods=pods,
        meters={Meter.TOKENS: MeterReading()},
        records={"team-a": NamespaceRecord(ledger, known)},
    )

    assert metrics_gap(found, {}) == Gap("tokens: the counter of chat-0 is not seen any more")


def test_a_workload_that_never_showed_its_counter_is_named_unless_it_still_starts():
    limits = policy(budgets=(budget("5", unit=TOKENS),), targets=(target("chat"),))
    seen = NamespaceRecord(memory=Memory(token_rates={str(CHAT.id): TokenRate()}))

    ready = part_of(limits, workloads=(CHAT,))
    starting = part_of(limits, workloads=(CHAT,), pods=pods_of(CHAT, ready_at=None))
    shown = part_of(limits, workloads=(CHAT,), records={"team-a": seen})

    assert metrics_gap(ready, {}) == Gap("chat: no pod has ever shown the meter tokens")
    assert metrics_gap(starting, {}) is metrics_gap(shown, {}) is None


def test_demand_that_cannot_be_read_is_named_before_a_counter_that_was_never_shown():
    budgets = (budget("5", unit=TOKENS),)
    limits = policy(budgets=budgets, targets=(target("chat"),), scaling=concurrency())

    found = metrics_gap(part_of(limits, workloads=(CHAT,), meters=NO_PODS), NO_PODS)

    assert found == Gap("chat: no ready pod reports runningRequests")


def test_a_latency_that_cannot_be_read_is_missing_to_those_who_follow_it():
    fails = {Meter.LATENCY_P95: MeterReading(gap=Gap("latencyP95: no answer"))}
    meters = {**readings(pods_of(CHAT), running=1, waiting=0), **fails}

    found = metrics_gap(part(in_time(2, concurrency()), meters), meters)

    assert found == Gap("latencyP95: no answer")


def test_a_workload_that_no_meter_shows_is_named():
    found = metrics_gap(part(concurrency(), NO_PODS), NO_PODS)

    assert found == Gap("chat: no ready pod reports runningRequests")


def test_an_autoscaler_that_lost_its_metrics_is_missing_them_whatever_the_policy_scales_by():
    scaled = replace(CHAT, autoscaler=hpa())

    found = metrics_gap(part(None, {}, scaled), {})

    assert found == Gap("chat: what HorizontalPodAutoscaler scaler asks for cannot be known")


def test_pods_that_still_start_have_nothing_to_report():
    starting = pods_of(CHAT, ready_at=None)

    assert metrics_gap(part(concurrency(), NO_PODS, pods=starting), NO_PODS) is None


def test_a_missing_price_is_not_a_missing_metric():
    meters = readings(pods_of(CHAT), gpu=50)

    assert metrics_gap(part(utilization(), meters, sheets=()), meters) is None


def test_a_gap_is_reported_once_it_has_lasted():
    gaps = LastingGaps(MINUTE)
    parts = [part(utilization(), GPU_FAILS)]

    at = [gaps.lasting(parts, GPU_FAILS, NOW + n * 30 * SECOND) for n in range(3)]

    assert at == [{}, {}, {("team-a", "limits"): Gap("gpuUtilization: no answer")}]


def test_a_gap_that_ended_begins_anew():
    gaps = LastingGaps(MINUTE)
    good = {**GPU_FAILS, Meter.GPU_UTILIZATION: reading(chat_0=5, chat_1=5)}
    gaps.lasting([part(utilization(), GPU_FAILS)], GPU_FAILS, NOW)
    gaps.lasting([part(utilization(), good)], good, NOW + MINUTE)

    found = gaps.lasting([part(utilization(), GPU_FAILS)], GPU_FAILS, NOW + MINUTE + SECOND)

    assert found == {}


def test_policies_that_are_gone_are_forgotten():
    gaps = LastingGaps(MINUTE)
    gaps.lasting([part(utilization(), GPU_FAILS)], GPU_FAILS, NOW)

    gaps.lasting([], GPU_FAILS, NOW)

    assert gaps._since == {}  # noqa: SLF001 - its size is the point
