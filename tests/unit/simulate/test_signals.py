from dataclasses import replace
from decimal import Decimal

from tests.builders import pods_of, workload
from tests.unit.simulate.support import MODEL

from plafond.forecast.demand import Signals
from plafond.model.gap import Gap
from plafond.model.meters import Meter, PodKey
from plafond.model.policy import Scaling
from plafond.simulate.observing import Observe
from plafond.simulate.signals import (
    TokenCounters,
    benchmark_meters,
    benchmark_scaling,
    policy_meters,
)
from plafond.simulate.world import Sight

LLM = workload(replicas=3)
NAME = PodKey(LLM.id.namespace, LLM.id.name)
PODS = pods_of(LLM)
READY = tuple(PodKey(pod.namespace, pod.name) for pod in PODS)
SERVED = replace(MODEL, observe=Observe.SERVED)


def seen(meters, scaling):
    return Signals.of(scaling, meters).sample(LLM.id, PODS, was_waiting=True)


def test_the_core_sees_the_replicas_that_the_autoscaler_asks_for():
    sight = Sight(offered=50.0, served=30.0, capacity=30.0)

    found = seen(benchmark_meters(sight, NAME, READY, MODEL), benchmark_scaling(MODEL))

    # 50 tokens/s at 7 a replica: 7.14, and nothing hidden.
    assert found.replicas_at(70) == MODEL.wish(50.0) == 8
    assert not found.is_censored


def test_what_is_served_at_full_capacity_is_a_lower_bound():
    full = Sight(offered=50.0, served=30.0, capacity=30.0)
    easy = Sight(offered=20.0, served=20.0, capacity=30.0)

    assert seen(benchmark_meters(full, NAME, READY, SERVED), benchmark_scaling(SERVED)).is_censored
    found = seen(benchmark_meters(easy, NAME, READY, SERVED), benchmark_scaling(SERVED))
    assert (found.replicas_at(70), found.is_censored) == (MODEL.wish(20.0), False)


def test_with_nobody_ready_nothing_is_known():
    meters = benchmark_meters(Sight(50.0, 0.0, 0.0), NAME, (), SERVED)
    scaling = benchmark_scaling(SERVED)

    assert isinstance(Signals.of(scaling, meters).sample(LLM.id, (), was_waiting=False), Gap)


def test_busy_engines_have_requests_that_wait():
    scaling = Scaling(concurrency_target_per_replica=Decimal(24))
    full = Sight(offered=45.0, served=30.0, capacity=30.0)

    found = seen(policy_meters(full, READY, scaling, MODEL), scaling)

    # 45 tokens/s where a replica at target serves 7: 6.4 replicas, some of it waiting.
    assert found.replicas_at(70) == MODEL.wish(45.0) == 7
    assert found.is_censored


def test_gpus_are_as_busy_as_they_serve():
    scaling = Scaling(gpu_utilization_target_percent=70)
    easy = Sight(offered=15.0, served=15.0, capacity=30.0)

    found = seen(policy_meters(easy, READY, scaling, MODEL), scaling)

    assert found.replicas_at(70) == MODEL.wish(15.0) == 3


def test_engines_count_the_tokens_that_they_serve():
    scaling = Scaling(tokens_per_second_target_per_replica=Decimal(7))
    easy = Sight(offered=20.0, served=20.0, capacity=30.0)
    full = Sight(offered=50.0, served=30.0, capacity=30.0)

    assert seen(policy_meters(easy, READY, scaling, MODEL), scaling).replicas_at(70) == 3
    assert seen(policy_meters(full, READY, scaling, MODEL), scaling).is_censored


def test_counters_of_tokens_rise_with_what_is_served_and_begin_with_their_replica():
    counters, sight = TokenCounters(), Sight(offered=50.0, served=30.0, capacity=30.0)
    first, second, third = READY

    before = counters.after_step(sight, (first, second))[Meter.TOKENS].values
    after = counters.after_step(sight, (second, third))[Meter.TOKENS].values

    # 30 a second for 15 s, by two replicas alike: 225 each.
    assert before == {first: 225.0, second: 225.0}
    assert after == {second: 450.0, third: 225.0}
