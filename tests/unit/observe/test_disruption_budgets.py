"""Raw PodDisruptionBudgets: which demand a number of pods, and of which."""

import pytest
from tests.builders import workload
from tests.integration.fakes import objects as made

from plafond.observe.records.disruption_budgets import parse

CHAT = {"matchLabels": {"app": "chat"}}


def raw(**spec):
    return {"metadata": made.meta("available", "team-a"), "spec": spec}


def test_a_number_is_a_minimum_of_the_pods_that_it_selects():
    found = parse(raw(minAvailable=2, selector=CHAT))

    assert (found.namespace, found.name, found.min_available) == ("team-a", "available", 2)
    assert found.covers(workload("chat", pod_labels={"app": "chat"}))
    assert not found.covers(workload("chat", pod_labels={"app": "other"}))
    assert not found.covers(workload("chat", namespace="team-b", pod_labels={"app": "chat"}))


def test_expressions_select_too_and_an_empty_selector_selects_everything():
    expression = {"key": "app", "operator": "In", "values": ["chat", "web"]}
    assert parse(raw(minAvailable=1, selector={"matchExpressions": [expression]})).covers(
        workload("web", pod_labels={"app": "web"})
    )
    assert parse(raw(minAvailable=1, selector={})).covers(workload("web"))


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"minAvailable": "50%", "selector": CHAT}, id="a part of the replicas"),
        pytest.param({"maxUnavailable": 0, "selector": CHAT}, id="a number that may be away"),
        pytest.param({"minAvailable": 2}, id="no selector"),
    ],
)
def test_what_falls_with_the_replicas_or_selects_nothing_demands_nothing(spec):
    assert parse(raw(**spec)) is None
