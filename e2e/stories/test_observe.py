"""Observe writes nothing but what it says, and says what Enforce would do."""

import time

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.world import (
    Watched,
    annotations,
    condition,
    deployment,
    operator,
    policy,
    price_sheet,
    status,
    utc_now,
)

OPERATOR = "system:serviceaccount:plafond-system:plafond"
SAYS = {"costpolicies/status", "spendledgers/", "events/"}


def would_be(rig: Rig, namespace: str) -> dict[str, int]:
    """Return the ceilings that the status names."""
    found = status(rig, namespace).get("targets") or []
    return {each["name"]: each["ceiling"] for each in found if "ceiling" in each}


@pytest.mark.timeout(120)
def test_observe_writes_status_ledger_and_events_alone_and_decides_as_enforce_does(
    rig: Rig, namespace: str, tmp_path
):
    rig.apply(price_sheet("story-eur", "EUR"))
    rig.apply(deployment(namespace, "chat", 6, labels={"tier": "hot"}))
    rig.apply(deployment(namespace, "batch", 4))
    classes = [{"name": "Hot", "selector": {"matchLabels": {"tier": "hot"}}, "minReplicas": 2}]
    # 18.00 an hour carries five replicas at 3.60.
    limits = {"currency": "EUR", "ceilings": {"costPerHour": "18.00"}, "classes": classes}
    rig.apply(policy(namespace, mode="Observe", **limits))
    since = utc_now()
    with operator(rig, tmp_path):
        poll(lambda: would_be(rig, namespace), 30, what="would-be ceilings in the status")
        observed = would_be(rig, namespace)
        time.sleep(5)  # several passes, in which it could have written
        assert Watched(rig, namespace, "chat").replicas == 6
        assert annotations(rig, namespace) == {}
        assert condition(rig, namespace, "Enforcing")[1] == "ObserveMode"
        wrote = {
            f"{write.resource}/{write.subresource}"
            for write in rig.audit.writes_by(OPERATOR, namespace=namespace)
            if write.at >= since
        }
        assert wrote <= SAYS
        assert "costpolicies/status" in wrote
        rig.apply(policy(namespace, mode="Enforce", **limits))
        Watched(rig, namespace, "chat").comes_to(observed["chat"])
        Watched(rig, namespace, "batch").comes_to(observed["batch"])
        poll(lambda: would_be(rig, namespace) == observed, 10, what="the same ceilings")
    assert sum(observed.values()) == 5


@pytest.mark.timeout(120)
def test_an_unchanged_world_is_left_in_peace(rig: Rig, namespace: str, tmp_path):
    rig.apply(price_sheet("story-eur", "EUR"))
    rig.apply(deployment(namespace, "chat", 3))
    rig.apply(policy(namespace, ceilings={"replicas": 2}))
    with operator(rig, tmp_path) as running:
        Watched(rig, namespace, "chat").comes_to(2)
        poll(lambda: would_be(rig, namespace) == {"chat": 2}, 30, what="the status")
        time.sleep(5)  # what was said of the change is said
        since, said = utc_now(), len(running.log_path.read_text())
        time.sleep(10)  # ten passes
        wrote = [w for w in rig.audit.writes_by(OPERATOR) if w.at >= since]
        assert {w.resource for w in wrote} <= {"spendledgers", "leases"}
        # Two checkpoint intervals, a checkpoint each at most.
        assert sum(w.namespace == namespace for w in wrote) <= 2
        assert running.log_path.read_text()[said:] == ""
