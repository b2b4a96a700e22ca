"""Raw ReplicaSets, nodes, namespaces and our own kinds into records."""

from decimal import Decimal

import pytest
from tests.integration.fakes import objects as made

from plafond.model.memory import NamespaceRecord
from plafond.model.policy import CostPolicy, InvalidPolicy
from plafond.model.workload import WorkloadId
from plafond.observe.records import (
    ledgers,
    namespaces,
    nodes,
    policies,
    price_sheets,
    quotas,
    replicasets,
)

LLM = WorkloadId("team-a", "Deployment", "llm")


def test_a_replica_set_leads_to_its_deployment():
    assert replicasets.parse(made.replica_set("llm-1", "llm")).owner == LLM


def test_a_replica_set_of_nobody_leads_nowhere():
    raw = made.replica_set("bare", "llm")
    del raw["metadata"]["ownerReferences"]

    assert replicasets.parse(raw).owner is None


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


def test_a_quota_is_ours_by_its_label():
    found = quotas.parse(made.quota())

    assert (found.namespace, found.name) == ("team-a", "plafond")
    assert found.quota.hard == {"requests.nvidia.com/gpu": Decimal(4)}
    assert found.quota.is_ours


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"metadata": {"labels": {}}}, id="without our label"),
        pytest.param({"spec": {"scopes": ["BestEffort"]}}, id="for some pods only"),
        pytest.param({"spec": {"scopeSelector": {"matchExpressions": [{}]}}}, id="selecting"),
    ],
)
def test_what_others_made_or_what_counts_only_some_pods_is_not_ours(change):
    raw = made.quota()
    for part, fields in change.items():
        raw[part] |= fields

    assert not quotas.parse(raw).quota.is_ours
