"""The ceiling holds without us: operator dead, API server killed, nobody gets above."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.kubectl import as_text
from e2e.rig.polling import poll
from e2e.world import (
    Watched,
    annotations,
    deployment,
    operator,
    policy,
    price_sheet,
    utc_now,
)

CEILING = 3


@pytest.fixture
def limited(rig: Rig, namespace: str, tmp_path) -> Watched:
    """A workload that wanted eight replicas, under a ceiling of three, its operator dead."""
    rig.apply(price_sheet("story-eur", "EUR"))
    rig.apply(deployment(namespace, "chat", 8))
    rig.apply(policy(namespace, ceilings={"replicas": CEILING}))
    chat = Watched(rig, namespace, "chat")
    with operator(rig, tmp_path):
        chat.comes_to(CEILING)
    assert annotations(rig, namespace)["plafond.dev/ceilings"] == f"deployments.apps/chat={CEILING}"
    return chat


def stored_counts(rig: Rig, namespace: str, since: datetime) -> list[int]:
    """Return every replica count that the API server stored in *namespace*, by the audit log."""
    return [
        write.response_object["spec"]["replicas"]
        for write in rig.audit.writes()
        if write.resource == "deployments"
        and write.namespace == namespace
        and write.succeeded
        and write.at >= since
        and "spec" in (write.response_object or {})
    ]


@pytest.mark.timeout(120)
def test_with_the_operator_dead_no_way_of_scaling_gets_past_the_ceiling(rig: Rig, limited: Watched):
    namespace, since = limited.namespace, utc_now()
    more = as_text(deployment(namespace, "chat", 9))
    rig.kubectl("scale", "deployment/chat", "--replicas=9", "-n", namespace)
    assert limited.replicas == CEILING
    patch = '{"spec": {"replicas": 9}}'
    rig.kubectl("patch", "deployment/chat", "-n", namespace, "--type=merge", "-p", patch)
    assert limited.replicas == CEILING
    rig.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=more)
    assert limited.replicas == CEILING
    rig.kubectl("delete", "deployment/chat", "-n", namespace)
    rig.kubectl("create", "-f", "-", stdin=more)
    assert limited.replicas == CEILING
    assert max(stored_counts(rig, namespace, since)) <= CEILING


@contextmanager
def hammered(rig: Rig, chat: Watched) -> Iterator[list[int]]:
    """Scale past the ceiling from three threads for as long as the block runs."""
    stop, codes = threading.Event(), []
    path = f"{chat.path}/scale"

    def hammer() -> None:
        while not stop.is_set():
            codes.append(rig.merge(path, {"spec": {"replicas": 9}}))

    threads = [threading.Thread(target=hammer, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield codes
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)


@pytest.mark.timeout(180)
def test_an_api_server_that_is_killed_three_times_never_lets_a_write_past_the_ceiling(
    rig: Rig, limited: Watched
):
    since = utc_now()
    with hammered(rig, limited) as codes:
        for _ in range(3):
            accepted = codes.count(200)
            poll(lambda seen=accepted: codes.count(200) > seen + 50, 30, what="accepted writes")
            rig.api_server.kill()
            rig.api_server.start()
    poll(lambda: limited.replicas >= 0, 30, what="the API server")
    counts = stored_counts(rig, limited.namespace, since)
    assert codes.count(200) > 150
    assert len(counts) > 150
    assert max(counts) <= CEILING
    assert utc_now() - since < timedelta(minutes=3)
