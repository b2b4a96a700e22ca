"""It explains itself: one command says what holds, why, and what would lift it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.stories.explaining import explained, plafond, shown
from e2e.world import (
    CHAT,
    FOLLOW_CONCURRENCY,
    Watched,
    deployment,
    fixed_budget,
    fresh_namespace,
    operator,
    policy,
    price_sheet,
    utc_now,
)

LASTS = timedelta(hours=1)
EVERYTHING = {"matchLabels": {}}


@dataclass(frozen=True)
class Situation:
    """A workload under a budget for an hour, at 3.60 an hour for each replica."""

    name: str
    replicas: int
    limit: str
    is_explained: Callable[[Mapping[str, Any]], bool]
    demand: float = 0.0
    currency: str = "EUR"
    spec: Mapping[str, Any] | None = None


def reason(*expected: str | None) -> Callable[[Mapping[str, Any]], bool]:
    """Say whether the rule's reason is one of *expected*."""
    return lambda found: found["rule"]["reason"] in expected


FLOOR = {"classes": [{"name": "Warm", "selector": EVERYTHING, "minReplicas": 6}]}
FOLLOW = {"scaling": FOLLOW_CONCURRENCY}
SITUATIONS = (
    Situation("within", 2, "9000", lambda found: found["ceiling"] == 4),
    # Nine replicas at 70 % need 32.40; run fuller, eight carry the same: 28.80.
    Situation("squeezed", 9, "30.5", reason("Squeezed"), demand=27.0, spec=FOLLOW),
    Situation("clipped", 6, "11.50", reason("BudgetCeiling")),
    Situation("unfunded", 6, "11.50", reason("FloorUnfunded"), spec=FLOOR),
    # Its prices are for nodes that nobody has.
    Situation("gap", 2, "100", reason("PriceUnknown"), currency="CHF"),
)


def begin(rig: Rig, situation: Situation) -> str:
    """Put *situation* into a namespace of its own, and return that."""
    namespace = fresh_namespace(rig, f"explain-{situation.name}")
    rig.apply(deployment(namespace, "llm", situation.replicas))
    if situation.demand:
        rig.fleet.set_profile(f"{namespace}/llm", CHAT)
        rig.fleet.set_demand(f"{namespace}/llm", situation.demand)
    Watched(rig, namespace, "llm").comes_to(situation.replicas)
    budget = fixed_budget(situation.limit, utc_now(), LASTS)
    spec = dict(situation.spec or {})
    rig.apply(policy(namespace, currency=situation.currency, budgets=[budget], **spec))
    return namespace


def comes_to_be_explained(rig: Rig, situation: Situation, namespace: str) -> Mapping[str, Any]:
    """Wait until the command says what *situation* is about, and return all that it says."""
    found: dict[str, Any] = {}

    def is_explained() -> bool:
        found.clear()
        found.update(explained(rig, f"{namespace}/llm"))
        return bool(found["numbers"]) and situation.is_explained(found)

    poll(is_explained, 60, what=f"the explanation of {situation.name}")
    return found


