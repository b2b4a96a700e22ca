"""Plans: what is written, in which order, and what is undone when a policy goes."""

from dataclasses import replace

from tests.applied import applied
from tests.builders import (
    EUR,
    HOUR,
    NOW,
    SETTINGS,
    TEAM,
    budget,
    class_rule,
    concurrency,
    fixed,
    hpa,
    namespace,
    no_floors,
    node_price,
    pods_of,
    policy,
    readings,
    sheet,
    snapshot,
    target,
    workload,
    workload_id,
)
from tests.unit.decide.support import ceilings, counts, decided, running

from plafond.decide.evaluate import evaluate
from plafond.decide.plan import ScaleTo, SetCeilings, SetQuota
from plafond.model.policy import Ceilings, Mode

LLM = workload_id()
# Three replicas at 4.00 an hour, of which two may be.
LIMITED = policy(cost_per_hour="8.00")
THREE = workload(replicas=3)


def actions(world):
    """Every write but those of quotas, which have tests of their own."""
    planned = [a for part in evaluate(world, SETTINGS).plan.parts for a in part.actions]
    return [each for each in planned if not isinstance(each, SetQuota)]


def scale(before, after, name="llm"):
    return ScaleTo(workload_id(name), f"uid-{name}", "1", before, after)


def test_the_ceiling_is_written_before_the_count():
    assert actions(running(THREE, policies=(LIMITED,))) == [
        SetCeilings(TEAM, {LLM: 2}, "limits/ceilings.costPerHour allows 8"),
        scale(3, 2),
    ]


def test_a_plan_that_was_carried_out_is_not_made_again():
    world = running(THREE, policies=(LIMITED,))

    assert actions(applied(evaluate(world, SETTINGS), world)) == []


def test_a_first_wanted_count_has_to_be_kept_before_the_write_that_changes_it():
    world = running(THREE, policies=(LIMITED,))

    evaluation = evaluate(world, SETTINGS)

    assert evaluation.must_be_kept == {TEAM}
    assert evaluation.records[TEAM].memory.sets["Enforce"][LLM].wanted_replicas == 3
    again = evaluate(applied(evaluation, world), SETTINGS)
    assert again.must_be_kept == frozenset()


class TestSeveralPolicies:
    def test_all_limits_apply_and_the_strictest_binds(self):
        loose = policy("loose", ceilings=Ceilings(replicas=5))
        world = running(workload(replicas=6), policies=(loose, LIMITED))

        assert ceilings(world) == {"llm": 2}
        assert decided(world)[1].binding.name == "limits/ceilings.costPerHour"

    def test_to_one_that_observes_what_is_enforced_is_unmanaged(self):
        # Of 20.00, the two enforced replicas of chat cost 8.00 (and may not be scaled by it): three
        # of four are left for the others.
        enforcing = policy("enforcing", targets=(target("chat"),), ceilings=Ceilings(replicas=9))
        watching = policy("watching", mode=Mode.OBSERVE, cost_per_hour="20.00")
        world = running(
            workload("chat", replicas=2), workload(replicas=4), policies=(enforcing, watching)
        )

        enforced, observed = evaluate(world, SETTINGS).judgements

        assert {w.name for w in enforced.ceilings} == {"chat"}
        assert observed.account.unmanaged[EUR] == 8
        assert observed.ceilings == {LLM: 3}

    def test_namespaces_do_not_touch_each_other(self):
        other = workload("other", 3, namespace="team-b")
        world = snapshot(
            workloads=(THREE, other),
            pods=(*pods_of(THREE), *pods_of(other)),
            policies=(LIMITED,),
            namespaces={TEAM: namespace(), "team-b": namespace("team-b")},
        )

        assert {action.namespace for action in actions(world)} == {TEAM}


