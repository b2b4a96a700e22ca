"""What is not understood, or has no price, is not gone: it raises nothing and lifts nothing."""

from dataclasses import replace

import pytest
from tests.builders import (
    SETTINGS,
    TEAM,
    money,
    namespace,
    node,
    node_price,
    pod,
    pods_of,
    policy,
    quantities,
    readings,
    record,
    sheet,
    snapshot,
    workload,
    workload_id,
)
from tests.unit.decide.support import ceilings, counts, running

from plafond.decide.evaluate import evaluate
from plafond.decide.reason import Reason
from plafond.model.gap import Gap
from plafond.model.memory import WorkloadMemory
from plafond.model.meters import Meter, MeterReading
from plafond.model.policy import InvalidPolicy, Scaling

LLM = workload_id()
TYPO = InvalidPolicy(TEAM, "limits", "uid-limits", 2, "spec.budgets[0].window.timeZone", "unknown")
FOUR_OF_THIRTY = workload(replicas=4, is_count_ours=True)
REMEMBERED = record({LLM: WorkloadMemory(wanted_replicas=30, ceiling=4)})


def in_force(**more):
    """A world in which a policy had cut thirty replicas to four."""
    world = running(FOUR_OF_THIRTY, policies=())
    spaces = {TEAM: namespace(llm=4)}
    return replace(world, namespaces=spaces, records={TEAM: REMEMBERED}, **more)


def test_a_policy_that_a_typo_made_meaningless_leaves_everything_as_it_is():
    evaluation = evaluate(in_force(invalid=(TYPO,)), SETTINGS)

    assert evaluation.plan.parts == ()
    kept = evaluation.records[TEAM].memory.sets["Enforce"][LLM]
    assert kept.wanted_replicas == 30


def test_a_policy_that_is_really_gone_is_undone():
    evaluation = evaluate(in_force(), SETTINGS)

    assert [type(a).__name__ for p in evaluation.plan.parts for a in p.actions] == [
        "SetCeilings",
        "ScaleTo",
        "ClearCeilings",
    ]


def test_beside_a_policy_that_means_nothing_the_others_raise_nothing():
    # At 4.00 a replica, 40.00 an hour carries ten; four is what the set in force had allowed.
    world = in_force(policies=(policy("other", cost_per_hour="40.00"),), invalid=(TYPO,))

    assert ceilings(world) == {"llm": 4}


@pytest.mark.parametrize("owner", [LLM, None], ids=["of a target", "bare"])
def test_beside_pods_without_a_price_no_ceiling_is_raised(owner):
    priced = workload("embed", replicas=2)
    embed = workload_id("embed")
    unpriced = pod("odd-0", owner, node="elsewhere")
    world = snapshot(
        policies=(policy(cost_per_hour="40.00"),),
        workloads=(priced, workload(replicas=1)),
        pods=(*pods_of(priced), unpriced),
        nodes={"n1": node("n1", priced="yes"), "elsewhere": node("elsewhere")},
        sheets=(sheet(node_price("some", {"priced": "yes"}, gpu="4.00")),),
        namespaces={TEAM: namespace(embed=2, llm=1)},
        records={TEAM: record({embed: WorkloadMemory(wanted_replicas=9, ceiling=2)})},
    )

    assert ceilings(world) == {"embed": 2, "llm": 1}
    # Nine are wanted of embed and nothing else keeps it from them.
    (judgement,) = evaluate(world, SETTINGS).judgements
    found = {each.workload: each.reason for each in judgement.decisions}
    assert found[embed] is Reason.HELD_IN_DOUBT


def test_one_pod_with_a_price_does_not_price_those_without():
    ten = workload(replicas=10)
    first, *others = pods_of(ten)
    world = snapshot(
        policies=(policy(cost_per_hour="400.00"),),
        workloads=(ten,),
        pods=(first, *(replace(each, node="elsewhere") for each in others)),
        nodes={"n1": node("n1", priced="yes"), "elsewhere": node("elsewhere")},
        sheets=(sheet(node_price("some", {"priced": "yes"}, gpu="0.10")),),
    )
    (judgement,) = evaluate(world, SETTINGS).judgements

    assert judgement.ceilings == {LLM: 10}


def test_a_price_of_other_requests_says_nothing_of_these():
    # 0.038 an hour was the price of a CPU; now it is a GPU at 4.00, which is plausible enough.
    cpu = WorkloadMemory(
        price={"EUR": money("0.038")}, priced_requests=quantities(cpu=1), ceiling=9
    )
    world = running(workload(replicas=9), policies=(policy(cost_per_hour="8.00"),))
    world = replace(world, records={TEAM: record({LLM: cpu})})

    assert counts(world) == {"llm": 2}


def test_while_one_of_two_signals_fails_nothing_falls():
    both = Scaling(gpu_utilization_target_percent=70, concurrency_target_per_replica=money(10))
    six = workload(replicas=6)
    world = running(six, policies=(policy(cost_per_hour="400", scaling=both),))
    meters = readings(world.pods, gpu=20.0)
    meters |= {Meter.RUNNING_REQUESTS: MeterReading(gap=Gap("no answer"))}
    (judgement,) = evaluate(replace(world, meters=meters), SETTINGS).judgements
    (decision,) = judgement.decisions

    assert decision.desired_replicas == 6
    assert all(move.reason is not Reason.FOLLOWS_DEMAND for move in decision.moves)
