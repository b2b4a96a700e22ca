"""What is remembered of a decision so that somebody can be told why, and how little that is."""

import json

from tests.builders import (
    EUR,
    GPU,
    HOUR,
    LLM,
    NOW,
    SETTINGS,
    TEAM,
    budget,
    class_rule,
    concurrency,
    fixed,
    no_floors,
    node_price,
    pods_of,
    policy,
    readings,
    sheet,
    snapshot,
    workload,
)
from tests.unit.decide.support import running

from plafond.api.convert_ledger import ledger_spec
from plafond.decide.allowing import MICRO
from plafond.decide.evaluate import evaluate
from plafond.decide.pace import remembered
from plafond.model.memory import Memory
from plafond.model.policy import Ceilings


def memory_of(world) -> Memory:
    return evaluate(world, SETTINGS).records[TEAM].memory


def rationale(world, workload_id=LLM):
    return memory_of(world).sets["Enforce"][workload_id].rationale


def busy(*budgets, classes=None, **limits):
    """Ten replicas at 4.00 an hour that demand needs, in a window of which ten hours are left."""
    llm = workload(replicas=10)
    rule = policy(
        budgets=budgets,
        ceilings=Ceilings(**limits),
        classes=no_floors() if classes is None else classes,
        scaling=concurrency(7),
    )
    meters = readings(pods_of(llm), running=7, waiting=0)
    return running(llm, policies=(rule,), meters=meters)


def ten_hours(limit):
    return budget(limit, window=fixed(NOW, 10 * HOUR))


def test_the_limit_that_binds_is_remembered_with_what_would_be_needed():
    world = busy(ten_hours("200"), replicas=40)

    found = rationale(world)
    allowed = memory_of(world).allowed

    assert (found.recommended, found.desired, found.limit) == (10, 5, "limits/launch")
    assert allowed["limits/launch"].needed == 40  # ten replicas at 4.00
    assert (allowed["limits/launch"].utilization_percent, allowed["limits/launch"].is_clipped) == (
        95,
        True,
    )
    assert allowed["limits/ceilings.replicas"].rate == 40
    assert allowed["limits/ceilings.replicas"].needed == 10


def test_a_squeezed_workload_names_the_budget_that_squeezes_it():
    # 36.00 an hour carry nine of the ten replicas, at 78 % instead of 70 %.
    found = rationale(busy(ten_hours("360")))

    assert (found.desired, found.limit) == (9, "limits/launch")


def test_without_pressure_no_limit_is_named():
    assert rationale(busy(ten_hours("9000"))).limit is None


def test_a_class_and_a_gap_are_remembered():
    world = running(
        workload(replicas=3),
        policies=(policy(budgets=(budget(),), classes=(class_rule(floor=2, max_replicas=6),)),),
        sheets=(sheet(node_price(cpu="1")),),
    )

    found = rationale(world)

    assert (found.floor, found.most) == (1, None)  # its labels match no class
    assert GPU in found.price_gap
    assert found.gap is None


def test_the_plan_that_is_reckoned_from_memory_is_the_one_that_was_made():
    for limit in ("200", "360", "9000"):
        world = busy(ten_hours(limit))
        evaluation = evaluate(world, SETTINGS)
        (made,) = evaluation.judgements[0].pace.budgets

        allowed = evaluation.records[TEAM].memory.allowed["limits/launch"]
        found = remembered(made.position, allowed, SETTINGS.timing)

        assert found.carried_rate.quantize(MICRO) == made.carried_rate.quantize(MICRO)


def test_a_world_that_stands_still_leaves_the_memory_as_it_is():
    world = snapshot(workloads=(workload(replicas=0),), policies=(policy(budgets=(budget(),)),))

    first = memory_of(world)
    later = evaluate(
        snapshot(workloads=world.workloads, policies=world.policies, now=NOW + HOUR, records={}),
        SETTINGS,
    )

    assert later.records[TEAM].memory.allowed == first.allowed
    assert first.allowed["limits/launch"].unit == EUR


def test_a_workload_and_a_limit_take_up_little_of_the_ledger():
    many = tuple(workload(f"llm-{index:03}", 2) for index in range(100))
    world = running(*many, policies=(policy(budgets=(ten_hours("200"),)),))
    whole = evaluate(world, SETTINGS).records[TEAM]
    memory = json.loads(ledger_spec(whole)["memory"])

    each = len(
        json.dumps(memory["sets"]["Enforce"][f"{TEAM}/apps/Deployment/llm-000"]["rationale"])
    )

    assert each <= 120
    assert len(json.dumps(memory["allowed"])) <= 200
    assert "timing" not in memory  # the defaults are not written down
