"""Letting go: what is undone when a policy, a target or the right to enforce is gone."""

from dataclasses import replace

from tests.applied import applied
from tests.builders import (
    SETTINGS,
    TEAM,
    hpa,
    namespace,
    pods_of,
    policy,
    snapshot,
    target,
    workload,
    workload_id,
)
from tests.unit.decide.support import remembering, running

from plafond.decide.evaluate import evaluate
from plafond.decide.plan import ClearCeilings, ScaleTo, SetCeilings, SetQuota
from plafond.decide.planning import GIVEN_BACK
from plafond.model.memory import WorkloadMemory
from plafond.model.policy import Mode
from plafond.model.snapshot import Namespace

# Three replicas at 4.00 an hour, of which two may be.
LIMITED = policy(cost_per_hour="8.00")
THREE = workload(replicas=3)


def actions(world):
    """Every write but those of quotas, which have tests of their own."""
    planned = [a for part in evaluate(world, SETTINGS).plan.parts for a in part.actions]
    return [each for each in planned if not isinstance(each, SetQuota)]


def scale(before, after, name="llm"):
    return ScaleTo(workload_id(name), f"uid-{name}", "1", before, after)


def governed(of, **memory):
    """*of* was cut to two by a policy that is gone."""
    world = snapshot(workloads=(of,), pods=pods_of(of), namespaces={TEAM: namespace(llm=2)})
    return remembering(world, llm=WorkloadMemory(wanted_replicas=3, ceiling=2, **memory))


def test_a_deleted_policy_leaves_wanted_counts_and_no_ceilings():
    cut = workload(replicas=2, is_count_ours=True)

    world = governed(cut)

    # Admission lets us scale only what is listed, so it is listed for as long as that takes.
    listed = SetCeilings(TEAM, {workload_id(): 3}, GIVEN_BACK)
    assert actions(world) == [listed, scale(2, 3), ClearCeilings(TEAM)]
    assert actions(applied(evaluate(world, SETTINGS), world)) == []


def test_what_was_cut_at_the_ceiling_gets_its_count_back_too():
    # Somebody asked for three, and the API server made two of them.
    assert scale(2, 3) in actions(governed(workload(replicas=2)))


def test_a_count_that_others_chose_meanwhile_stays():
    assert actions(governed(workload(replicas=1))) == [ClearCeilings(TEAM)]


def test_an_autoscaler_finds_its_own_way_back():
    scaled = workload(replicas=2, is_count_ours=True, autoscaler=hpa(3))

    assert actions(governed(scaled)) == [ClearCeilings(TEAM)]


def test_an_autoscaler_that_sleeps_at_zero_is_woken():
    asleep = workload(replicas=0, is_count_ours=True, autoscaler=hpa())

    assert scale(0, 3) in actions(governed(asleep))


def test_from_enforce_to_observe_releases_at_once():
    world = governed(workload(replicas=2, is_count_ours=True))
    observing = replace(world, policies=(replace(LIMITED, mode=Mode.OBSERVE),))

    written = [
        action
        for part in evaluate(observing, SETTINGS).plan.parts
        if part.mode is Mode.ENFORCE
        for action in part.actions
    ]

    assert written[1:] == [scale(2, 3), ClearCeilings(TEAM)]


def test_a_target_that_is_no_target_any_more_gets_its_count_back():
    world = governed(workload(replicas=2, is_count_ours=True))
    other = workload("chat", replicas=1)
    world = replace(
        world,
        workloads=(*world.workloads, other),
        policies=(replace(LIMITED, targets=(target("chat"),)),),
    )

    assert scale(2, 3) in actions(world)


def test_a_namespace_that_is_being_deleted_is_left_alone():
    world = governed(workload(replicas=2))
    going = replace(namespace(llm=2), is_terminating=True)

    found = actions(replace(world, namespaces={TEAM: going}, policies=(LIMITED,)))

    assert SetCeilings not in {type(action) for action in found}


def test_annotations_that_nobody_can_read_are_removed_or_replaced():
    unreadable = {TEAM: Namespace(TEAM, unreadable="llm=many")}

    assert actions(snapshot(namespaces=unreadable)) == [ClearCeilings(TEAM)]
    unlimited = running(THREE, policies=(policy(),), namespaces=unreadable)
    assert actions(unlimited) == [ClearCeilings(TEAM)]
    limited = running(THREE, policies=(LIMITED,), namespaces=unreadable)
    assert isinstance(actions(limited)[0], SetCeilings)
