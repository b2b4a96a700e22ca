"""Observe writes nothing but what it says, and says what Enforce would do."""

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.stories.quiet import OPERATOR, passes
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
        passes(5)  # several, in which it could have written
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
