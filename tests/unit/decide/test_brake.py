"""The brake: what a typo may bring about in ten minutes, and how somebody says that it is none."""

from dataclasses import replace

import pytest
from tests.applied import applied
from tests.builders import (
    DAY,
    EUR,
    HOUR,
    LLM,
    MINUTE,
    NOW,
    SETTINGS,
    TEAM,
    budget,
    class_rule,
    concurrency,
    fixed,
    money,
    node_price,
    pod,
    policy,
    quantities,
    readings,
    sheet,
    workload,
    workload_id,
)
from tests.unit.decide.support import pods_of, running

from plafond.decide.brake import kept
from plafond.decide.evaluate import evaluate
from plafond.decide.reason import Reason
from plafond.model.labels import LabelSelector
from plafond.model.policy import Ceilings, InvalidPolicy, Mode
from plafond.model.workload import WorkloadClass

TEN = workload(replicas=10)
# 40.00 an hour for ten replicas; two days of it are 1920.
AMPLE = budget("9000", window=fixed(NOW - HOUR, 2 * DAY))
PLENTY = policy(budgets=(AMPLE,))
TYPED_TOO_SMALL = policy(budgets=(budget("90", window=AMPLE.window),))
DEAR = sheet(node_price(gpu="200.00"), generation=2)
ABSURD = sheet(node_price(gpu="4000.00"), generation=2)


def unconfirmed(said):
    return replace(said, is_confirmed=False, generation=2)


def passed(world, after=MINUTE):
    """The world after a pass was carried out, its pods as many as are asked for."""
    done = applied(evaluate(world, SETTINGS), world)
    pods = tuple(p for each in done.workloads for p in pods_of(each))
    versions = tuple(replace(w, resource_version="1") for w in done.workloads)
    beside = tuple(p for p in world.pods if p.owner is None)
    return replace(done, now=world.now + after, pods=pods + beside, workloads=versions)


def accepted(*workloads, policies=(PLENTY,), **more):
    """A world whose policies were confirmed, and have been in force for a while."""
    return passed(running(*(workloads or (TEN,)), policies=policies, **more))


def counts(world):
    return {w.id.name: w.replicas for w in world.workloads}


def judgement(world):
    return next(j for j in evaluate(world, SETTINGS).judgements if j.account.policy_set.is_enforced)


def over_time(world, minutes):
    """The counts at these *minutes*, a pass a minute."""
    found = []
    for minute in range(max(minutes) + 1):
        world = passed(world)
        if minute in minutes:
            found.append(counts(world)["llm"])
    return found


def test_a_limit_typed_a_hundred_times_too_small_lowers_three_of_ten_in_ten_minutes():
    world = replace(accepted(), policies=(unconfirmed(TYPED_TOO_SMALL),))

    assert over_time(world, (0, 9, 10, 19, 20, 29)) == [7, 7, 4, 4, 1, 1]


def test_what_the_brake_leaves_is_what_is_remembered():
    # Three of ten fall, and six of the twenty that they might be; else one would be left.
    world = replace(accepted(), policies=(unconfirmed(TYPED_TOO_SMALL),))

    found = evaluate(world, SETTINGS).records[TEAM].memory.sets["Enforce"][LLM]

    assert (found.ceiling, found.rationale.desired) == (14, 7)


def test_without_the_brake_it_would_have_fallen_to_its_floor_at_once():
    world = replace(accepted(), policies=(replace(TYPED_TOO_SMALL, generation=2),))

    assert over_time(world, (0,)) == [1]


def test_after_forty_minutes_a_change_is_accepted_as_if_it_had_been_confirmed():
    world = replace(accepted(), policies=(unconfirmed(TYPED_TOO_SMALL),))
    for _ in range(41):
        world = passed(world)

    memory = world.records[TEAM].memory
    assert memory.brake is None
    assert memory.terms.policies == (TYPED_TOO_SMALL.terms,)
    assert judgement(world).held_back is None


def test_a_price_fifty_times_too_high_is_braked_like_a_limit():
    before = accepted()

    world = replace(before, sheets=(DEAR,))

    assert over_time(world, (0, 9, 10)) == [7, 7, 4]


def test_a_price_a_thousand_times_too_high_is_not_believed_until_it_is_confirmed():
    world = replace(accepted(), sheets=(ABSURD,))

    assert over_time(world, (0, 30)) == [10, 10]
    (target,) = judgement(world).account.targets
    assert "kubectl annotate --overwrite pricesheet/prices plafond.dev/confirm=2" in (
        target.gaps[EUR].why
    )
    confirmed = replace(world, sheets=(replace(ABSURD, is_confirmed=True),))
    assert over_time(confirmed, (0,)) == [1]


