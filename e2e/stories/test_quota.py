"""The quota bounds accelerators where no count does: templates, bare pods, surge, long ends."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.kubectl import as_text
from e2e.rig.lifetimes import PodLifetime
from e2e.rig.polling import poll
from e2e.world import (
    GPU,
    Watched,
    condition,
    deployment,
    operator,
    policy,
    price_sheet,
    utc_now,
)

NAME = f"requests.{GPU}"
# 3.60 an hour and GPU: four of them may run.
LIMITS = {"currency": "EUR", "ceilings": {"costPerHour": "14.40"}}
CEILING = 4


def quota(rig: Rig, namespace: str) -> dict[str, Any] | None:
    """Return our quota as the API server enforces it now; None when there is none."""
    found = rig.get(f"/api/v1/namespaces/{namespace}/resourcequotas")["items"]
    return next((each for each in found if each["metadata"]["name"] == "plafond"), None)


def is_in_force(rig: Rig, namespace: str, most: int) -> bool:
    """Say whether the API server holds exactly *most* GPUs: it enforces what is in the status."""
    found = quota(rig, namespace)
    wanted = str(most)
    return (
        found is not None
        and found["spec"]["hard"][NAME] == wanted
        and found.get("status", {}).get("hard", {}).get(NAME) == wanted
    )


def gpus(life: PodLifetime) -> int:
    return int(life.requests.get(GPU, 0))


def most_at_once(lives: Iterable[PodLifetime], since: datetime) -> int:
    """Return the most GPUs that pods requested together, from creation to end, by the audit log."""
    changes: list[tuple[datetime, int]] = []
    for life in lives:
        end = min((e for e in (life.ended_at, life.gone_at) if e is not None), default=None)
        if end is not None and end <= since:
            continue
        changes.append((max(life.created_at, since), gpus(life)))
        # What ends makes room for what begins at the same instant: a loss sorts before a gain.
        changes += [(end, -gpus(life))] if end is not None else []
    total = most = 0
    for _, change in sorted(changes):
        total += change
        most = max(most, total)
    return most


def pod_spec(number: int, seconds: int = 1) -> dict[str, Any]:
    """Return the spec of a pod with *number* GPUs that takes *seconds* to end."""
    resources = {"requests": {GPU: str(number)}, "limits": {GPU: str(number)}}
    return {
        "terminationGracePeriodSeconds": seconds,
        "containers": [{"name": "engine", "image": "engine", "resources": resources}],
    }


def bare_pod(namespace: str, name: str, number: int = 1) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": pod_spec(number),
    }


def replica_set(namespace: str, name: str, replicas: int) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod_spec(1)}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta, "spec": spec}


@pytest.fixture
def chat(rig: Rig, namespace: str) -> Watched:
    """A workload that wants six GPUs where four may be, with room for one more in a rollout."""
    rig.apply(price_sheet("story-eur", "EUR"))
    rig.apply(deployment(namespace, "chat", 6))
    rig.apply(policy(namespace, **LIMITS))
    return Watched(rig, namespace, "chat")


def bounded(rig: Rig, chat: Watched, surge: int = 1) -> int:
    """Wait until the quota allows four GPUs and *surge* more, and return their sum."""
    chat.comes_to(CEILING)
    most = CEILING + surge
    poll(lambda: is_in_force(rig, chat.namespace, most), 20, what=f"a quota of {most} GPUs")
    return most


def template(number: int, seconds: int = 1, surge: str = "25%") -> dict[str, Any]:
    """Return a patch of a Deployment to pods of *number* GPUs."""
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge}}
    return {"spec": {"strategy": strategy, "template": {"spec": pod_spec(number, seconds)}}}


def rolled(chat: Watched, patch: dict[str, Any]) -> None:
    """Begin a rollout; containers are merged by name, so this is a strategic patch."""
    name, namespace = chat.name, chat.namespace
    done = chat.rig.kubectl("patch", "deployment", name, "-n", namespace, "-p", json.dumps(patch))
    assert done.returncode == 0, done.stderr


def quoted(rig: Rig, namespace: str, name: str) -> bool:
    """Say whether an Event of a ReplicaSet whose name begins with *name* tells about our quota."""
    events = rig.get(f"/api/v1/namespaces/{namespace}/events")["items"]
    return any(
        event["involvedObject"]["name"].startswith(name)
        and event["reason"] == "FailedCreate"
        and "exceeded quota: plafond" in event["message"]
        for event in events
    )


def is_rolled_out(chat: Watched) -> bool:
    """Say whether every replica is of the newest template, and ready, and no other is left."""
    found = chat.rig.get(chat.path)
    state, generation = found["status"], found["metadata"]["generation"]
    counts = [state.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas")]
    return state["observedGeneration"] == generation and counts == 3 * [found["spec"]["replicas"]]


@pytest.mark.timeout(120)
def test_with_the_operator_dead_no_pods_get_past_the_quota(rig: Rig, chat: Watched, tmp_path):
    namespace = chat.namespace
    with operator(rig, tmp_path):
        most = bounded(rig, chat)
    since = utc_now()
    # More GPUs per pod, which take long to end; a ReplicaSet of its own; pods of their own.
    rolled(chat, template(3, seconds=5, surge="100%"))
    rig.apply(replica_set(namespace, "aside", 5))
    bare = [as_text(bare_pod(namespace, f"bare-{number}")) for number in range(3)]
    refused = [rig.kubectl("create", "-f", "-", stdin=text).stderr for text in bare]
    assert any("exceeded quota: plafond" in each for each in refused)
    poll(lambda: quoted(rig, namespace, "aside"), 30, what="an Event that quotes the quota")
    assert most_at_once(rig.audit.pod_lifetimes(namespace), since) <= most


@pytest.mark.timeout(120)
def test_a_full_surge_passes_and_several_with_long_ends_stay_under_the_quota(
    rig: Rig, chat: Watched, tmp_path
):
    with operator(rig, tmp_path):
        bounded(rig, chat)
        patch = {"spec": {"strategy": template(1, surge="100%")["spec"]["strategy"]}}
        rolled(chat, patch)
        most = bounded(rig, chat, surge=4)
        since = utc_now()
        rolled(chat, template(1, 4, surge="100%"))
        poll(lambda: is_rolled_out(chat), 60, what="the rollout to end")
        # A second and third one at once would run beside what still ends of the first.
        for seconds in (5, 6, 7):
            rolled(chat, template(1, seconds, surge="100%"))
        poll(lambda: quoted(rig, chat.namespace, "chat-"), 30, what="a pod that is refused")
        assert is_in_force(rig, chat.namespace, most)
    assert most_at_once(rig.audit.pod_lifetimes(chat.namespace), since) <= most


@pytest.mark.timeout(120)
def test_a_larger_template_is_rolled_out_as_far_as_money_carries_it(
    rig: Rig, chat: Watched, tmp_path
):
    with operator(rig, tmp_path):
        most = bounded(rig, chat)
        since = utc_now()
        rolled(chat, template(2))
        # 14.40 an hour carry two replicas of two GPUs.
        poll(lambda: chat.replicas == 2 and is_rolled_out(chat), 60, what="two larger replicas")
        # One pod of two GPUs is a rollout's surge now.
        poll(lambda: is_in_force(rig, chat.namespace, CEILING + 2), 20, what="the new surge")
    assert most_at_once(rig.audit.pod_lifetimes(chat.namespace), since) <= most + 1


@pytest.mark.timeout(120)
def test_it_is_written_back_and_goes_with_the_policy(rig: Rig, chat: Watched, tmp_path):
    namespace = chat.namespace
    path = f"/api/v1/namespaces/{namespace}/resourcequotas/plafond"
    with operator(rig, tmp_path):
        most = bounded(rig, chat)
        assert rig.merge(path, {"spec": {"hard": {NAME: "99", "pods": "50"}}}) == 200
        poll(lambda: is_in_force(rig, namespace, most), 20, what="the quota to be mended")
        assert "pods" not in quota(rig, namespace)["spec"]["hard"]
        rig.kubectl("delete", "resourcequota", "plafond", "-n", namespace)
        poll(lambda: is_in_force(rig, namespace, most), 20, what="the quota to be back")
        rig.kubectl("delete", "costpolicy", "ceiling", "-n", namespace)
        poll(lambda: quota(rig, namespace) is None, 20, what="the quota to go")
        chat.comes_to(6)


@pytest.mark.timeout(120)
def test_in_observe_there_is_none(rig: Rig, chat: Watched, tmp_path):
    namespace = chat.namespace
    with operator(rig, tmp_path):
        bounded(rig, chat)
        rig.apply(policy(namespace, mode="Observe", **LIMITS))
        poll(lambda: quota(rig, namespace) is None, 20, what="the quota to go")
        chat.comes_to(6)


@pytest.mark.timeout(120)
def test_one_that_somebody_else_made_is_left_as_it_is_and_that_is_said(
    rig: Rig, chat: Watched, tmp_path
):
    namespace = chat.namespace
    meta = {"name": "plafond", "namespace": namespace}
    spec = {"hard": {"pods": "50"}}
    rig.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta, "spec": spec})
    with operator(rig, tmp_path):
        chat.comes_to(CEILING)
        poll(
            lambda: "did not make" in condition(rig, namespace, "Enforcing")[2],
            20,
            what="the condition that tells of it",
        )
        assert quota(rig, namespace)["spec"] == spec
        rig.kubectl("delete", "resourcequota", "plafond", "-n", namespace)
        poll(lambda: is_in_force(rig, namespace, CEILING + 1), 20, what="our own quota")
        poll(
            lambda: condition(rig, namespace, "Enforcing")[0] == "True",
            20,
            what="everything to be written",
        )
