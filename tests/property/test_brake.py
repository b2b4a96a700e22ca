"""Laws of the brake."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.applied import applied
from tests.builders import MINUTE, SETTINGS, TEAM, workload_id
from tests.worlds import Bounds, policies, worlds

from plafond.decide.brake import LOWERED_PER_INTERVAL, kept
from plafond.decide.evaluate import evaluate
from plafond.decide.judge import Judgement
from plafond.model.money import REPLICAS

IDS = tuple(workload_id(name) for name in "abcd")
COUNTS = st.fixed_dictionaries({each: st.integers(0, 9) for each in IDS})
COSTS = st.fixed_dictionaries({each: st.decimals("0.5", 9, places=2) for each in IDS})
# Without autoscalers, whose count is theirs; what stands at the ceilings is what is braked.
SETTLED = Bounds(above_ceilings=False, autoscalers=False)


@given(COUNTS, COUNTS, COSTS, st.decimals(0, 99, places=2), st.integers(1, 4))
def test_what_falls_costs_no_more_than_the_allowance_or_the_few_that_always_may(
    before, after, cost, allowance, at_least
):
    found = kept(before, after, cost, allowance, at_least)

    fallen = {each: before[each] - found[each] for each in IDS}
    assert all(min(before[each], after[each]) <= found[each] <= before[each] for each in IDS)
    spent = sum(count * cost[each] for each, count in fallen.items())
    assert (
        spent <= allowance
        or sum(fallen.values()) <= at_least
        or (spent - at_least * max(cost.values()) <= allowance)
    )
    drops = sum(max(0, before[each] - after[each]) for each in IDS)
    assert sum(fallen.values()) >= min(drops, at_least)


@given(worlds(SETTLED), policies(SETTLED))
def test_a_pass_after_an_unconfirmed_change_lowers_no_more_than_either_terms_and_the_brake(
    world, said
):
    confirmed = evaluate(world, SETTINGS)
    world = replace(applied(confirmed, world), now=world.now + MINUTE)
    (as_before,) = evaluate(world, SETTINGS).judgements
    changed = replace(world, policies=(replace(said, is_confirmed=False, generation=9),))

    (held,) = evaluate(changed, SETTINGS).judgements

    if as_before.left_alone is None and held.left_alone is None:
        _fits(as_before, held)


def _fits(as_before: Judgement, held: Judgement) -> None:
    unheld = {d.workload: d for d in as_before.decisions}
    # A ceiling above what runs is part of what the ceilings could cost.
    could = {each: max(d.observed_replicas, d.ceiling or 0) for each, d in unheld.items()}
    base = sum(could[d.workload] * _price(held, d.workload) for d in held.decisions)
    fallen = sum(
        max(0, min(d.observed_replicas, unheld[d.workload].desired_replicas) - d.desired_replicas)
        * _price(held, d.workload)
        for d in held.decisions
    )
    dearest = max((_price(held, d.workload) for d in held.decisions), default=0)
    assert fallen <= max(base * LOWERED_PER_INTERVAL, dearest) + dearest


def _price(judgement: Judgement, workload) -> object:
    target = next(t for t in judgement.account.targets if t.id == workload)
    return target.price.get("EUR") or target.price.get("gpuHours") or REPLICAS


@given(worlds(SETTLED), policies(SETTLED))
def test_a_confirmed_change_is_never_held_back(world, said):
    world = replace(applied(evaluate(world, SETTINGS), world), now=world.now + MINUTE)

    evaluation = evaluate(replace(world, policies=(said,)), SETTINGS)

    assert all(j.held_back is None for j in evaluation.judgements)
    assert evaluation.records[TEAM].memory.brake is None