@pytest.mark.parametrize(
    "confirm",
    [
        pytest.param(lambda w: replace(w, policies=(TYPED_TOO_SMALL,)), id="confirmed"),
        pytest.param(lambda w: replace(w, policies=(PLENTY,)), id="taken back"),
    ],
)
def test_a_change_that_is_confirmed_or_taken_back_ends_the_brake(confirm):
    world = passed(replace(accepted(), policies=(unconfirmed(TYPED_TOO_SMALL),)))
    assert world.records[TEAM].memory.brake is not None

    world = passed(confirm(world))

    assert world.records[TEAM].memory.brake is None
    assert judgement(world).held_back is None


HARMLESS = policy(budgets=(budget("9001", window=AMPLE.window),))


def since_a_harmless_change(minutes):
    """Somebody raised the limit a little, so many minutes ago, and confirmed nothing."""
    world = replace(accepted(), policies=(unconfirmed(HARMLESS),))
    for _ in range(minutes):
        world = passed(world)
    return world


@pytest.mark.parametrize("minutes", [1, 11, 21, 31, 39, 42])
def test_a_typo_is_braked_however_long_ago_a_harmless_change_was(minutes):
    world = since_a_harmless_change(minutes)

    world = replace(world, policies=(replace(unconfirmed(TYPED_TOO_SMALL), generation=3),))

    assert judgement(world).held_back is not None
    assert over_time(world, (0, 9, 10)) == [7, 7, 4]


def test_many_changes_in_a_row_are_no_way_around_the_brake():
    # Each minute another limit that is far too small.
    world = accepted()
    found = []
    for minute in range(25):
        tiny = policy(budgets=(budget(str(90 + minute), window=AMPLE.window),))
        world = passed(
            replace(world, policies=(replace(unconfirmed(tiny), generation=2 + minute),))
        )
        found.append(counts(world)["llm"])

    assert min(found[:10]) >= 7
    assert min(found[:20]) >= 4


def test_counts_that_somebody_chose_after_a_harmless_change_are_braked_from_there():
    world = since_a_harmless_change(2)
    twenty = workload(replicas=20)
    world = replace(world, workloads=(twenty,), pods=pods_of(twenty))
    world = passed(world)

    world = replace(world, policies=(replace(unconfirmed(TYPED_TOO_SMALL), generation=3),))

    assert over_time(world, (0,)) == [14]


def test_whoever_is_held_back_is_told_how_to_confirm_and_until_when():
    world = replace(accepted(), policies=(unconfirmed(TYPED_TOO_SMALL),), sheets=(DEAR,))

    held_back = judgement(world).held_back

    assert held_back.until - held_back.since == 40 * MINUTE
    assert held_back.how_to_confirm == (
        f"kubectl annotate --overwrite -n {TEAM} costpolicy/limits plafond.dev/confirm=2",
        "kubectl annotate --overwrite pricesheet/prices plafond.dev/confirm=2",
    )


def test_the_last_move_says_that_it_was_the_brake():
    world = replace(accepted(), policies=(unconfirmed(TYPED_TOO_SMALL),))

    (decision,) = judgement(world).decisions

    assert (decision.observed_replicas, decision.desired_replicas) == (10, 7)
    assert decision.ceiling == 7 + 7  # twenty were in force, with headroom; three of ten are six
    assert decision.reason is Reason.BRAKED


def test_what_the_accepted_terms_lower_is_not_the_brakes_to_hold():
    # Demand falls to a tenth while somebody mistypes the limit.
    following = policy(budgets=(AMPLE,), scaling=concurrency(scale_down_stabilization=MINUTE))
    busy = accepted(
        TEN, policies=(following,), meters=readings(pods_of(TEN), running=10, waiting=0)
    )
    typed = unconfirmed(replace(following, budgets=TYPED_TOO_SMALL.budgets))
    calm = replace(
        busy,
        now=busy.now + 2 * MINUTE,
        policies=(typed,),
        meters=readings(pods_of(TEN), running=2, waiting=0),
    )

    (decision,) = judgement(calm).decisions

    # Two replicas are what demand asks for: the accepted terms lower to two themselves, and of
    # those the brake keeps what three replicas of allowance leave.
    assert decision.desired_replicas == 1


def test_a_new_policy_is_braked_from_what_runs_unless_it_was_confirmed_at_birth():
    small = policy(ceilings=Ceilings(replicas=1))
    newborn = replace(small, is_confirmed=False)

    assert over_time(running(TEN, policies=(newborn,)), (0, 9, 10)) == [7, 7, 4]
    assert over_time(running(TEN, policies=(small,)), (0,)) == [1]


def test_at_least_one_replica_falls_in_each_interval():
    world = accepted(workload(replicas=2))
    world = replace(world, policies=(unconfirmed(policy(ceilings=Ceilings(replicas=0))),))

    assert over_time(world, (0, 9, 10)) == [1, 1, 0]


