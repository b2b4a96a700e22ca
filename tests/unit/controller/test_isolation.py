"""A namespace that cannot be evaluated does not stop the others."""

import logging
from dataclasses import replace
from decimal import Decimal

import pytest
from tests.builders import (
    SETTINGS,
    TEAM,
    budget,
    namespace,
    pod,
    policy,
    snapshot,
    workload,
    workload_id,
)

from plafond.controller.isolation import evaluated

NAN = budget(Decimal("NaN"))


def two_teams(of_b):
    """Team-a under a budget of 100, and team-b with *of_b*, each with a workload that runs."""
    other = workload_id("llm", "team-b")
    policies = (policy(budgets=(budget("100"),)), policy(namespace="team-b", budgets=(of_b,)))
    return snapshot(
        policies=policies,
        workloads=(workload(), replace(workload(), id=other)),
        pods=(pod("llm-0"), replace(pod("b-0"), namespace="team-b", owner=other)),
        namespaces={TEAM: namespace(), "team-b": namespace("team-b")},
    )


def test_what_can_be_evaluated_is_left_as_it_is():
    world = two_teams(budget("100"))

    assert evaluated(world, SETTINGS)[0] is world


def test_a_number_that_nobody_thought_of_leaves_the_other_namespace_alone(caplog):
    with caplog.at_level(logging.ERROR):
        seen, evaluation = evaluated(two_teams(NAN), SETTINGS)

    (aside,) = seen.invalid
    assert (aside.namespace, aside.field) == ("team-b", "spec")
    assert "it cannot be evaluated (InvalidOperation" in aside.why
    assert [j.account.policy_set.namespace for j in evaluation.judgements] == [TEAM]
    assert seen.is_in_doubt("team-b")
    assert {part.namespace for part in evaluation.plan.parts} == {TEAM}
    assert "namespace team-b cannot be evaluated" in caplog.text


def test_what_is_wrong_with_everything_is_not_hidden():
    world = two_teams(budget("100"))

    with pytest.raises(TypeError):
        evaluated(replace(world, now=None), SETTINGS)
