"""A tick shares a workload's work among its pods; counters live and die with pods."""

import pytest
from e2e.rig.engine import Kind, Profile
from e2e.rig.exposition import exposition
from e2e.rig.pods import EnginePod, engine_pod
from e2e.rig.world import Demand, World

LLM = Profile(service_seconds=2, concurrency_per_replica=8, prompt_tokens=100)


def engine(name, gpus=1):
    return EnginePod(f"uid-{name}", "ai", name, "ai/chat", "engine", "gpu-0", gpus)


def world(rate, profile=LLM):
    return World().with_demand("ai/chat", Demand(rate, profile))


def test_each_replica_gets_an_equal_part():
    after = world(rate=6).tick([engine("a"), engine("b"), engine("c")], dt=1)

    # 6 per second for 2 s are 12 at once: 4 in each of three replicas.
    assert [each.running for each in after.meters.values()] == [pytest.approx(4)] * 3
    assert [each.served for each in after.meters.values()] == [pytest.approx(2)] * 3


def test_counters_begin_with_the_pod_and_end_with_it():
    after = world(rate=4).tick([engine("a")], dt=1).tick([engine("b")], dt=1)

    assert [(each.pod.name, each.served) for each in after.meters.values()] == [("b", 4)]
    assert after.engines["ai/chat"].served == 8


def test_waiting_grows_the_time_to_the_first_token():
    after = world(rate=40).tick([engine("a")], dt=1).tick([engine("a")], dt=1)
    (meters,) = after.meters.values()

    # A replica serves 4 per second: those of the second tick have waited 1 s.
    assert meters.first_token_seconds_sum == pytest.approx(4 * 0.05 + 4 * 1.05)
    assert meters.first_token_counts[-1] == meters.served


def test_waiting_and_service_make_the_latency():
    after = world(rate=40).tick([engine("a")], dt=1).tick([engine("a")], dt=1)
    (meters,) = after.meters.values()

    # Four are served after 2 s, and four of the second tick after 3 s.
    assert meters.latency_seconds_sum == pytest.approx(4 * 2 + 4 * 3)
    lines = exposition([meters]).decode().splitlines()
    labels = 'engine="0",le="2.5",model_name="chat",namespace="ai",pod="a"'
    assert f"vllm:e2e_request_latency_seconds_bucket{{{labels}}} 4.0" in lines


def test_pods_without_demand_are_idle():
    (meters,) = World().tick([engine("a")], dt=1).meters.values()

    assert (meters.gpu_utilization_percent, meters.running) == (0, 0)


def test_the_exposition_names_what_dcgm_and_vllm_would():
    after = world(rate=4).tick([engine("a", gpus=2)], dt=1)
    lines = exposition(after.meters.values()).decode().splitlines()

    assert sum(line.startswith("DCGM_FI_DEV_GPU_UTIL{") for line in lines) == 2
    labels = '{engine="0",model_name="chat",namespace="ai",pod="a"}'
    assert f"vllm:num_requests_running{labels} 8.0" in lines
    assert f"vllm:prompt_tokens_total{labels} 400.0" in lines


def test_an_embedding_engine_has_no_queue_meter():
    after = world(rate=4, profile=Profile(Kind.EMBEDDING)).tick([engine("a")], dt=1)

    assert b"vllm:num_requests_running{" not in exposition(after.meters.values())


def served_by(**metadata):
    container = {"name": "e", "resources": {"requests": {"nvidia.com/gpu": "2"}}}
    return engine_pod({
        "metadata": {"uid": "u", "namespace": "ai", "name": "a", **metadata},
        "spec": {"nodeName": "n", "containers": [container]},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    })  # fmt: skip


def test_a_pod_without_owner_is_its_own_workload():
    assert served_by() == EnginePod("u", "ai", "a", "ai/a", "e", "n", 2)


def test_a_terminating_pod_serves_nobody():
    assert served_by(deletionTimestamp="2026-11-01T12:00:00Z") is None
