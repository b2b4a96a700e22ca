"""Laws of the quota: never below what is there or may be, never above limits and one rollout."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st
from tests.applied import applied
from tests.builders import (
    GPU,
    SETTINGS,
    TEAM,
    budget,
    node_price,
    pod,
    policy,
    quantities,
    sheet,
    workload,
)
from tests.unit.decide.support import running
from tests.worlds import Bounds, worlds

from plafond.decide.evaluate import Evaluation, evaluate
from plafond.decide.plan import ClearQuota, SetQuota
from plafond.decide.quota import quota_name
from plafond.model.money import REPLICAS
from plafond.model.snapshot import Snapshot
from plafond.model.workload import Surge

NAME = quota_name(GPU)


def in_force(world: Snapshot) -> tuple[Evaluation, int | None]:
    """The evaluation, and how many GPUs the quota allows once it is carried out."""
    evaluation = evaluate(world, SETTINGS)
    quota = applied(evaluation, world).namespaces[TEAM].quota
    return evaluation, None if quota is None else int(quota.hard[NAME])


def use(world: Snapshot) -> int:
    """What all pods that are there request, whatever became of them so far."""
    return sum(int(pod.requests[GPU]) for pod in world.pods if pod.ended_at is None)


def allowed(evaluation: Evaluation) -> int:
    """What the ceilings allow of pods like those that are wanted now."""
    (judgement,) = evaluation.judgements
    targets = {target.id: target.workload for target in judgement.account.targets}
    return sum(most * int(targets[w].requests[GPU]) for w, most in judgement.ceilings.items())


def surge(evaluation: Evaluation) -> int:
    (judgement,) = evaluation.judgements
    return max(
        (
            target.workload.surge.of(judgement.ceilings[target.id])
            * int(target.workload.requests[GPU])
            for target in judgement.account.targets
        ),
        default=0,
    )


def cap(world: Snapshot) -> int | None:
    most = world.policies[0].ceilings.resources.get(GPU)
    return None if most is None else int(most)


@given(worlds())
def test_it_is_never_below_what_is_there(world: Snapshot):
    _, most = in_force(world)

    assert most is None or most >= use(world)


@given(worlds())
def test_it_holds_what_the_ceilings_allow_and_a_rollout_unless_the_policy_says_less(
    world: Snapshot,
):
    evaluation, most = in_force(world)
    assume(most is not None)
    least = allowed(evaluation)
    if cap(world) is not None:
        least = min(least, cap(world))

    assert most >= least + surge(evaluation)


@given(worlds())
def test_it_never_passes_the_policy_s_own_limit_by_more_than_a_rollout_or_what_is_there(
    world: Snapshot,
):
    evaluation, most = in_force(world)
    assume(most is not None and cap(world) is not None)

    assert most <= max(cap(world) + surge(evaluation), use(world))


@given(worlds())
def test_there_is_one_exactly_where_cost_or_accelerators_are_limited(world: Snapshot):
    evaluation, most = in_force(world)
    (judgement,) = evaluation.judgements

    limited = any(limit.unit != REPLICAS for limit in judgement.limits)
    assert (most is not None) is limited


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 3), st.integers(1, 8))
def test_whoever_takes_room_beyond_the_limits_never_makes_more_of_it(gpus, pods, beside, times):
    kept = workload(replicas=1, requests=quantities(gpu=gpus), surge=Surge(count=pods))
    world = running(
        kept,
        policies=(policy(cost_per_hour="1", budgets=(budget("1"),)),),
        pods=tuple(pod(f"beside-{n}", None) for n in range(beside)),
    )
    first, most = in_force(world)
    world = applied(first, world)
    for number in range(times):
        # All the room there is, taken by a pod that no policy may scale.
        room = quantities(gpu=most - use(world))
        world = replace(world, pods=(*world.pods, pod(f"more-{number}", None, requests=room)))
        evaluation, later = in_force(world)
        assert later <= most
        world = applied(evaluation, world)


@given(worlds(Bounds(above_ceilings=False)))
def test_written_once_it_is_not_written_again(world: Snapshot):
    once = evaluate(world, SETTINGS)
    after = applied(once, world)
    again = evaluate(after, SETTINGS)

    assume([j.ceilings for j in again.judgements] == [j.ceilings for j in once.judgements])
    assert not [
        action
        for part in again.plan.parts
        for action in part.actions
        if isinstance(action, SetQuota | ClearQuota)
    ]


@given(worlds())
def test_an_unknown_price_never_raises_it_beyond_what_is_there_and_may_be(world: Snapshot):
    nowhere = sheet(node_price("elsewhere", {"pool": "elsewhere"}, gpu="1"))
    world = replace(world, sheets=(nowhere,))
    before = world.namespaces[TEAM].quota
    assume(before is not None)
    evaluation, most = in_force(world)
    (judgement,) = evaluation.judgements
    limited = {limit.unit for limit in judgement.limits}
    assume(most is not None and not limited.isdisjoint(judgement.account.unpriced))

    promised = allowed(evaluation) + surge(evaluation)
    assert most <= max(int(before.hard[NAME]), use(world), promised)


@given(worlds())
def test_without_a_price_sheet_it_is_not_touched(world: Snapshot):
    before = world.namespaces[TEAM].quota
    plan = evaluate(replace(world, sheets=()), SETTINGS)

    assert applied(plan, world).namespaces[TEAM].quota == before