def number(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the number whose name ends with *name*."""
    return next(each for each in found["numbers"] if each["name"].endswith(name))


@pytest.mark.timeout(300)
def test_five_situations_are_explained(rig: Rig, tmp_path):
    rig.apply(price_sheet("story-eur", "EUR"))
    nowhere = price_sheet("story-chf", "CHF")
    nowhere["spec"]["nodes"][0]["nodeSelector"] = {"matchLabels": {"gpu": "nobody-has-it"}}
    rig.apply(nowhere)
    namespaces = {each.name: begin(rig, each) for each in SITUATIONS}
    with operator(rig, tmp_path):
        found = {
            each.name: comes_to_be_explained(rig, each, namespaces[each.name])
            for each in SITUATIONS
        }
        for name in found:
            shown(rig, "explain", "deploy/llm", "-n", namespaces[name])
        _assert_explained(found)
        overview = shown(rig, "status", "-A")
    assert all(namespace in overview for namespace in namespaces.values())


def _assert_explained(found: Mapping[str, Mapping[str, Any]]) -> None:
    for each in found.values():
        assert each["mode"] == "Enforce"
        assert each["ceilingInForce"]
        assert each["unread"] == []
        assert any("window of budget ceiling/window ends" in n["sentence"] for n in each["next"])
    for name in ("squeezed", "clipped", "unfunded"):
        assert found[name]["rule"]["limit"] == "ceiling/window"
        assert any("raise the limit" in lift["sentence"] for lift in found[name]["lifts"])
        assert number(found[name], "remaining")["source"] == "ledger"
    assert found["within"]["lifts"] == []
    assert found["clipped"]["ceiling"] == 3
    assert found["clipped"]["replicas"]["recommended"] == 6
    assert found["unfunded"]["replicas"]["floor"] == 6
    assert found["unfunded"]["replicas"]["fundedFloor"] < 6
    assert found["gap"]["ceiling"] == 2
    assert number(found["gap"], "demand and what nobody scales cost")["value"] is None
    assert "price sheet" in found["gap"]["lifts"][0]["sentence"]


@pytest.mark.timeout(180)
def test_a_tenant_is_told_with_the_operator_and_prometheus_dead(rig: Rig, namespace: str, tmp_path):
    rig.apply(price_sheet("story-eur", "EUR"))
    rig.apply(deployment(namespace, "llm", 6))
    budget = fixed_budget("11.50", utc_now(), LASTS)
    rig.apply(policy(namespace, currency="EUR", budgets=[budget]))
    with operator(rig, tmp_path):
        Watched(rig, namespace, "llm").comes_to(3)
    tenant = viewer(rig, namespace)
    rig.prometheus.kill()
    try:
        found = explained(rig, "deployments.apps/llm", "-n", namespace, kubeconfig=tenant)
        shown(rig, "explain", f"{namespace}/llm", kubeconfig=tenant)
        shown(rig, "status", "-n", namespace, kubeconfig=tenant)
    finally:
        rig.prometheus.start()
    assert found["rule"]["reason"] == "BudgetCeiling"
    assert (found["ceiling"], found["ceilingInForce"]) == (3, True)
    assert any("raise the limit" in lift["sentence"] for lift in found["lifts"])
    assert found["unread"] == []
    everywhere = plafond(rig, "status", "-A", kubeconfig=tenant)
    assert everywhere.returncode == 1
    assert "you may not read it" in everywhere.stderr


def viewer(rig: Rig, namespace: str) -> Path:
    """Return the kubeconfig of somebody who has the role `view` in *namespace*, and no more."""
    rig.kubectl("create", "serviceaccount", "tenant", "-n", namespace)
    account = f"--serviceaccount={namespace}:tenant"
    rig.kubectl("create", "rolebinding", "tenant", "--clusterrole=view", account, "-n", namespace)
    return rig.service_account_kubeconfig(namespace, "tenant")


@pytest.mark.timeout(60)
def test_what_means_nothing_is_said_with_code_two(rig: Rig, namespace: str):
    absent = plafond(rig, "explain", f"{namespace}/nobody")
    twice = plafond(rig, "explain", f"{namespace}/llm", "-n", "another")

    assert (absent.returncode, twice.returncode) == (2, 2)
    assert f"there is no Deployment or StatefulSet {namespace}/nobody" in absent.stderr
    assert "two namespaces are named" in twice.stderr


@pytest.mark.timeout(120)
def test_kubectl_describe_reads_like_an_explanation(rig: Rig, namespace: str, tmp_path):
    rig.apply(price_sheet("story-eur", "EUR"))
    rig.apply(deployment(namespace, "llm", 6))
    rig.apply(policy(namespace, currency="EUR", ceilings={"replicas": 3}))
    with operator(rig, tmp_path):
        Watched(rig, namespace, "llm").comes_to(3)
        poll(lambda: events(rig, namespace), 20, what="an Event of the workload")
    described = rig.kubectl("describe", "deployment", "llm", "-n", namespace).stdout
    print(described[described.index("Events:") :])  # noqa: T201 - it is to be read
    assert "6 → 3 replicas (ceiling 3): the ceiling on replicas allows no more" in described
    assert f"kubectl plafond explain deployments.apps/llm -n {namespace}" in described
    code = plafond(rig, "status", "-n", namespace, "--exit-code").returncode
    assert code == 0


def events(rig: Rig, namespace: str) -> list[Any]:
    """Return the Events of ours on Deployments."""
    found = json.loads(rig.kubectl("get", "events", "-n", namespace, "-o", "json").stdout)
    return [
        each
        for each in found["items"]
        if each["involvedObject"]["kind"] == "Deployment"
        and each["source"].get("component") == "plafond"
    ]
