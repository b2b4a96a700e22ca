"""The quota: what it allows, what cannot raise it, and when it goes."""

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.applied import applied
from tests.builders import (
    GPU,
    NOW,
    SETTINGS,
    TEAM,
    budget,
    money,
    namespace,
    node,
    node_price,
    pod,
    pods_of,
    policy,
    quantities,
    sheet,
    snapshot,
    workload,
)
from tests.unit.decide.support import running

from plafond.decide.evaluate import evaluate
from plafond.decide.plan import ClearQuota, PlanPart, ScaleTo, SetCeilings, SetQuota
from plafond.model.policy import Ceilings, InvalidPolicy, Mode
from plafond.model.snapshot import Quota
from plafond.model.workload import Surge

# At 4.00 per GPU and hour, two replicas of one GPU may be.
LIMITED = policy(cost_per_hour="8.00")
AMD = "amd.com/gpu"
MIG = "nvidia.com/mig-1g.10gb"


def of_gpus(most):
    return policy(ceilings=Ceilings(resources={GPU: money(most)}))


def actions(world):
    return [a for part in evaluate(world, SETTINGS).plan.parts for a in part.actions]


def quotas(world):
    """The bounds that are written, without those of nothing."""
    written = [action for action in actions(world) if isinstance(action, SetQuota)]
    return [
        {name.removeprefix("requests."): most for name, most in each.hard.items() if most}
        for each in written
    ]


def in_force(world, **hard):
    """*world* with our quota in it, of which `gpu=2` is short for two GPUs; others are zero."""
    every = dict.fromkeys(SETTINGS.accelerators, 0) | quantities(**hard)
    bounds = {f"requests.{name}": Decimal(most) for name, most in every.items()}
    held = replace(world.namespaces[TEAM], quota=Quota("uid-quota", bounds, is_ours=True))
    return replace(world, namespaces={TEAM: held})


class TestWhatItAllows:
    def test_what_the_ceilings_allow_of_every_pod(self):
        world = running(workload(replicas=2), policies=(LIMITED,))

        assert quotas(world) == [{GPU: 2}]

    def test_and_the_surge_of_a_rollout(self):
        # A quarter of two replicas, rounded up.
        world = running(workload(replicas=2, surge=Surge(percent=25)), policies=(LIMITED,))

        assert quotas(world) == [{GPU: 3}]

    def test_the_largest_of_several_rollouts(self):
        small = workload("small", replicas=2, surge=Surge(percent=25))
        large = workload("large", replicas=1, requests=quantities(gpu=4), surge=Surge(count=1))

        # Two of one, one of four, and the 4 of one more pod of the larger.
        assert quotas(running(small, large, policies=(of_gpus(6),))) == [{GPU: 10}]

    def test_what_is_unmanaged_keeps_its_place(self):
        notebook = pod("notebook", None)
        world = running(workload(replicas=1), policies=(LIMITED,), pods=(notebook,))

        assert quotas(world) == [{GPU: 2}]

    def test_a_limit_of_the_resource_bounds_all_of_it(self):
        notebooks = tuple(pod(f"notebook-{i}", None) for i in range(3))
        world = running(workload(replicas=1), policies=(of_gpus(4),), pods=notebooks)

        assert quotas(world) == [{GPU: 4}]

    def test_what_is_there_already_is_never_undercut(self):
        # Three run and one ends, where two may be: whoever is replaced must not be shut out.
        three = workload(replicas=3)
        ending = pod("llm-9", three.id, is_terminating=True)
        world = running(three, policies=(LIMITED,), pods=(ending,))

        assert quotas(world) == [{GPU: 4}]

    def test_pods_count_before_they_are_scheduled_and_not_after_their_end(self):
        waiting = pod("waiting", None, node=None, scheduled_at=None, ready_at=None)
        over = pod("over", None, ended_at=NOW)
        world = running(workload(replicas=1), policies=(of_gpus(1),), pods=(waiting, over))

        assert quotas(world) == [{GPU: 2}]

    def test_a_larger_template_gets_room_for_one_pod_until_its_price_is_known(self):
        grown = workload(replicas=2, requests=quantities(gpu=4))
        world = snapshot(
            workloads=(grown,),
            pods=pods_of(grown, requests=quantities(gpu=1)),
            policies=(LIMITED,),
        )

        # Both pods as they run, and the three GPUs that the first new one needs beside them.
        assert quotas(world) == [{GPU: 5}]


