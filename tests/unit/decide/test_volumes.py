"""A StatefulSet whose volumes are deleted when it is scaled: it costs, and is never lowered."""

from dataclasses import replace

import pytest
from tests.builders import (
    HOUR,
    NOW,
    TEAM,
    budget,
    fixed,
    namespace,
    policy,
    record,
    snapshot,
    target,
    workload,
    workload_id,
)
from tests.unit.decide.support import ceilings, counts, decided, running

from plafond.decide.evaluate import evaluate
from plafond.decide.plan import ScaleTo
from plafond.decide.reason import Reason
from plafond.model.budget import OnExhausted
from plafond.model.memory import WorkloadMemory
from plafond.model.policy import Ceilings
from plafond.model.settings import Settings

BOTH = (target("db", kind="StatefulSet"), target("llm"))
DB = workload("db", 3, kind="StatefulSet", loses_volumes=True)


def limited(**more):
    return policy(targets=BOTH, **more)


def test_a_stateful_set_that_keeps_its_volumes_is_lowered_like_any_other():
    world = running(replace(DB, loses_volumes=False), policies=(limited(cost_per_hour="8.00"),))

    assert counts(world) == ceilings(world) == {"db": 2}


def test_one_that_loses_them_is_not_and_says_why():
    world = running(DB, policies=(limited(cost_per_hour="8.00"),))

    _, _, decisions = decided(world)

    assert ceilings(world) == {"db": 3}
    assert decisions["db"].desired_replicas == 3
    assert decisions["db"].reason is Reason.VOLUMES_KEPT


def test_others_make_room_for_what_it_costs():
    # Five replicas at 4.00 may be, and three of them cannot be lowered.
    world = running(workload(replicas=4), DB, policies=(limited(cost_per_hour="20.00"),))

    assert counts(world) == {"db": 3, "llm": 2}


@pytest.mark.parametrize(
    "policies",
    [
        pytest.param({"ceilings": Ceilings(replicas=1)}, id="a ceiling on replicas"),
        pytest.param(
            {
                "budgets": (
                    budget(
                        "1",
                        window=fixed(NOW - HOUR, 10 * HOUR),
                        on_exhausted=OnExhausted.STOP_ALL,
                    ),
                )
            },
            id="the end of the money",
        ),
    ],
)
def test_nothing_lowers_it(policies):
    world = running(DB, policies=(limited(**policies),))
    # The ceiling in force is lower, as if it had been cut before its volumes were at stake.
    before = {TEAM: replace(namespace(), ceilings={DB.id: 1})}

    for each in (world, replace(world, namespaces=before), replace(world, sheets=())):
        planned = evaluate(each, Settings()).plan.parts
        assert not [a for part in planned for a in part.actions if isinstance(a, ScaleTo)]


def test_letting_go_does_not_lower_it_either():
    raised = replace(DB, is_count_ours=True)
    remembered = {workload_id("db", kind="StatefulSet"): WorkloadMemory(wanted_replicas=1)}
    world = snapshot(workloads=(raised,), records={TEAM: record(remembered)})

    assert evaluate(world, Settings()).plan.parts == ()
