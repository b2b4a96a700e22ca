"""Demand that tripled out of sight under a binding ceiling is found in time when money is back."""

import math
import re
from datetime import datetime, timedelta

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.engine import Kind, Profile
from e2e.rig.polling import poll
from e2e.stories.quiet import OPERATOR
from e2e.world import (
    Watched,
    deployment,
    fixed_budget,
    operator,
    policy,
    price_sheet,
    status,
    utc_now,
)

# Its load shows in its GPUs alone: four requests at once, a second each, keep one at 100 %.
ENGINE = Profile(
    Kind.EMBEDDING, service_seconds=1.0, concurrency_per_replica=4, queue_timeout_seconds=2.0
)
SCALING = {"gpuUtilization": {"targetPercent": 70}, "scaleDownStabilization": "10s"}
PER_REPLICA = 2.8  # requests a second at 70 %
BEFORE, AFTER = 3, 9
WINDOW = timedelta(minutes=10)
# A tenth of a cent a second each, and a little for what starts and ends: three, and fifteen.
SCARCE, PLENTY = "2.0", "9.0"
# Where the world has a minute there are three seconds, and the metrics are a second old.
PROBE_INTERVAL, LAG = timedelta(seconds=3), timedelta(seconds=1)
# The money itself is seen with the next pass, a second later, whose writes take their time.
A_PASS = timedelta(seconds=2)


@pytest.mark.timeout(230)
def test_demand_that_tripled_out_of_sight_is_found_in_time_once_there_is_money(
    rig: Rig, namespace: str, tmp_path, record_property
):
    start = utc_now().replace(microsecond=0)
    chat = begin(rig, namespace, start)
    with operator(rig, tmp_path):
        chat.comes_to(BEFORE)
        poll(lambda: ceilings_written(rig, namespace), what="a ceiling")
        rig.fleet.set_demand(f"{namespace}/chat", AFTER * PER_REPLICA)
        poll(lambda: is_clipped(rig, namespace), 30, what="the ceiling to refuse work")
        _, clipped = ceilings_written(rig, namespace)[-1]
        assert clipped <= BEFORE

        began = utc_now()
        rig.apply(limits(namespace, PLENTY, start, generation=2))
        least = chat.ready
        while not found(rig, namespace, began) and utc_now() < began + timedelta(seconds=60):
            least = min(least, chat.ready)
        at = found(rig, namespace, began)
        assert at is not None
        chat.comes_to(AFTER, within=60)

    most = allowed(rig, namespace, AFTER / clipped)
    record_property("ceiling that clipped", clipped)
    record_property("found after", str(at - began))
    record_property("the law allows", str(most))
    assert at - began <= most + A_PASS
    assert least >= 1


def begin(rig: Rig, namespace: str, start: datetime) -> Watched:
    """Run demand for three replicas under money for a little more than three."""
    rig.apply(price_sheet("story-eur", "EUR"))
    rig.apply(deployment(namespace, "chat", BEFORE))
    rig.fleet.set_profile(f"{namespace}/chat", ENGINE)
    rig.fleet.set_demand(f"{namespace}/chat", 0.98 * BEFORE * PER_REPLICA)
    rig.apply(limits(namespace, SCARCE, start, generation=1))
    return Watched(rig, namespace, "chat")


def limits(namespace: str, cost: str, start: datetime, generation: int) -> dict:
    """Return the policy, whose *generation* somebody has confirmed."""
    budget = fixed_budget(cost, start, WINDOW)
    made = policy(namespace, currency="EUR", budgets=[budget], scaling=SCALING)
    made["metadata"]["annotations"] = {"plafond.dev/confirm": str(generation)}
    return made


def is_clipped(rig: Rig, namespace: str) -> bool:
    """Say whether work is refused for money's sake."""
    return any(
        target.get("recommendedReplicas", 0) > BEFORE and target.get("reason") == "BudgetCeiling"
        for target in status(rig, namespace).get("targets", ())
    )


def ceilings_written(rig: Rig, namespace: str) -> list[tuple[datetime, int]]:
    """Return every ceiling that the API server took, by its audit log."""
    written = []
    for write in rig.audit.writes_by(OPERATOR, "namespaces"):
        if write.name == namespace and write.succeeded and write.request_object:
            asked = write.request_object["metadata"]["annotations"].get("plafond.dev/ceilings")
            match = re.search(r"deployments.apps/chat=(\d+)", asked or "")
            if match:
                written.append((write.at, int(match[1])))
    return written


def found(rig: Rig, namespace: str, since: datetime) -> datetime | None:
    """Return when the ceiling was as high as true demand."""
    written = ceilings_written(rig, namespace)
    return next((at for at, ceiling in written if at >= since and ceiling >= AFTER), None)


def allowed(rig: Rig, namespace: str, times: float) -> timedelta:
    """Return how long the law lets a ceiling be below demand that is so many times as high."""
    lives = rig.audit.pod_lifetimes(namespace)
    starts = sorted(x.ready_at - x.scheduled_at for x in lives if x.ready_at and x.scheduled_at)
    slow = starts[(9 * (len(starts) - 1) + 9) // 10]
    return (math.ceil(math.log2(times)) + 2) * max(PROBE_INTERVAL, slow + LAG)
