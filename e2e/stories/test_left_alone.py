"""What means nothing is said in a sentence and left alone, and never stops the pass for others."""

from typing import Any

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.world import (
    GPU,
    Watched,
    annotations,
    condition,
    deployment,
    operator,
    policy,
    price_sheet,
    status,
)

MONTH = {"type": "Calendar", "period": "Monthly"}


def monthly(cost: str, **window: Any) -> dict[str, Any]:
    """Return a monthly budget."""
    limit = {"cost": cost}
    return {"name": "month", "limit": limit, "window": MONTH | window, "onExhausted": "KeepFloors"}


def is_not_ready(rig: Rig, namespace: str, *words: str, name: str = "ceiling") -> None:
    """Wait until a policy says that it is not ready, in a sentence with *words*."""
    poll(
        lambda: condition(rig, namespace, "Ready", name)[0] == "False",
        30,
        what=f"{namespace}/{name} to be not ready",
    )
    message = condition(rig, namespace, "Ready", name)[2]
    assert all(word in message for word in words), message


def reasons(rig: Rig, namespace: str, name: str) -> set[str]:
    """Return the reasons that a policy's status gives."""
    return {each.get("reason") for each in status(rig, namespace, name).get("targets", ())}


@pytest.fixture
def neighbour(rig: Rig, namespace: str) -> Watched:
    """A workload in a namespace of its own whose policy is fine: it wants six and may have two."""
    name = f"{namespace}-fine"
    rig.apply(price_sheet("story-eur", "EUR"))
    rig.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    rig.apply(deployment(name, "chat", 6))
    rig.apply(policy(name, ceilings={"replicas": 2}))
    return Watched(rig, name, "chat")


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("spec", "words"),
    [
        pytest.param(
            {"currency": "EUR", "budgets": [monthly("9", timeZone="Atlantic/Atlantis")]},
            ("timeZone", "Atlantic/Atlantis"),
            id="an unknown time zone",
        ),
        pytest.param(
            {"currency": "SEK", "budgets": [monthly("9")]},
            ("price sheet", "SEK"),
            id="a currency without a price sheet",
        ),
        pytest.param(
            {"currency": "NOK", "budgets": [monthly("9")]},
            ("nok-one", "nok-two", "valid from"),
            id="two sheets valid from the same moment",
        ),
    ],
)
def test_a_policy_without_prices_or_a_time_zone_is_not_ready_and_leaves_workloads_alone(
    rig: Rig, namespace: str, neighbour: Watched, tmp_path, spec: dict, words: tuple[str, ...]
):
    rig.apply([price_sheet("nok-one", "NOK"), price_sheet("nok-two", "NOK")])
    rig.apply(deployment(namespace, "chat", 5))
    rig.apply(policy(namespace, **spec))
    with operator(rig, tmp_path):
        is_not_ready(rig, namespace, *words)
        neighbour.comes_to(2)
    assert Watched(rig, namespace, "chat").replicas == 5
    assert annotations(rig, namespace) == {}


@pytest.mark.timeout(120)
def test_a_typo_in_a_policy_in_force_lifts_nothing_until_it_is_mended(
    rig: Rig, namespace: str, neighbour: Watched, tmp_path
):
    rig.apply(deployment(namespace, "chat", 5))
    budgets = [monthly("90000", timeZone="Europe/Berlin")]
    limits = {"currency": "EUR", "ceilings": {"replicas": 2}}
    rig.apply(policy(namespace, budgets=budgets, **limits))
    chat = Watched(rig, namespace, "chat")
    with operator(rig, tmp_path):
        chat.comes_to(2)
        typo = [monthly("90000", timeZone="Europe/Berln")]
        rig.apply(policy(namespace, budgets=typo, **limits))
        is_not_ready(rig, namespace, "timeZone")
        neighbour.comes_to(2)
        rig.kubectl("scale", "deployment/chat", "--replicas=5", "-n", namespace)
        assert chat.replicas == 2
        rig.kubectl("delete", "costpolicy", "ceiling", "-n", namespace)
        chat.comes_to(5)


@pytest.mark.timeout(120)
def test_nodes_without_a_price_keep_what_runs_and_let_nothing_grow(
    rig: Rig, namespace: str, neighbour: Watched, tmp_path
):
    sheet = price_sheet("story-dkk", "DKK")
    sheet["spec"]["nodes"][0]["nodeSelector"] = {"matchLabels": {"priced": "yes"}}
    rig.apply(sheet)
    rig.apply(deployment(namespace, "chat", 3))
    rig.apply(policy(namespace, currency="DKK", budgets=[monthly("9000")]))
    chat = Watched(rig, namespace, "chat")
    chat.comes_to(3)
    with operator(rig, tmp_path):
        is_not_ready(rig, namespace, "chat", "price sheet selects node")
        neighbour.comes_to(2)
        poll(lambda: annotations(rig, namespace), 10, what="a ceiling at what runs")
        rig.kubectl("scale", "deployment/chat", "--replicas=8", "-n", namespace)
        assert chat.replicas == 3


