"""The engine model keeps Little's law, its queue's bound, and the books."""

import pytest
from e2e.rig.engine import (
    EngineState,
    Kind,
    Profile,
    gpu_utilization_percent,
    replicas_for,
    step,
)

# A replica runs 8 requests of 2 s at once: it serves 4 per second.
LLM = Profile(Kind.LLM, service_seconds=2, concurrency_per_replica=8, queue_timeout_seconds=10)
EMBEDDING = Profile(Kind.EMBEDDING, service_seconds=0.2, concurrency_per_replica=1)


def run(profile, rate, replicas, seconds, state=None, dt=0.25):
    state = state or EngineState()
    for _ in range(round(seconds / dt)):
        state = step(state, profile, rate, replicas, dt)
    return state


def test_running_requests_are_arrival_rate_times_service_time():
    state = run(LLM, rate=5, replicas=2, seconds=10)

    assert state.running == pytest.approx(5 * 2)
    assert state.waiting == 0


def test_a_load_needs_as_many_replicas_as_keep_it_running():
    assert replicas_for(LLM, requests_per_second=10) == 10 * 2 / 8


def test_beyond_capacity_all_slots_run_and_the_rest_waits():
    # 10 arrive and 8 are served per second: after 4 s 8 wait.
    state = run(LLM, rate=10, replicas=2, seconds=4)

    assert state.running == pytest.approx(2 * 8)
    assert state.waiting == pytest.approx(8)
    assert state.dropped == 0


def test_nobody_waits_longer_than_the_timeout_so_the_queue_is_bounded():
    state = run(LLM, rate=100, replicas=1, seconds=60)

    assert max(each.waited_seconds for each in state.queue) < 10
    assert state.waiting <= 100 * 10
    assert state.dropped > 0


def test_what_is_offered_is_served_dropped_or_waiting():
    state = run(LLM, rate=20, replicas=2, seconds=33)

    assert state.offered == pytest.approx(20 * 33)
    assert state.served + state.dropped + state.waiting == pytest.approx(state.offered)


def test_without_replicas_requests_wait_and_then_leave():
    state = run(LLM, rate=4, replicas=0, seconds=30)

    assert (state.running, state.served) == (0, 0)
    assert state.waiting == pytest.approx(4 * 10, abs=4 * 0.25)


def test_a_queue_drains_at_full_speed_when_replicas_come():
    queued = run(LLM, rate=10, replicas=2, seconds=4)

    # 8 wait; four replicas serve 16 per second and 10 arrive: 8 / 6 s.
    assert run(LLM, rate=10, replicas=4, seconds=1, state=queued).waiting == pytest.approx(2)
    assert run(LLM, rate=10, replicas=4, seconds=1.5, state=queued).waiting == 0


def test_the_oldest_are_served_first():
    state = run(LLM, rate=10, replicas=2, seconds=4)

    assert min(each.waited_seconds for each in state.served_now) > max(
        each.waited_seconds for each in state.queue[1:]
    )


@pytest.mark.parametrize(
    ("profile", "running", "replicas", "percent"),
    [
        pytest.param(EMBEDDING, 1, 2, 50, id="embedding is linear in the load of a replica"),
        pytest.param(EMBEDDING, 2, 2, 100, id="embedding saturates"),
        pytest.param(LLM, 0, 2, 0, id="an idle LLM engine is idle"),
        pytest.param(LLM, 0.1, 2, pytest.approx(95, abs=0.1), id="one request keeps it busy"),
        pytest.param(LLM, 16, 2, 100, id="a full batch"),
        pytest.param(LLM, 0, 0, 0, id="nobody there"),
    ],
)
def test_gpu_utilization_shows_load_as_the_engine_would(profile, running, replicas, percent):
    assert gpu_utilization_percent(profile, running, replicas) == percent
