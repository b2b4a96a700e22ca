"""Latency: what it asks for, what it spares, and what it cannot say."""

import math

import pytest
from tests.builders import concurrency, in_time, pods_of, reading, readings, workload

from plafond.forecast.demand import DemandSample, Signals
from plafond.model.gap import Gap
from plafond.model.meters import Meter, MeterReading

FOUR = pods_of(workload(replicas=4))
FAILS = MeterReading(gap=Gap("no answer"))


def sample(meters, scaling=None, pods=FOUR):
    signals = Signals.of(scaling or in_time(2), meters)
    return signals.sample(pods[0].owner, pods, was_waiting=False)


@pytest.mark.parametrize(
    ("seconds", "need"),
    [
        pytest.param(2.0, 4.0, id="as long as they may"),
        # 4 replicas x 3 s / 2 s.
        pytest.param(3.0, 6.0, id="half as long again"),
        pytest.param(1.0, 2.0, id="half as long"),
        # 4 x 60 / 2 = 120: a queue has built up, and nobody knows how much more work there is.
        pytest.param(60.0, 8.0, id="no more than double at once"),
    ],
)
def test_it_asks_for_replicas_in_proportion(seconds, need):
    assert sample(readings(FOUR, p95=seconds)).need == need


def test_all_pods_count_and_not_the_slowest_alone():
    # (1 + 1 + 1 + 13) / 4 = 4 s, twice as long as they may; the slowest alone is 6.5 times as long.
    meters = {Meter.LATENCY_P95: reading(llm_0=1, llm_1=1, llm_2=1, llm_3=13)}

    assert sample(meters, in_time(4)).need == 4.0


def test_a_pod_counts_by_the_tokens_that_it_serves():
    # (90 x 1 + 90 x 1 + 90 x 1 + 30 x 5) / 300 = 1.4 s: 4 x 1.4 / 2.
    meters = {
        Meter.LATENCY_P95: reading(llm_0=1, llm_1=1, llm_2=1, llm_3=5),
        Meter.TOKENS_PER_SECOND: reading(llm_0=90, llm_1=90, llm_2=90, llm_3=30),
    }

    assert sample(meters).need == pytest.approx(2.8)


def test_all_pods_count_alike_where_the_tokens_of_one_are_not_seen():
    # (1 + 1 + 1 + 5) / 4 = 2 s.
    meters = {
        Meter.LATENCY_P95: reading(llm_0=1, llm_1=1, llm_2=1, llm_3=5),
        Meter.TOKENS_PER_SECOND: reading(llm_0=90, llm_1=90, llm_2=90),
    }

    assert sample(meters).need == 4.0


def test_a_pod_that_answers_nothing_is_not_seen_and_not_quick():
    # Three pods take 1 s of 2: 1.5 replicas, and the fourth may take any time.
    found = sample({Meter.LATENCY_P95: reading(llm_0=1, llm_1=1, llm_2=1)})

    assert (found.need, found.blind_pods, found.spared) == (1.5, 1, 2.5)


@pytest.mark.parametrize(
    ("meters", "why"),
    [
        pytest.param({}, "latencyP95 is not configured", id="not asked for"),
        pytest.param({Meter.LATENCY_P95: MeterReading()}, "no ready pod reports", id="no requests"),
        pytest.param({Meter.LATENCY_P95: FAILS}, "no answer", id="no answer"),
    ],
)
def test_what_is_not_seen_is_a_gap_and_no_time_at_all(meters, why):
    found = sample(meters)

    assert isinstance(found, Gap)
    assert why in found.why


def test_the_highest_of_all_signals_wins():
    both = in_time(2, concurrency(10))
    busy = {**readings(FOUR, running=20, waiting=0), **readings(FOUR, p95=1)}
    late = {**readings(FOUR, running=5, waiting=0), **readings(FOUR, p95=3)}

    # 80 requests at 10 a replica; then 20 of them, and 4 x 3 / 2.
    assert (sample(busy, both).need, sample(busy, both).source) == (8.0, "concurrency")
    assert (sample(late, both).need, sample(late, both).source) == (6.0, "latencyP95")


def test_what_another_signal_does_not_see_is_not_taken_for_idle():
    # Requests of one pod ask for 1.5, and three are not seen: 4.5. Latency sees all and asks for 4.
    meters = {Meter.RUNNING_REQUESTS: reading(llm_0=15), **readings(FOUR, p95=2)}

    found = sample(meters, in_time(2, concurrency(10)))

    assert (found.need, found.blind_pods) == (1.5, 3)


class TestSpared:
    def test_running_fuller_ends_where_requests_would_take_too_long(self):
        # 4 replicas at 1.5 s of 2: three of them would take 2 s.
        assert sample(readings(FOUR, p95=1.5)).spared == 3.0

    def test_where_they_do_already_nothing_runs_fuller(self):
        assert sample(readings(FOUR, p95=2.01)).spared == math.inf

    def test_where_nobody_asks_anything_nobody_waits(self):
        meters = {**readings(FOUR, running=0, waiting=0), Meter.LATENCY_P95: MeterReading()}

        assert sample(meters, in_time(2, concurrency(10))).spared == 0.0

    def test_where_it_cannot_be_read_nothing_runs_fuller_than_it_does(self):
        meters = {**readings(FOUR, running=5, waiting=0), Meter.LATENCY_P95: FAILS}

        assert sample(meters, in_time(2, concurrency(10))).spared == 4.0

    def test_a_part_of_an_answer_may_hide_who_waits(self):
        values = reading(llm_0=1).values
        part = {Meter.LATENCY_P95: MeterReading(values, Gap("answered in part"))}

        assert sample(part).spared == 4.0

    def test_whoever_follows_no_latency_is_spared_nothing(self):
        meters = {**readings(FOUR, running=5, waiting=0), **readings(FOUR, p95=60)}

        assert sample(meters, concurrency(10)).spared == 0.0


def test_a_latency_that_failed_makes_the_sample_partial():
    meters = {**readings(FOUR, running=5, waiting=0), Meter.LATENCY_P95: FAILS}
    requests = DemandSample(2.0, 70, "concurrency")

    found = sample(meters, in_time(2, concurrency(10)))

    assert found == requests._replace(is_partial=True, spared=4.0)