@pytest.mark.timeout(120)
def test_an_implausible_price_is_said_and_the_last_one_holds(rig: Rig, namespace: str, tmp_path):
    rig.apply(price_sheet("story-chf", "CHF", "4.00"))
    rig.apply(deployment(namespace, "chat", 2))
    rig.apply(policy(namespace, currency="CHF", ceilings={"costPerHour": "8.00"}))
    chat = Watched(rig, namespace, "chat")
    with operator(rig, tmp_path):
        poll(lambda: condition(rig, namespace, "Ready")[0] == "True", 30, what="to be ready")
        rig.apply(price_sheet("story-chf", "CHF", "4000.00"))
        is_not_ready(rig, namespace, "not plausible", "4000")
        assert chat.replicas == 2
        rig.apply(price_sheet("story-chf", "CHF", "5.00"))
        poll(lambda: condition(rig, namespace, "Ready")[0] == "True", 30, what="to be ready again")
        chat.comes_to(1)  # 8.00 an hour carries one replica at 5.00


@pytest.mark.timeout(120)
def test_a_deployment_without_gpus_can_be_a_target_and_costs_what_its_cpu_does(
    rig: Rig, namespace: str, tmp_path
):
    sheet = price_sheet("story-czk", "CZK")
    sheet["spec"]["nodes"][0]["prices"] = {"cpu": "2.00", GPU: "90.00"}
    rig.apply(sheet)
    web = deployment(namespace, "web", 4, gpus=0)
    container = web["spec"]["template"]["spec"]["containers"][0]
    container["resources"] = {"requests": {"cpu": "500m"}}
    rig.apply(web)
    targets = [{"group": "apps", "kind": "Deployment", "name": "web"}]
    limit = {"costPerHour": "3.00"}
    rig.apply(policy(namespace, currency="CZK", targets=targets, ceilings=limit))
    with operator(rig, tmp_path):
        Watched(rig, namespace, "web").comes_to(3)  # half a CPU at 2.00 is 1.00 an hour


@pytest.mark.timeout(120)
def test_two_policies_in_one_namespace_both_apply(rig: Rig, namespace: str, tmp_path):
    rig.apply(price_sheet("story-eur", "EUR"))
    for name in ("chat", "embed"):
        rig.apply(deployment(namespace, name, 6))
    chat = [{"group": "apps", "kind": "Deployment", "name": "chat"}]
    rig.apply(policy(namespace, "all", ceilings={"replicas": 7}))
    rig.apply(policy(namespace, "chat", targets=chat, ceilings={"resources": {GPU: "5"}}))
    with operator(rig, tmp_path):
        watched = [Watched(rig, namespace, name) for name in ("chat", "embed")]
        # All limits apply to the union of targets, and the stricter one is five GPUs.
        poll(lambda: sum(each.replicas for each in watched) == 5, 30, what="five replicas")
        poll(
            lambda: "ResourceCeiling" in reasons(rig, namespace, "chat"),
            10,
            what="the reason in the status",
        )


@pytest.mark.timeout(120)
def test_a_namespace_that_is_being_deleted_stops_nobody(
    rig: Rig, namespace: str, neighbour: Watched, tmp_path
):
    rig.apply(deployment(namespace, "chat", 5))
    rig.apply(policy(namespace, ceilings={"replicas": 2}))
    with operator(rig, tmp_path) as running:
        Watched(rig, namespace, "chat").comes_to(2)
        rig.kubectl("delete", "namespace", namespace, "--wait=false")
        rig.kubectl("scale", "deployment/chat", "--replicas=1", "-n", neighbour.namespace)
        neighbour.comes_to(1)
        rig.kubectl("scale", "deployment/chat", "--replicas=2", "-n", neighbour.namespace)
        neighbour.comes_to(2)
        gone = ("get", "namespace", namespace, "--ignore-not-found", "-o", "name")
        poll(lambda: not rig.kubectl(*gone).stdout, 60, what="the namespace to be gone")
        assert running.is_running


@pytest.mark.timeout(120)
def test_system_namespaces_are_never_touched(rig: Rig, neighbour: Watched, tmp_path):
    rig.apply(deployment("kube-system", "sneaky", 4))
    rig.apply(policy("kube-system", ceilings={"replicas": 1}))
    try:
        with operator(rig, tmp_path):
            is_not_ready(rig, "kube-system", "system namespace")
            neighbour.comes_to(2)
        assert Watched(rig, "kube-system", "sneaky").replicas == 4
        assert annotations(rig, "kube-system") == {}
    finally:
        rig.kubectl("delete", "costpolicy/ceiling", "deployment/sneaky", "-n", "kube-system")
