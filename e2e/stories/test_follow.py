"""Without pressure, replicas follow demand: up within a round, down after the stabilization."""

import math
import time

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.engine import Kind, Profile
from e2e.rig.polling import poll
from e2e.world import (
    CHAT,
    FOLLOW_CONCURRENCY,
    Watched,
    deployment,
    operator,
    policy,
    price_sheet,
)

PLENTY = {
    "name": "month",
    "limit": {"cost": "9000000"},
    "window": {"type": "Calendar", "period": "Monthly", "timeZone": "Europe/Berlin"},
    "onExhausted": "KeepFloors",
}
# A round: one scrape, two passes and the start delay, a second each, and one for this machine.
ROUND_SECONDS = 5.0
STABILIZATION_SECONDS = 10.0


def govern(rig: Rig, namespace: str, profile: Profile, scaling: dict) -> Watched:
    """Put one workload with *profile* under a policy that money does not bind."""
    rig.apply(price_sheet("story-eur", "EUR"))
    rig.apply(deployment(namespace, "engine", 1))
    rig.fleet.set_profile(f"{namespace}/engine", profile)
    rig.apply(policy(namespace, currency="EUR", budgets=[PLENTY], scaling=scaling))
    return Watched(rig, namespace, "engine")


def reaches(engine: Watched, needed: float, within: float) -> float:
    """Return after how long the ready replicas are within a tenth, or one, of *needed*."""
    started = time.monotonic()
    tolerance = max(1.0, needed / 10)
    poll(
        lambda: abs(engine.ready - math.ceil(needed)) <= tolerance,
        within,
        what=f"{engine.name} to be near {needed:.1f} replicas",
    )
    return time.monotonic() - started


@pytest.mark.timeout(120)
def test_a_queue_is_followed_within_one_round_and_left_after_the_stabilization(
    rig: Rig, namespace: str, tmp_path
):
    engine = govern(rig, namespace, CHAT, FOLLOW_CONCURRENCY)
    workload = f"{namespace}/engine"
    rig.fleet.set_demand(workload, 6.0)  # 6 a second, 2 s each, 6 at once per replica: 2 replicas
    with operator(rig, tmp_path):
        engine.comes_to(2)
        rig.fleet.set_demand(workload, 24.0)  # 8 replicas; more while the queue drains
        poll(lambda: engine.replicas >= 8, ROUND_SECONDS, what="at least 8 replicas asked for")
        reaches(engine, 8, within=ROUND_SECONDS + STABILIZATION_SECONDS + ROUND_SECONDS)
        rig.fleet.set_demand(workload, 6.0)
        # What the queue asked for while it drained is remembered for one stabilization more.
        fell_after = reaches(engine, 2, within=2 * STABILIZATION_SECONDS + 2 * ROUND_SECONDS)
        assert fell_after >= STABILIZATION_SECONDS / 2


@pytest.mark.timeout(120)
def test_utilization_is_followed_in_as_many_rounds_as_saturation_allows(
    rig: Rig, namespace: str, tmp_path
):
    # An embedding engine: 4 requests at once keep a GPU at 100 %.
    profile = Profile(
        Kind.EMBEDDING, service_seconds=1.0, concurrency_per_replica=4, queue_timeout_seconds=5
    )
    scaling = {"gpuUtilization": {"targetPercent": 70}, "scaleDownStabilization": "10s"}
    engine = govern(rig, namespace, profile, scaling)
    workload = f"{namespace}/engine"
    rig.fleet.set_demand(workload, 5.0)  # 5 busy of 4 each at 70 %: 1.8, so 2 replicas
    with operator(rig, tmp_path):
        engine.comes_to(2)
        rig.fleet.set_demand(workload, 20.0)  # 20 / (4 x 0.7) = 7.1, so 8 replicas
        rise = 20.0 / 5.0
        # A saturated GPU shows 100 %, so a round multiplies by 100 / 70 at most.
        rounds = math.ceil(math.log(rise) / math.log(100 / 70))
        reaches(engine, 20 / 2.8, within=rounds * ROUND_SECONDS)
        rig.fleet.set_demand(workload, 5.0)
        reaches(engine, 5 / 2.8, within=STABILIZATION_SECONDS + 2 * ROUND_SECONDS)
