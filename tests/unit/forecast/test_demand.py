"""Demand samples: what meters say, and what they cannot say."""

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.builders import concurrency, pod, reading, readings, utilization

from plafond.forecast.demand import DemandSample, Signals
from plafond.model.gap import Gap
from plafond.model.meters import Meter, MeterReading, PodKey
from plafond.model.policy import Scaling

TWO = (pod("llm-0"), pod("llm-1"))
BOTH = replace(concurrency(10), gpu_utilization_target_percent=70)


def sample(scaling, meters, pods=TWO, *, was_waiting=False):
    return Signals.of(scaling, meters).sample(pods[0].owner, pods, was_waiting=was_waiting)


@pytest.mark.parametrize(
    ("scaling", "meters", "need"),
    [
        # (12 + 12) running + (3 + 3) waiting requests, 10 per replica.
        pytest.param(concurrency(10), readings(TWO, running=12, waiting=3), 3.0, id="requests"),
        pytest.param(concurrency(10), readings(TWO, running=12), 2.4, id="no queue is known"),
        pytest.param(concurrency(10), readings(TWO, running=0, waiting=0), 0.0, id="idle"),
        # 84 + 84 percent, 70 per replica.
        pytest.param(utilization(70), readings(TWO, gpu=84), 2.4, id="utilization"),
        # A queue meter says that nothing waits: then no more than what serves is needed.
        pytest.param(utilization(70), readings(TWO, gpu=84, waiting=0), 2.0, id="nothing waits"),
        pytest.param(utilization(70), readings(TWO, gpu=84, waiting=1), 2.4, id="something waits"),
        # Requests ask for 1.2, the GPUs for 1.6: the highest wins.
        pytest.param(
            BOTH, readings(TWO, running=6, waiting=0, gpu=56), 1.6, id="the highest signal wins"
        ),
        # An LLM engine: GPUs near 100 % while any request runs. Requests say 0.4, and are right.
        pytest.param(BOTH, readings(TWO, running=2, waiting=0, gpu=98), 0.4, id="busy is not full"),
    ],
)
def test_need_is_in_replicas_at_their_target(scaling, meters, need):
    assert sample(scaling, meters).need == pytest.approx(need)


@pytest.mark.parametrize(
    ("meters", "was_waiting", "is_censored"),
    [
        pytest.param(readings(TWO, running=9, waiting=1), True, True, id="waits again"),
        pytest.param(readings(TWO, running=9, waiting=1), False, False, id="waits once"),
        pytest.param(readings(TWO, running=9, waiting=0), True, False, id="waits no more"),
        pytest.param(readings(TWO, running=9, waiting=0, gpu=99), True, False, id="busy, no queue"),
        pytest.param(readings(TWO, running=9, gpu=95), False, True, id="saturated, queue unknown"),
        pytest.param(readings(TWO, running=9, gpu=94.9), True, False, id="not quite saturated"),
    ],
)
def test_a_sample_is_censored_where_supply_was_the_limit(meters, was_waiting, is_censored):
    assert sample(BOTH, meters, was_waiting=was_waiting).is_censored is is_censored


def test_ready_pods_that_no_meter_shows_are_counted_as_blind():
    meters = {Meter.RUNNING_REQUESTS: reading(llm_0=5)}

    assert sample(concurrency(10), meters).blind_pods == 1


def test_series_of_pods_that_are_not_ours_or_not_ready_count_nothing():
    meters = {Meter.RUNNING_REQUESTS: reading(llm_0=5, llm_1=5, chat_0=500)}

    assert sample(concurrency(10), meters).need == 1.0


@pytest.mark.parametrize(
    "meters",
    [
        pytest.param({}, id="no meter"),
        pytest.param({Meter.RUNNING_REQUESTS: MeterReading()}, id="no series"),
        pytest.param(
            {Meter.RUNNING_REQUESTS: MeterReading(gap=Gap("Prometheus did not answer"))},
            id="no answer",
        ),
        pytest.param(readings(TWO, waiting=5), id="only the queue"),
    ],
)
def test_what_cannot_be_read_is_a_gap_and_not_zero(meters):
    assert isinstance(sample(concurrency(10), meters), Gap)


def test_one_signal_that_can_be_read_is_enough():
    assert sample(BOTH, readings(TWO, gpu=70)) == DemandSample(2.0, 70, "gpuUtilization")


def test_a_busy_llm_engine_whose_requests_cannot_be_read_is_a_gap():
    # GPUs near 100 % say nothing about how much work there is.
    assert isinstance(sample(BOTH, readings(TWO, gpu=99, waiting=0)), Gap)


@pytest.mark.parametrize(
    ("need", "percent", "replicas"),
    [
        pytest.param(3.0, 70, 3, id="at its target"),
        pytest.param(3.0, 85, 3, id="fuller"),  # 3 x 70 / 85 = 2.47
        pytest.param(3.0, 105, 2, id="exactly"),  # 3 x 70 / 105 = 2
        pytest.param(2.0000000000000004, 70, 2, id="not one more for a rounding"),
        pytest.param(2.01, 70, 3, id="one more for work"),
        pytest.param(0.0, 70, 0, id="nothing"),
    ],
)
def test_replicas_carry_the_need_at_a_utilization(need, percent, replicas):
    assert DemandSample(need, 70, "").replicas_at(percent) == replicas


def tokens(per_replica=1000):
    return Scaling(tokens_per_second_target_per_replica=Decimal(per_replica))


def rates(offered=None, served=None):
    """Tokens per second: those that arrive for the workload, and those each replica serves."""
    found = {}
    if offered is not None:
        key = PodKey(TWO[0].owner.namespace, TWO[0].owner.name)
        found[Meter.OFFERED_TOKENS_PER_SECOND] = MeterReading({key: offered})
    if served is not None:
        keys = [PodKey(each.namespace, each.name) for each in TWO]
        found[Meter.TOKENS_PER_SECOND] = MeterReading(dict.fromkeys(keys, served))
    return found


def test_what_arrives_is_known_also_where_it_is_not_served():
    found = sample(tokens(), {**rates(offered=5000.0, served=900.0), **readings(TWO, gpu=100)})

    assert (found.need, found.is_offered, found.is_censored) == (5.0, True, False)


def test_tokens_that_are_served_by_busy_gpus_are_a_lower_bound():
    found = sample(tokens(), {**rates(served=900.0), **readings(TWO, gpu=100)})

    assert (found.need, found.is_offered, found.is_censored) == (1.8, False, True)
    assert isinstance(sample(tokens(), {}), Gap)
