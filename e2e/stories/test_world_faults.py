"""The world goes wrong: machines vanish, pods do not end, and what is governed is made anew."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.kubectl import as_text
from e2e.rig.nodes import Node
from e2e.rig.polling import poll
from e2e.stories.counted import Counted, is_true
from e2e.stories.quiet import comes_to_rest, passes
from e2e.world import (
    Watched,
    annotations,
    deployment,
    fixed_budget,
    operator,
    policy,
    price_sheet,
    utc_now,
)

LASTS = timedelta(minutes=30)
HELD_BACK = "plafond.test/held-back"


def pods(rig: Rig, namespace: str) -> list[str]:
    """Return the names of all pods, those that are ending among them."""
    found = rig.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
    return sorted(each["metadata"]["name"] for each in found)


def begin(rig: Rig, namespace: str, manifest: dict, **limits) -> tuple[Watched, object]:
    """Run a Deployment under a budget that is never short; return it, and when that began."""
    rig.apply(price_sheet("story-eur", "EUR"))
    rig.apply(manifest)
    chat = Watched(rig, namespace, manifest["metadata"]["name"])
    chat.comes_to(manifest["spec"]["replicas"])
    start = utc_now().replace(microsecond=0)
    budget = fixed_budget("900", start, LASTS)
    rig.apply(policy(namespace, currency="EUR", budgets=[budget], **limits))
    return chat, start


@pytest.fixture
def doomed(rig: Rig) -> Iterator[dict[str, str]]:
    """A machine that nothing but this test wants; what selects it."""
    rig.add_nodes([Node("doomed", {"doomed": "yes"})])
    yield {"doomed": "yes"}
    rig.kubectl("delete", "node", "doomed", "--ignore-not-found")


@pytest.mark.timeout(180)
def test_pods_of_a_machine_that_is_gone_cost_until_they_are_gone_and_nothing_grows(
    rig: Rig, namespace: str, doomed: dict[str, str], tmp_path
):
    manifest = deployment(namespace, "chat", 2)
    manifest["spec"]["template"]["spec"]["nodeSelector"] = doomed
    chat, start = begin(rig, namespace, manifest)
    with operator(rig, tmp_path):
        poll(lambda: annotations(rig, namespace), 30, what="a ceiling")
        comes_to_rest(rig, 4, within=60, namespace=namespace)
        before = annotations(rig, namespace)
        rig.kubectl("delete", "node", "doomed")
        passes(6, stays=lambda: chat.replicas == 2)
        assert annotations(rig, namespace)["plafond.dev/ceilings"] == before["plafond.dev/ceilings"]
        assert is_true(rig, namespace, Counted.now(rig, namespace), start)
        rig.kubectl("delete", "pod", "--all", "--force", "--grace-period=0", "-n", namespace)
        # There is no machine for those that come instead, so they cost nothing.
        passes(4)
        spent = Counted.now(rig, namespace)
        passes(3)
        assert Counted.now(rig, namespace).used == pytest.approx(spent.used, abs=1e-9)
        assert chat.replicas == 2


@pytest.mark.timeout(180)
def test_pods_that_do_not_end_cost_and_leave_no_room_until_they_have(
    rig: Rig, namespace: str, tmp_path
):
    manifest = deployment(namespace, "chat", 4)
    manifest["spec"]["template"]["metadata"]["finalizers"] = [HELD_BACK]
    chat, start = begin(rig, namespace, manifest)
    rig.apply(policy(namespace, currency="EUR", budgets=budget_of(start), ceilings={"replicas": 4}))
    with operator(rig, tmp_path):
        rig.apply(
            policy(namespace, currency="EUR", budgets=budget_of(start), ceilings={"replicas": 1})
        )
        poll(lambda: chat.replicas == 1, 30, what="one replica")
        assert len(pods(rig, namespace)) == 4
        rig.apply(
            policy(namespace, currency="EUR", budgets=budget_of(start), ceilings={"replicas": 4})
        )
        # Three that end take up the room of three: nothing may be raised while they cost.
        passes(6, stays=lambda: chat.replicas == 1 and len(pods(rig, namespace)) == 4)
        assert is_true(rig, namespace, Counted.now(rig, namespace), start)
        for name in pods(rig, namespace):
            path = f"/api/v1/namespaces/{namespace}/pods/{name}"
            rig.merge(path, {"metadata": {"finalizers": None}})
        poll(lambda: chat.replicas == 4, 60, what="four replicas")


def budget_of(start) -> list:
    return [fixed_budget("900", start, LASTS)]


@pytest.mark.timeout(180)
def test_a_workload_made_anew_with_the_same_name_is_limited_and_gets_back_its_own_count(
    rig: Rig, namespace: str, tmp_path
):
    """Faults 44 and 45."""
    chat, _ = begin(rig, namespace, deployment(namespace, "chat", 6), ceilings={"replicas": 2})
    with operator(rig, tmp_path):
        chat.comes_to(2)
        rig.kubectl("delete", "deployment/chat", "-n", namespace)
        poll(lambda: not pods(rig, namespace), 30, what="its pods to go")
        rig.kubectl("create", "-f", "-", stdin=as_text(deployment(namespace, "chat", 4)))
        chat.comes_to(2)
        comes_to_rest(rig, 4, within=60, namespace=namespace)
        rig.kubectl("delete", "costpolicy", "ceiling", "-n", namespace)
        chat.comes_to(4)


@pytest.mark.timeout(180)
def test_a_policy_that_is_edited_again_and_again_comes_to_its_last_edit_and_to_silence(
    rig: Rig, namespace: str, tmp_path
):
    """Fault 61."""
    chat, start = begin(rig, namespace, deployment(namespace, "chat", 6), ceilings={"replicas": 5})
    with operator(rig, tmp_path):
        chat.comes_to(5)
        for replicas in (1, 4, 2, 6, 1, 5, 2, 3):
            limits = {"ceilings": {"replicas": replicas}}
            rig.apply(policy(namespace, currency="EUR", budgets=budget_of(start), **limits))
        chat.comes_to(3, within=60)
        comes_to_rest(rig, 4, within=60, namespace=namespace)
        assert chat.replicas == 3
