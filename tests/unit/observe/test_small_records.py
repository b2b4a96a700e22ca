"""Raw ReplicaSets, autoscalers, nodes, namespaces and our own kinds into records."""

from decimal import Decimal

import pytest
from tests.integration.fakes import objects as made

from plafond.model.memory import NamespaceRecord
from plafond.model.policy import CostPolicy, InvalidPolicy
from plafond.model.workload import Autoscaler, WorkloadId
from plafond.observe.records import (
    hpas,
    ledgers,
    namespaces,
    nodes,
    policies,
    price_sheets,
    replicasets,
)

LLM = WorkloadId("team-a", "Deployment", "llm")


def test_a_replica_set_leads_to_its_deployment():
    assert replicasets.parse(made.replica_set("llm-1", "llm")).owner == LLM


def test_a_replica_set_of_nobody_leads_nowhere():
    raw = made.replica_set("bare", "llm")
    del raw["metadata"]["ownerReferences"]

    assert replicasets.parse(raw).owner is None


def limited(reason, value="True"):
    return [{"type": "ScalingLimited", "status": value, "reason": reason}]


@pytest.mark.parametrize(
    ("status", "wish"),
    [
        pytest.param({"desiredReplicas": 5}, 5, id="a wish"),
        pytest.param({"desiredReplicas": 0}, None, id="zero is switched off"),
        pytest.param({}, None, id="nothing computed yet"),
        pytest.param(
            {"desiredReplicas": 5, "conditions": [{"type": "AbleToScale", "status": "False"}]},
            None,
            id="cannot scale",
        ),
        pytest.param(
            {"desiredReplicas": 5, "conditions": [{"type": "AbleToScale", "status": "True"}]},
            5,
            id="can scale",
        ),
        # At our ceiling of 4 a true wish of 20 was measured as 8.
        pytest.param(
            {"desiredReplicas": 8, "conditions": limited("ScaleUpLimit")}, None, id="policy limits"
        ),
        # maxReplicas is the user's word, and does not grow from what runs.
        pytest.param(
            {"desiredReplicas": 9, "conditions": limited("TooManyReplicas")}, 9, id="user's cap"
        ),
        pytest.param(
            {"desiredReplicas": 9, "conditions": limited("ScaleUpLimit", "False")}, 9, id="no more"
        ),
        pytest.param({"desiredReplicas": 5, "conditions": None}, 5, id="null conditions"),
    ],
)
def test_an_autoscaler_s_wish_is_told_only_if_it_is_demand(status, wish):
    record = hpas.parse(made.hpa("scaler", "llm", **status))

    assert record.target == LLM
    assert record.autoscaler == Autoscaler("HorizontalPodAutoscaler", "scaler", wish)


def test_a_scale_target_of_the_core_group_has_no_group():
    raw = made.hpa("scaler", "rc")
    raw["spec"]["scaleTargetRef"] = {
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "name": "rc",
    }

    assert hpas.parse(raw).target == WorkloadId("team-a", "ReplicationController", "rc", "")


def test_a_node_has_labels_and_what_it_can_give():
    node = nodes.parse(made.node("node-1", gpu="h100"))

    assert node.labels == {"gpu": "h100"}
    assert node.allocatable == {
        "cpu": Decimal(64),
        "memory": Decimal(512 * 2**30),
        "nvidia.com/gpu": Decimal(8),
    }


def test_a_node_that_has_not_reported_yet_gives_nothing():
    assert nodes.parse({"metadata": made.meta("new")}).allocatable == {}


def test_a_namespace_without_our_annotations_has_no_ceilings():
    found = namespaces.parse(made.namespace("team-a"))

    assert (found.ceilings, found.why, found.unreadable) == (None, None, None)


def test_a_namespace_tells_its_ceilings_and_why():
    text = "deployments.apps/llm=4,deployments.apps/tts=0"

    found = namespaces.parse(made.namespace("team-a", ceilings=text, why="month 82 %"))

    tts = WorkloadId("team-a", "Deployment", "tts")
    assert (found.ceilings, found.why) == ({LLM: 4, tts: 0}, "month 82 %")


def test_an_empty_annotation_is_no_ceiling_and_not_absent():
    assert namespaces.parse(made.namespace("team-a", ceilings="")).ceilings == {}


@pytest.mark.parametrize("text", ["llm=4", "deployments.apps/llm=four", "deployments.apps/llm=04"])
def test_ceilings_that_we_did_not_write_are_told_as_they_stand(text):
    found = namespaces.parse(made.namespace("team-a", ceilings=text))

    assert (found.ceilings, found.unreadable) == (None, text)


def test_a_namespace_that_is_being_deleted_is_terminating():
    raw = made.namespace("team-a")
    raw["metadata"]["deletionTimestamp"] = "2026-11-01T09:00:00Z"

    assert namespaces.parse(raw).is_terminating


def test_a_policy_is_read_and_one_that_means_nothing_is_too():
    assert isinstance(policies.parse(made.policy("limits")), CostPolicy)
    assert isinstance(policies.parse(made.policy("broken", mode="Perhaps")), InvalidPolicy)


def test_a_price_sheet_is_read_and_one_that_means_nothing_is_an_error():
    assert price_sheets.parse(made.price_sheet("eur")).currency == "EUR"
    with pytest.raises(ValueError, match="currency"):
        price_sheets.parse(made.price_sheet("odd", currency="euros"))


def test_a_ledger_is_read_with_the_version_that_a_write_replaces():
    found = ledgers.parse(made.ledger("plafond", "team-a"))

    assert (found.namespace, found.name, found.resource_version) == ("team-a", "plafond", "1")
    assert found.record == NamespaceRecord()


def test_a_ledger_that_was_tampered_with_is_an_error_and_not_empty():
    with pytest.raises(ValueError, match="memory"):
        ledgers.parse(made.ledger("plafond", "team-a", memory="{"))


def test_a_ledger_wakes_only_when_it_comes_or_goes():
    one = ledgers.parse(made.ledger("plafond", "team-a"))
    other = ledgers.parse(made.ledger("plafond", "team-b"))

    assert ledgers.is_relevant(None, one)
    assert ledgers.is_relevant(one, None)
    assert not ledgers.is_relevant(one, other)
