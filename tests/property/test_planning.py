"""Laws of the whole pure pass: from a snapshot to a plan and back."""

import json
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st
from tests.applied import applied
from tests.builders import SETTINGS, TEAM
from tests.worlds import Bounds, worlds

from plafond.api.convert_ledger import ledger_spec
from plafond.decide.evaluate import Evaluation, evaluate
from plafond.model.memory import NamespaceRecord
from plafond.model.policy import Mode
from plafond.model.snapshot import Snapshot


def in_bytes(evaluation: Evaluation) -> str:
    """Everything that leaves the core, as text."""
    records = {name: ledger_spec(r) for name, r in sorted(evaluation.records.items())}
    return repr((evaluation.plan, evaluation.judgements)) + json.dumps(records)


@given(worlds())
def test_deciding_twice_gives_the_same_bytes(world: Snapshot):
    assert in_bytes(evaluate(world, SETTINGS)) == in_bytes(evaluate(world, SETTINGS))


@given(worlds(), st.randoms(use_true_random=False))
def test_shuffling_what_is_observed_changes_nothing(world: Snapshot, random):
    def shuffled(items):
        return tuple(random.sample(items, len(items)))

    other = replace(
        world,
        workloads=shuffled(world.workloads),
        pods=shuffled(world.pods),
        policies=shuffled(world.policies),
        sheets=shuffled(world.sheets),
        nodes=dict(shuffled(tuple(world.nodes.items()))),
    )

    assert in_bytes(evaluate(other, SETTINGS)) == in_bytes(evaluate(world, SETTINGS))


# Without counts above their ceilings: they are lowered at once, and what scales starts again.
@given(worlds(Bounds(above_ceilings=False)))
def test_a_plan_applied_to_its_own_snapshot_yields_an_empty_plan(world: Snapshot):
    once = evaluate(world, SETTINGS)
    again = evaluate(applied(once, world), SETTINGS)

    # The same saturated reading a second time is a second sample, and may start a probe.
    memories = [m for judgement in again.judgements for m in judgement.memory.values()]
    assume(all(memory.probed_at != world.now for memory in memories))
    assert again.plan.parts == ()


@given(worlds())
def test_moves_chain_from_the_observed_to_the_desired_count(world: Snapshot):
    for judgement in evaluate(world, SETTINGS).judgements:
        for decision in judgement.decisions:
            count = decision.observed_replicas
            for move in decision.moves:
                assert move.before == count
                assert move.after != count
                count = move.after
            assert count == decision.desired_replicas


@given(worlds())
def test_no_count_is_desired_above_its_ceiling_or_below_zero(world: Snapshot):
    for judgement in evaluate(world, SETTINGS).judgements:
        for decision in judgement.decisions:
            assert decision.desired_replicas >= 0
            assert decision.ceiling is None or decision.desired_replicas <= decision.ceiling


@given(worlds(Bounds(in_force=False)))
def test_observing_comes_to_what_enforcing_would(world: Snapshot):
    # Without ceilings in force: those of an enforced policy are in the namespace, an observed one's
    # in memory alone.
    observing = replace(
        world,
        policies=tuple(replace(policy, mode=Mode.OBSERVE) for policy in world.policies),
        records={TEAM: _observed(world.records[TEAM])},
    )
    enforced = evaluate(without_ceilings(world), SETTINGS).judgements
    observed = evaluate(without_ceilings(observing), SETTINGS).judgements

    assert [j.ceilings for j in observed] == [j.ceilings for j in enforced]
    assert [j.decisions for j in observed] == [j.decisions for j in enforced]


@given(worlds())
def test_what_observes_plans_no_write_that_anybody_carries_out(world: Snapshot):
    policies = tuple(replace(policy, mode=Mode.OBSERVE) for policy in world.policies)
    world = replace(world, policies=policies, records={})
    world = replace(
        world,
        namespaces={n: replace(w, ceilings=None, quota=None) for n, w in world.namespaces.items()},
    )

    plan = evaluate(world, SETTINGS).plan

    assert [part.actions for part in plan.parts if part.mode is Mode.ENFORCE] == []


def without_ceilings(world: Snapshot) -> Snapshot:
    records = {
        name: replace(
            record,
            memory=replace(
                record.memory,
                sets={
                    key: {w: m._replace(ceiling=None) for w, m in of_set.items()}
                    for key, of_set in record.memory.sets.items()
                },
            ),
        )
        for name, record in world.records.items()
    }
    return replace(world, records=records)


def _observed(record: NamespaceRecord) -> NamespaceRecord:
    sets = {
        key.replace(Mode.ENFORCE.value, "Observe/limits"): of_set
        for key, of_set in record.memory.sets.items()
    }
    return replace(record, memory=replace(record.memory, sets=sets))
