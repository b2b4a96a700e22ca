"""Requests that take too long get more replicas, and silence takes none away."""

import math

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.stories.quiet import OPERATOR
from e2e.world import (
    CHAT,
    Watched,
    condition,
    deployment,
    operator,
    policy,
    price_sheet,
    status,
)

# Prometheus scrapes every second here: what the default query sees in a minute, this one sees in
# five seconds.
QUERY = (
    "histogram_quantile(0.95, sum by (namespace, pod, le)"
    " (rate(vllm:e2e_request_latency_seconds_bucket[5s])))"
)
# An engine answers within 2 s, unless requests wait.
IN_TIME = {"latency": {"quantile": "P95", "target": "2500ms"}, "scaleDownStabilization": "10s"}


@pytest.mark.timeout(150)
def test_requests_that_take_too_long_are_given_replicas_until_they_do_not(
    rig: Rig, namespace: str, tmp_path
):
    rig.apply(price_sheet("story-eur", "EUR"))
    rig.apply(deployment(namespace, "chat", 2))
    rig.fleet.set_profile(f"{namespace}/chat", CHAT)
    # A replica serves four a second: two serve eight of fourteen, and the others wait.
    rig.fleet.set_demand(f"{namespace}/chat", 14.0)
    chat = Watched(rig, namespace, "chat")
    rig.apply(policy(namespace, ceilings={"replicas": 8}, scaling=IN_TIME))
    with operator(rig, tmp_path, meters={"latencyP95": {"query": QUERY}}):
        poll(lambda: chat.ready >= 4, 40, what="four replicas, which are enough")
        (target,) = status(rig, namespace)["targets"]
        assert target["recommendedReplicas"] >= 4
        poll(lambda: late(rig, namespace) <= 2.5, 40, what="requests to be answered in time")

        rig.fleet.set_demand(f"{namespace}/chat", 0.0)
        poll(lambda: not rows(rig, namespace), 30, what="no request within the last seconds")
        silent = poll(lambda: chat.ready == chat.replicas and chat.replicas, 20)
        message = poll(lambda: missing(rig, namespace), 30, what="the condition to say so")
        assert "no ready pod reports latencyP95" in message
        assert chat.replicas == silent >= 4
    asked = [
        write.request_object["spec"]["replicas"]
        for write in rig.audit.writes_by(OPERATOR, "deployments", namespace)
        if write.subresource == "scale" and write.request_object
    ]
    # A queue makes requests slower by far more than there is more work, so it doubles at most.
    assert asked[0] in {3, 4}


def rows(rig: Rig, namespace: str) -> list[float]:
    """Return how long requests took, by pod; pods that answered none are left out."""
    found = [row.value for row in rig.query(QUERY) if row.labels.get("namespace") == namespace]
    return [value for value in found if not math.isnan(value)]


def late(rig: Rig, namespace: str) -> float:
    """Return how long requests took in the slowest pod."""
    return max(rows(rig, namespace), default=float("inf"))


def missing(rig: Rig, namespace: str) -> str:
    """Return what the policy says that it cannot see."""
    found, _, message = condition(rig, namespace, "MetricsAvailable")
    return message if found == "False" else ""
