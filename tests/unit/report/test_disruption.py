"""What is said of ceilings below what a PodDisruptionBudget demands."""

from dataclasses import replace

import pytest
from e2e.bench.core import Size
from e2e.bench.core import world as bench_world
from tests.builders import SETTINGS, disruption_budget, pods_of, policy, target, workload
from tests.calls import calls_of
from tests.unit.report.support import world

from plafond.decide.evaluate import evaluate
from plafond.model.labels import LabelSelector
from plafond.model.policy import Ceilings
from plafond.model.settings import Settings
from plafond.model.workload import DisruptionBudget
from plafond.report.disruption import shortfalls
from plafond.report.part import PolicyPart
from plafond.report.status import judged_status

CHAT = workload("chat", 3, pod_labels={"app": "chat"})
EMBEDDER = workload("embedder", 2, pod_labels={"app": "embedder"})


def said(*budgets, limits=None, workloads=(CHAT, EMBEDDER)):
    limits = limits or policy(ceilings=Ceilings(replicas=2))
    pods = tuple(pod for each in workloads for pod in pods_of(each))
    snapshot = world(limits, workloads=workloads, pods=pods, disruption_budgets=budgets)
    (judgement,) = evaluate(snapshot, Settings()).judgements
    part = PolicyPart(limits, judgement)
    return part, tuple(each.sentence for each in shortfalls(part, snapshot))


def test_a_ceiling_below_the_minimum_is_said_with_both_numbers():
    # Both together may have two replicas.
    part, (found,) = said(disruption_budget(3))

    assert found == (
        "ceilings allow 2 of the 3 pods that PodDisruptionBudget available demands, "
        "so none of them can be evicted"
    )
    assert judged_status(part, (found,))["summary"].startswith("ceilings allow 2 of the 3 pods")


@pytest.mark.parametrize(
    "budget",
    [
        pytest.param(disruption_budget(2), id="met"),
        pytest.param(disruption_budget(9, app="other"), id="of other pods"),
    ],
)
def test_nothing_is_said_of_what_ceilings_allow_or_do_not_touch(budget):
    assert said(budget)[1] == ()


def test_what_has_no_ceiling_may_meet_it():
    only_chat = policy(targets=(target("chat"),), ceilings=Ceilings(replicas=2))

    assert said(disruption_budget(5), limits=only_chat)[1] == ()


def test_it_changes_no_decision():
    assert said(disruption_budget(3))[0].judgement == said()[0].judgement


def calls_of_a_report(policies):
    """Count what is called to find the shortfalls of so many policies, each beside a budget."""
    facts = bench_world(Size(policies, 1))
    demanding = tuple(
        DisruptionBudget(name, "at-least-one", LabelSelector(), 1) for name in facts.namespaces
    )
    snapshot = replace(facts, disruption_budgets=demanding)
    parts = [
        PolicyPart(judgement.account.policy_set.policies[0], judgement)
        for judgement in evaluate(snapshot, SETTINGS).judgements
    ]
    return calls_of(lambda: [shortfalls(part, snapshot) for part in parts])


def test_a_policy_costs_the_same_however_many_budgets_other_namespaces_have():
    few, many = calls_of_a_report(10) / 10, calls_of_a_report(200) / 200

    # Whatever looked at all budgets for each policy would add 190 calls to a dozen.
    assert many < few * 1.05
