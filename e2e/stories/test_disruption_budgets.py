"""A ceiling below what a PodDisruptionBudget demands is said, and neither gives way."""

from typing import Any

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.world import Watched, deployment, operator, policy, price_sheet, status


def warnings(rig: Rig, namespace: str) -> list[dict[str, Any]]:
    """Return the Events that tell of it."""
    found = rig.get(f"/api/v1/namespaces/{namespace}/events")["items"]
    return [event for event in found if event["reason"] == "BelowDisruptionBudget"]


@pytest.mark.timeout(120)
def test_a_minimum_above_the_ceiling_is_said_once_and_not_obeyed(
    rig: Rig, namespace: str, tmp_path
):
    rig.apply(price_sheet("story-eur", "EUR"))
    rig.apply(deployment(namespace, "chat", 4))
    rig.apply(policy(namespace, ceilings={"replicas": 2}))
    spec = {"minAvailable": 3, "selector": {"matchLabels": {"app": "chat"}}}
    meta = {"name": "available", "namespace": namespace}
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta}
    with operator(rig, tmp_path):
        Watched(rig, namespace, "chat").comes_to(2)
        rig.apply({**budget, "spec": spec})
        poll(lambda: warnings(rig, namespace), 20, what="an Event that tells of it")
        poll(
            lambda: "2 of the 3 pods" in status(rig, namespace)["summary"],
            20,
            what="the sentence in the status",
        )
        (event,) = warnings(rig, namespace)
        assert event["involvedObject"]["name"] == "ceiling"
        assert Watched(rig, namespace, "chat").replicas == 2
        rig.kubectl("delete", "poddisruptionbudget", "available", "-n", namespace)
        poll(
            lambda: "PodDisruptionBudget" not in status(rig, namespace)["summary"],
            20,
            what="the sentence to go",
        )
