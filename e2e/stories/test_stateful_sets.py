"""StatefulSets that a policy names are limited; one that would lose its volumes is left alone."""

from typing import Any

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.world import (
    Watched,
    annotations,
    deployment,
    operator,
    policy,
    price_sheet,
    status,
)

NAMED = {"targets": [{"group": "apps", "kind": "StatefulSet", "name": "embedder"}]}


def stateful_set(namespace: str, replicas: int, when_scaled: str) -> dict[str, Any]:
    """Return a StatefulSet of one GPU per replica, which start together."""
    raw = deployment(namespace, "embedder", replicas)
    raw["kind"] = "StatefulSet"
    retention = {"whenScaled": when_scaled, "whenDeleted": "Retain"}
    raw["spec"] |= {
        "serviceName": "embedder",
        "podManagementPolicy": "Parallel",
        "persistentVolumeClaimRetentionPolicy": retention,
    }
    return raw


def is_listed(rig: Rig, namespace: str, most: int) -> bool:
    wanted = f"statefulsets.apps/embedder={most}"
    return annotations(rig, namespace).get("plafond.dev/ceilings") == wanted


def said_of(rig: Rig, namespace: str) -> dict[str, Any]:
    """Return what the status says of the only target."""
    return next(iter(status(rig, namespace).get("targets") or ()), {})


@pytest.fixture
def embedder(rig: Rig, namespace: str) -> Watched:
    rig.apply(price_sheet("story-eur", "EUR"))
    return Watched(rig, namespace, "embedder", "statefulsets")


@pytest.mark.timeout(120)
def test_one_that_is_named_is_lowered_held_and_given_back(
    rig: Rig, namespace: str, embedder: Watched, tmp_path
):
    rig.apply(stateful_set(namespace, 4, "Retain"))
    embedder.comes_to(4)
    with operator(rig, tmp_path):
        rig.apply(policy(namespace, ceilings={"replicas": 2}, **NAMED))
        embedder.comes_to(2)
        assert is_listed(rig, namespace, 2)
        rig.kubectl("scale", "statefulset/embedder", "--replicas=9", "-n", namespace)
        assert embedder.replicas == 2
        rig.kubectl("delete", "costpolicy", "ceiling", "-n", namespace)
        embedder.comes_to(4)


@pytest.mark.timeout(120)
def test_without_being_named_it_is_left_alone(
    rig: Rig, namespace: str, embedder: Watched, tmp_path
):
    rig.apply(stateful_set(namespace, 4, "Retain"))
    rig.apply(policy(namespace, ceilings={"replicas": 2}))
    with operator(rig, tmp_path):
        poll(lambda: status(rig, namespace).get("targetCount") == 0, 20, what="the policy's status")
        embedder.comes_to(4)
    assert annotations(rig, namespace) == {}


@pytest.mark.timeout(120)
def test_one_that_would_lose_its_volumes_is_never_lowered_and_the_status_says_so(
    rig: Rig, namespace: str, embedder: Watched, tmp_path
):
    rig.apply(stateful_set(namespace, 4, "Delete"))
    embedder.comes_to(4)
    with operator(rig, tmp_path):
        rig.apply(policy(namespace, ceilings={"replicas": 2}, **NAMED))
        poll(lambda: is_listed(rig, namespace, 4), 20, what="a ceiling of what runs")
        poll(
            lambda: said_of(rig, namespace).get("reason") == "VolumesKept",
            20,
            what="the reason in the status",
        )
        rig.kubectl("scale", "statefulset/embedder", "--replicas=9", "-n", namespace)
        assert embedder.replicas == 4
    assert "would delete its volumes" in status(rig, namespace)["summary"]
    writes = rig.audit.writes_by("system:serviceaccount:plafond-system:plafond", "statefulsets")
    assert [each for each in writes if each.namespace == namespace] == []