class TestGaps:
    def test_a_currency_without_prices_leaves_everything_alone(self):
        in_force = {TEAM: namespace(llm=1)}
        world = running(
            THREE,
            policies=(LIMITED,),
            sheets=(sheet(name="a"), sheet(name="b")),
            namespaces=in_force,
        )

        _, judgement, decisions = decided(world)

        assert actions(world) == []
        assert judgement.left_alone is not None
        assert (decisions["llm"].desired_replicas, decisions["llm"].ceiling) == (3, 1)

    def test_a_workload_without_a_price_keeps_what_runs_and_grows_nothing(self):
        # Nothing prices the nodes of llm; chat has a price, and may use what there is.
        cpus = sheet(node_price("gpus", {"gpu": "yes"}, gpu="4.00"), node_price("cpus", cpu="1"))
        world = running(
            THREE,
            policies=(LIMITED,),
            sheets=(cpus,),
        )

        assert counts(world) == {"llm": 3}
        assert ceilings(world) == {"llm": 3}

    def test_a_demand_gap_neither_raises_nor_lowers(self):
        idle = policy(cost_per_hour="100", scaling=concurrency())

        world = running(THREE, policies=(idle,), namespaces={TEAM: namespace(llm=5)})

        assert (counts(world), ceilings(world)) == ({"llm": 3}, {"llm": 5})

    def test_but_known_spend_still_lowers(self):
        short = policy(cost_per_hour="8", scaling=concurrency())

        world = running(THREE, policies=(short,), namespaces={TEAM: namespace(llm=5)})

        assert counts(world) == {"llm": 2}

    def test_unknown_demand_does_not_lose_more_in_every_pass(self):
        limits = policy(ceilings=Ceilings(replicas=4), scaling=concurrency(), classes=no_floors())
        chosen = workload("a", replicas=5, autoscaler=hpa())
        world = running(chosen, workload("b", replicas=4), policies=(limits,))

        once = evaluate(world, SETTINGS)

        assert actions(applied(once, world)) == []


class TestObserving:
    def test_it_plans_nothing_that_is_carried_out(self):
        world = running(THREE, policies=(replace(LIMITED, mode=Mode.OBSERVE),))

        parts = evaluate(world, SETTINGS).plan.parts

        assert {part.mode for part in parts} == {Mode.OBSERVE}

    def test_its_ceilings_are_those_of_enforce(self):
        enforcing = running(THREE, policies=(LIMITED,))
        observing = running(THREE, policies=(replace(LIMITED, mode=Mode.OBSERVE),))

        assert ceilings(observing) == ceilings(enforcing) == {"llm": 2}


class TestWhy:
    def world(self, spent, text):
        limits = policy(
            budgets=(budget("1000", window=fixed(NOW - 2 * HOUR, 11 * HOUR)),),
            classes=(class_rule(floor=0),),
        )
        place = replace(namespace(llm=6), why=text)
        of = workload(replicas=3)
        pods = pods_of(of, scheduled_at=NOW - HOUR * spent / 12, ready_at=None)
        return snapshot(workloads=(of,), pods=pods, policies=(limits,), namespaces={TEAM: place})

    def test_it_is_not_rewritten_while_its_percent_is_true(self):
        # 19.00 of 1000 are 1 %.
        assert actions(self.world(19, "launch 1 %, 990.00 EUR left until then")) == []

    def test_it_is_rewritten_with_the_percent(self):
        (written,) = actions(self.world(20, "launch 1 %, 990.00 EUR left until then"))

        assert written.why == "launch 2 %, 980.00 EUR left until 2026-11-16T21:00Z"
        assert written.ceilings == {LLM: 6}


def test_floors_and_demand_follow_one_budget_from_end_to_end():
    # 120.00 for ten hours are 12.00 an hour: three replicas. hot needs four, cold one.
    hot, cold = workload("hot", 1, tier="hot"), workload("cold", 1, tier="cold")
    meters = readings(pods_of(hot), running=40, waiting=0)
    limits = policy(
        budgets=(budget("120", window=fixed(NOW, 10 * HOUR)),),
        classes=no_floors(),
        scaling=concurrency(),
    )
    world = running(hot, cold, policies=(limits,), meters=meters)

    # hot gets all three once the replica of cold is gone.
    assert ceilings(world) == {"hot": 2, "cold": 0}
    released = replace(
        applied(evaluate(world, SETTINGS), world),
        pods=pods_of(workload("hot", 2, tier="hot")),
        now=NOW + HOUR / 12,
        meters=readings(pods_of(workload("hot", 2)), running=20, waiting=0),
    )
    assert ceilings(released) == {"hot": 3, "cold": 0}