def test_a_change_that_only_raises_needs_no_confirmation():
    cut = accepted(policies=(policy(ceilings=Ceilings(replicas=4)),))
    assert counts(cut) == {"llm": 4}

    world = replace(cut, policies=(unconfirmed(policy(ceilings=Ceilings(replicas=10))),))

    assert over_time(world, (5,)) == [10]


def test_cold_workloads_give_way_first():
    classes = (
        class_rule(WorkloadClass.HOT, 0),
        class_rule(WorkloadClass.COLD, 0, selector=LabelSelector()),
    )
    both = (workload("chat", 5, tier="hot"), workload("lab", 5, tier="none"))
    world = accepted(*both, policies=(policy(budgets=(AMPLE,), classes=classes),))

    nothing = policy(ceilings=Ceilings(replicas=0), classes=classes)
    world = passed(replace(world, policies=(unconfirmed(nothing),)))

    assert counts(world) == {"chat": 5, "lab": 2}


def test_the_brake_remembers_across_a_restart_what_it_holds():
    world = passed(replace(accepted(), policies=(unconfirmed(TYPED_TOO_SMALL),)))

    memory = evaluate(world, SETTINGS).records[TEAM].memory

    assert memory.brake.counts == {LLM: 10}
    assert memory.terms.policies == (PLENTY.terms,)
    assert memory.brake.since == NOW + MINUTE


def test_the_begin_and_the_end_of_the_brake_must_be_kept_before_anything_is_written():
    typed = replace(accepted(), policies=(unconfirmed(TYPED_TOO_SMALL),))
    assert TEAM in evaluate(typed, SETTINGS).must_be_kept

    held = passed(typed)
    assert TEAM not in evaluate(held, SETTINGS).must_be_kept

    confirmed = replace(held, policies=(TYPED_TOO_SMALL,))
    assert TEAM in evaluate(confirmed, SETTINGS).must_be_kept


def test_a_dearer_notebook_beside_the_targets_is_reckoned_at_its_old_price():
    notebook = pod("notebook", None, requests=quantities(gpu=1))
    tight = policy(budgets=(budget("300", window=fixed(NOW - HOUR, 10 * HOUR)),))
    world = accepted(workload(replicas=5), policies=(tight,), pods=(notebook,))

    world = replace(world, sheets=(replace(DEAR, nodes=(node_price(gpu="40.00"),)),))

    # At forty an hour the notebook alone would exhaust the budget, and the floor would be all.
    assert over_time(world, (0,)) == [4]


def test_a_policy_that_cannot_be_understood_is_no_change():
    world = accepted()
    (said,) = world.policies
    unread = InvalidPolicy(TEAM, said.name, said.uid, 2, "spec", "a typo")
    world = replace(world, policies=(), invalid=(unread,))

    memory = evaluate(world, SETTINGS).records[TEAM].memory
    assert memory.terms.policies == (PLENTY.terms,)
    assert memory.brake is None


class TestDeleted:
    """A deleted policy stays in force for the release delay."""

    CUT = policy(ceilings=Ceilings(replicas=4))

    def deleted(self):
        return replace(accepted(policies=(self.CUT,)), policies=())

    def test_for_ten_minutes_it_holds_what_it_held(self):
        assert over_time(self.deleted(), (0, 9)) == [4, 4]

    def test_also_when_nobody_had_confirmed_it(self):
        newborn = replace(self.CUT, is_confirmed=False)
        world = passed(running(TEN, policies=(newborn,)))
        assert counts(world) == {"llm": 7}

        world = passed(replace(world, policies=()))

        assert world.namespaces[TEAM].ceilings is not None
        assert counts(world) == {"llm": 7}

    def test_then_the_counts_before_come_back(self):
        world = self.deleted()
        for _ in range(11):
            world = passed(world)

        assert counts(world) == {"llm": 10}
        assert world.namespaces[TEAM].ceilings is None
        assert world.records[TEAM].memory.terms is None

    def test_whoever_is_created_anew_in_time_goes_on_as_before(self):
        world = passed(passed(self.deleted()))

        world = passed(replace(world, policies=(replace(self.CUT, uid="another"),)))

        assert counts(world) == {"llm": 4}
        assert world.records[TEAM].memory.gone_since == {}

    def test_one_that_is_switched_to_observe_releases_at_once(self):
        world = accepted(policies=(self.CUT,))

        world = passed(replace(world, policies=(replace(self.CUT, mode=Mode.OBSERVE),)))

        assert counts(world) == {"llm": 10}

    def test_that_it_is_gone_must_be_kept_once(self):
        world = self.deleted()

        assert TEAM in evaluate(world, SETTINGS).must_be_kept
        assert TEAM not in evaluate(passed(world), SETTINGS).must_be_kept


def test_the_allowance_is_spent_from_the_end_of_the_order():
    a, b = workload_id("a"), workload_id("b")

    found = kept({a: 4, b: 4}, {a: 0, b: 0}, {a: money(1), b: money(1)}, money(5), 1)

    assert found == {a: 3, b: 0}
