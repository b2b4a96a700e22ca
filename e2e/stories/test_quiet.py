"""Quiet while nothing changes, and awake as soon as something does."""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.nodes import GPU_NODES, Node
from e2e.rig.polling import poll
from e2e.stories.quiet import comes_to_rest, listening, passes, writes_since
from e2e.world import (
    CHAT,
    FOLLOW_CONCURRENCY,
    TIMING,
    Watched,
    deployment,
    fixed_budget,
    fresh_namespace,
    operator,
    policy,
    price_sheet,
    status,
    utc_now,
)

POLICIES = 20
# The whole length is five minutes; every commit hears a part of it.
LENGTH_VARIABLE = "PLAFOND_QUIET_SECONDS"
WHOLE_SECONDS, USUAL_SECONDS = 300, 75
PERIOD_SECONDS = 5
# What was said of a change is said after two intervals of the status, and a turn of the probe.
REST_SECONDS = 10
LEASE = {"leaseDuration": "15s", "renewDeadline": "10s", "retryPeriod": "2s"}
# Of two seconds each, six run at once: what one replica is to have.
FOR_ONE_REPLICA = 3.0


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """A rig of its own: what other stories leave behind goes on changing."""
    with Rig() as started:
        started.install()
        started.add_nodes((*GPU_NODES, Node("more-0"), Node("more-1")))
        started.apply(price_sheet("story-eur", "EUR"))
        yield started


def calm(checkpoints: float) -> dict[str, Any]:
    """Return the configuration of an operator that a busy machine does not upset."""
    interval = {"checkpointInterval": f"{checkpoints:.0f}s", "metricsGapReportedAfter": "1m"}
    return {"leaderElection": LEASE, "timing": {**TIMING, **interval}}


@pytest.mark.timeout(180)
def test_an_unchanged_world_is_left_in_peace(rig: Rig, tmp_path):
    namespace = fresh_namespace(rig, "unchanged")
    rig.apply(deployment(namespace, "chat", 3))
    rig.apply(policy(namespace, ceilings={"replicas": 2}))
    with operator(rig, tmp_path, **calm(checkpoints=15)) as running:
        Watched(rig, namespace, "chat").comes_to(2)
        poll(lambda: status(rig, namespace).get("targets"), 30, what="the status")
        comes_to_rest(rig, REST_SECONDS, within=90)
        with listening(rig, running) as silence:
            passes(10)
    rig.kubectl("delete", "namespace", namespace)
    assert silence.news == []
    # Less than one checkpoint interval.
    assert silence.most_of("spendledgers") <= 1
    assert silence.said == ""


@pytest.mark.timeout(WHOLE_SECONDS + 300)
def test_twenty_policies_under_constant_demand_are_silent_until_it_doubles(
    rig: Rig, tmp_path, record_property
):
    seconds = float(os.environ.get(LENGTH_VARIABLE, USUAL_SECONDS))
    scale = f"{WHOLE_SECONDS / seconds:g} times shorter than five minutes"
    record_property("length", f"{seconds:g} s, {scale}")
    chats = [_begun(rig) for _ in range(POLICIES)]
    config = calm(checkpoints=seconds) | {"evaluationPeriod": f"{PERIOD_SECONDS}s"}
    with operator(rig, tmp_path, **config) as running:
        for chat in chats:
            poll(lambda n=chat.namespace: status(rig, n).get("targets"), 60, what="the status")
        comes_to_rest(rig, REST_SECONDS + 2 * PERIOD_SECONDS, within=120)
        with listening(rig, running) as silence:
            passes(seconds)
        doubled = utc_now()
        for chat in chats:
            rig.fleet.set_demand(f"{chat.namespace}/chat", 2 * FOR_ONE_REPLICA)
        for chat in chats:
            poll(lambda chat=chat: chat.replicas > 1, 60, what="another replica")
    found = Counter(write.resource for write in silence.writes)
    record_property("written in silence", ", ".join(f"{n} {what}" for what, n in found.items()))
    reaction = max(_reactions(rig, doubled, chats))
    record_property("from doubled demand to the last first write", f"{reaction:.1f} s")

    assert found.keys() <= {"leases", "spendledgers", "costpolicies"}
    assert silence.most_of("spendledgers") <= 1
    assert silence.most_of("costpolicies") <= 1
    assert silence.said == ""
    # Two passes, after the second in which Prometheus looks.
    assert reaction <= 2 * PERIOD_SECONDS + 1


def _begun(rig: Rig) -> Watched:
    """Run one replica that has just what it should, far below its budget."""
    namespace = fresh_namespace(rig, "quiet")
    rig.fleet.set_profile(f"{namespace}/chat", CHAT)
    rig.fleet.set_demand(f"{namespace}/chat", FOR_ONE_REPLICA)
    rig.apply(deployment(namespace, "chat", 1))
    budget = fixed_budget("9000", utc_now(), timedelta(hours=2))
    rig.apply(policy(namespace, currency="EUR", budgets=[budget], scaling=FOLLOW_CONCURRENCY))
    return Watched(rig, namespace, "chat")


def _reactions(rig: Rig, since: datetime, chats: list[Watched]) -> Iterator[float]:
    """Yield for each of *chats* how long it took until somebody wrote its first new count."""
    counts = [w for w in writes_since(rig, since) if w.resource == "deployments"]
    for chat in chats:
        first = min(write.at for write in counts if write.namespace == chat.namespace)
        yield (first - since).total_seconds()