class TestWhichAcceleratorsItNames:
    def test_those_that_nobody_was_granted_are_bounded_to_none(self):
        (written,) = actions(in_force(running(policies=(LIMITED,)), gpu=1))

        assert set(written.hard.values()) == {0}
        assert set(written.hard) == {f"requests.{name}" for name in SETTINGS.accelerators}

    def test_mig_profiles_that_exist_somewhere(self):
        partitioned = replace(node(), allocatable=quantities(**{MIG: 7, "cpu": 64}))
        world = running(workload(replicas=1), policies=(LIMITED,), nodes={"n1": partitioned})

        written = next(each for each in actions(world) if isinstance(each, SetQuota))

        assert written.hard[f"requests.{MIG}"] == 0

    def test_one_that_was_named_once_stays(self):
        world = in_force(running(workload(replicas=2), policies=(LIMITED,)), gpu=2, **{MIG: 0})

        assert quotas(world) == []


class TestWhenThereIsOne:
    @pytest.mark.parametrize(
        "limits",
        [
            pytest.param({"budgets": (budget(),)}, id="a budget of money"),
            pytest.param({"budgets": (budget(unit="gpuHours"),)}, id="a budget of GPU-hours"),
            pytest.param({"budgets": (budget(unit="tokens"),)}, id="a budget of tokens"),
            pytest.param({"cost_per_hour": "8"}, id="cost per hour"),
            pytest.param({"ceilings": Ceilings(resources={GPU: money(2)})}, id="accelerators"),
        ],
    )
    def test_limits_of_cost_or_accelerators_make_one(self, limits):
        assert quotas(running(workload(), policies=(policy(**limits),)))

    @pytest.mark.parametrize(
        "ceilings",
        [Ceilings(), Ceilings(replicas=2), Ceilings(resources={"cpu": money(2)})],
        ids=["none", "replicas", "another resource"],
    )
    def test_other_limits_do_not(self, ceilings):
        assert quotas(running(workload(), policies=(policy(ceilings=ceilings),))) == []

    def test_observe_writes_none_and_removes_what_enforce_left(self):
        observing = replace(LIMITED, mode=Mode.OBSERVE)
        world = running(workload(replicas=2), policies=(observing,))

        assert quotas(world) == []
        assert ClearQuota(TEAM, "uid-quota") in actions(in_force(world, gpu=2))

    def test_it_goes_with_the_policy_also_where_nothing_else_is_left(self):
        assert actions(in_force(snapshot(), gpu=2)) == [ClearQuota(TEAM, "uid-quota")]

    def test_it_goes_with_the_last_limit(self):
        world = in_force(running(workload(), policies=(policy(),)), gpu=2)

        assert actions(world) == [ClearQuota(TEAM, "uid-quota")]

    def test_a_namespace_that_is_being_deleted_is_left_alone(self):
        world = in_force(running(workload(), policies=(LIMITED,)), gpu=9)
        going = replace(world.namespaces[TEAM], is_terminating=True)

        assert actions(replace(world, namespaces={TEAM: going})) == []

    def test_one_that_others_made_is_neither_changed_nor_removed_silently(self):
        world = running(workload(replicas=2), policies=(LIMITED,))
        foreign = Quota("uid-other", {"pods": Decimal(9)}, is_ours=False)
        world = replace(world, namespaces={TEAM: replace(namespace(), quota=foreign)})

        # Planned, so that it is tried and told; the enforcer refuses it.
        assert [each.before for each in actions(world) if isinstance(each, SetQuota)] == [foreign]
        assert actions(replace(world, policies=(), workloads=(), pods=())) == []


