"""Removing a policy restores what was, and leaves nothing of ours but the ledger."""

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.world import Watched, annotations, deployment, operator, policy, price_sheet

WANTED = {"chat": 6, "embedder": 4}


@pytest.fixture
def workloads(rig: Rig, namespace: str) -> dict[str, Watched]:
    """Two workloads whose counts somebody chose, and a policy that allows them five together."""
    rig.apply(price_sheet("story-eur", "EUR"))
    for name, replicas in WANTED.items():
        rig.apply(deployment(namespace, name, replicas))
    rig.apply(policy(namespace, ceilings={"replicas": 5}))
    return {name: Watched(rig, namespace, name) for name in WANTED}


def are_limited(workloads: dict[str, Watched]) -> bool:
    """Say whether both together have what the ceiling allows."""
    return sum(each.replicas for each in workloads.values()) == 5


def left_behind(rig: Rig, namespace: str) -> list[str]:
    """Return every object of our kinds, quotas included, that is in *namespace*; not the past."""
    kinds = "costpolicies,spendledgers,resourcequotas"
    found = rig.kubectl("get", kinds, "-n", namespace, "-o", "name").stdout.split()
    # When an hour begins in between, the ledger continues what was before it.
    return sorted(each for each in found if "/plafond-past-" not in each)


@pytest.mark.timeout(120)
def test_a_deleted_policy_gives_back_every_count_and_leaves_only_the_ledger(
    rig: Rig, namespace: str, workloads: dict[str, Watched], tmp_path
):
    with operator(rig, tmp_path):
        poll(lambda: are_limited(workloads), 30, what="the ceiling of five replicas")
        rig.kubectl("delete", "costpolicy", "ceiling", "-n", namespace)
        for name, replicas in WANTED.items():
            workloads[name].comes_to(replicas)
        poll(lambda: not annotations(rig, namespace), 10, what="our annotations to go")
    assert left_behind(rig, namespace) == ["spendledger.plafond.dev/plafond"]


@pytest.mark.timeout(120)
def test_switching_to_observe_releases_at_once(
    rig: Rig, namespace: str, workloads: dict[str, Watched], tmp_path
):
    with operator(rig, tmp_path):
        poll(lambda: are_limited(workloads), 30, what="the ceiling of five replicas")
        rig.apply(policy(namespace, mode="Observe", ceilings={"replicas": 5}))
        for name, replicas in WANTED.items():
            workloads[name].comes_to(replicas)
        poll(lambda: not annotations(rig, namespace), 10, what="our annotations to go")


@pytest.mark.timeout(120)
def test_a_count_that_somebody_chose_meanwhile_is_what_comes_back(
    rig: Rig, namespace: str, workloads: dict[str, Watched], tmp_path
):
    with operator(rig, tmp_path):
        poll(lambda: are_limited(workloads), 30, what="the ceiling of five replicas")
        rig.kubectl("scale", "deployment/embedder", "--replicas=1", "-n", namespace)
        poll(lambda: workloads["chat"].replicas == 4, 30, what="chat to take what was released")
        rig.kubectl("delete", "costpolicy", "ceiling", "-n", namespace)
        workloads["chat"].comes_to(WANTED["chat"])
        workloads["embedder"].comes_to(1)


@pytest.mark.timeout(120)
def test_an_operator_that_was_killed_in_between_still_knows_what_was(
    rig: Rig, namespace: str, workloads: dict[str, Watched], tmp_path
):
    with operator(rig, tmp_path):
        poll(lambda: are_limited(workloads), 30, what="the ceiling of five replicas")
    rig.kubectl("delete", "costpolicy", "ceiling", "-n", namespace)
    with operator(rig, tmp_path):
        for name, replicas in WANTED.items():
            workloads[name].comes_to(replicas)
        poll(lambda: not annotations(rig, namespace), 10, what="our annotations to go")