class TestDoubt:
    def test_while_a_policy_cannot_be_understood_it_stays_as_it_is(self):
        world = in_force(running(workload(replicas=2), policies=(LIMITED,)), gpu=9)
        broken = InvalidPolicy(TEAM, "broken", "uid-broken", 1, "budgets", "what is that")

        for policies in ((LIMITED,), ()):
            held = replace(world, policies=policies, invalid=(broken,))
            assert not [a for a in actions(held) if isinstance(a, SetQuota | ClearQuota)]

    def test_without_a_price_sheet_it_stays_as_it_is(self):
        world = in_force(running(workload(replicas=2), policies=(LIMITED,), sheets=()), gpu=9)

        assert actions(world) == []

    @pytest.mark.parametrize(("before", "after"), [(1, 3), (9, 9)])
    def test_an_unknown_price_neither_lowers_it_nor_raises_it_beyond_what_runs(self, before, after):
        nowhere = sheet(node_price("elsewhere", {"pool": "elsewhere"}, gpu="1"))
        three = running(workload(replicas=3), policies=(LIMITED,), sheets=(nowhere,))
        world = in_force(three, gpu=before)

        assert quotas(world) == ([] if before == after else [{GPU: after}])


class TestWhatCannotRaiseIt:
    def test_whoever_takes_the_room_of_a_rollout_is_not_given_another(self):
        # A floor of one replica is kept; beside it two notebooks pass the limit. The second has
        # taken the room that was left for a rollout.
        kept = workload(replicas=1, surge=Surge(count=1))
        notebooks = (pod("one", None), pod("two", None))
        world = running(kept, policies=(policy(budgets=(budget("1"),)),), pods=notebooks)

        assert quotas(in_force(world, gpu=3)) == []

    def test_a_strategy_that_allows_any_surge_doubles_at_most(self):
        world = running(workload(replicas=2, surge=Surge(count=1000)), policies=(LIMITED,))

        assert quotas(world) == [{GPU: 4}]


class TestOrder:
    def test_it_is_raised_before_ceilings_and_counts(self):
        # Nothing runs; two may, and two were there before.
        world = in_force(running(workload(replicas=0), policies=(LIMITED,)))

        kinds = [type(each) for each in actions(world)]

        assert kinds[:2] == [SetQuota, SetCeilings]

    def test_it_is_lowered_after_them(self):
        world = in_force(running(workload(replicas=3), policies=(LIMITED,)), gpu=9)

        assert [type(each) for each in actions(world)] == [SetCeilings, ScaleTo, SetQuota]

    def test_what_others_made_of_it_is_undone(self):
        world = in_force(running(workload(replicas=2), policies=(LIMITED,)), gpu=2)
        edited = dict(world.namespaces[TEAM].quota.hard, pods=Decimal(1))
        quota = replace(world.namespaces[TEAM].quota, hard=edited)
        world = replace(world, namespaces={TEAM: replace(world.namespaces[TEAM], quota=quota)})

        (written,) = [each for each in actions(world) if isinstance(each, SetQuota)]
        assert "pods" not in written.hard
        assert written.before == quota

    def test_once_written_it_is_not_written_again(self):
        world = running(workload(replicas=3), policies=(LIMITED,))

        again = applied(evaluate(world, SETTINGS), world)

        assert actions(again) == []


def test_parts_of_a_plan_say_whose_they_are():
    parts = evaluate(running(workload(replicas=2), policies=(LIMITED,)), SETTINGS).plan.parts

    assert all(isinstance(part, PlanPart) and part.mode is Mode.ENFORCE for part in parts)
