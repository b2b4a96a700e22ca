"""Under an HPA: its wish, what it remembers, its sleep at zero, and when it is refused."""

from dataclasses import replace

import pytest
from tests.builders import (
    MINUTE,
    NOW,
    SECOND,
    SETTINGS,
    TEAM,
    budget,
    hpa,
    money,
    namespace,
    policy,
    total,
    workload,
)
from tests.unit.decide.support import ceilings, counts, decided, remembering, running, target_of

from plafond.decide.probing import Probing
from plafond.decide.reason import Reason
from plafond.decide.recommend import recommend
from plafond.model.admission import Admission, Rule
from plafond.model.memory import Recommended, WorkloadMemory
from plafond.model.policy import Ceilings

LOST = hpa()


def scaled(replicas=4, autoscaler=LOST, **more):
    return workload(replicas=replicas, autoscaler=autoscaler, **more)


def measuring(average, seen=4, desired=None, **more):
    """Six of what is measured is what a replica should have."""
    return hpa(desired, seen=seen, readings=(total(average),), **more)


def of(target):
    return recommend(target, None, NOW, lambda _: Probing(2 * MINUTE, SETTINGS.timing))


def outcome(recommendation):
    last = recommendation.steps[-1]
    return last.replicas, last.reason


class TestWish:
    def test_it_is_recomputed_where_the_status_shows_twice_what_runs(self):
        # 30 x 4 / 6 = 20, although the HPA says 8.
        target = target_of(scaled(4, measuring(30, desired=8, is_limited=True)))

        assert outcome(of(target)) == (20, Reason.AUTOSCALER_WISH)

    def test_without_measurements_the_status_is_believed_unless_it_is_limited(self):
        assert outcome(of(target_of(scaled(4, hpa(7))))) == (7, Reason.AUTOSCALER_WISH)
        assert of(target_of(scaled(4, hpa(8, is_limited=True)))).gap is not None

    def test_what_it_remembers_delays_a_fall(self):
        # 1 x 12 / 6 = 2, and it stays at 12 until its stabilization window has passed.
        target = target_of(scaled(12, measuring(1, seen=12, desired=12)))

        assert outcome(of(target)) == (12, Reason.STABILIZED)

    def test_and_is_no_reason_to_rise(self):
        # Cut to 4, demand fell to 3, and it still says 8 for what it wanted a minute ago.
        target = target_of(scaled(4, measuring("4.5", desired=8)))

        assert outcome(of(target)) == (4, Reason.STABILIZED)

    def test_under_pressure_its_replicas_run_fuller(self):
        recommendation = of(target_of(scaled(12, measuring(6, seen=12, desired=12))))

        # 12 x 70 / 85 = 9.9.
        assert (recommendation.replicas, recommendation.squeezing().at(85)) == (12, 10)

    def test_but_never_below_the_minimum_that_it_would_insist_on(self):
        recommendation = of(target_of(scaled(12, measuring(1, seen=12, desired=12, least=3))))

        assert recommendation.squeezing().at(85) == 3


class TestLostMetrics:
    def test_nothing_is_raised_and_what_runs_is_kept(self):
        recommendation = of(target_of(scaled(4)))

        assert outcome(recommendation) == (4, Reason.DEMAND_UNKNOWN)
        assert recommendation.gap is not None

    @pytest.mark.parametrize(
        "memory",
        [
            pytest.param({"wanted_replicas": 9}, id="what ran before our first write"),
            pytest.param({"recommendations": (Recommended(NOW, 9),)}, id="its last wish"),
        ],
    )
    def test_what_we_have_cut_is_no_wish(self, memory):
        assert of(target_of(scaled(4), ceiling=4, **memory)).replicas == 9

    def test_a_ceiling_is_held_but_still_falls(self):
        nine = scaled(9, is_count_ours=True)
        roomy = policy(ceilings=Ceilings(replicas=20))
        short = policy(ceilings=Ceilings(replicas=2))
        in_force = {TEAM: namespace(llm=9)}

        assert ceilings(running(nine, policies=(roomy,), namespaces=in_force)) == {"llm": 9}
        lowered = running(nine, policies=(short,), namespaces=in_force)
        assert (ceilings(lowered), counts(lowered)) == ({"llm": 2}, {"llm": 2})


class TestZero:
    def at_zero(self, room=20, autoscaler=LOST, **memory):
        world = running(
            scaled(0, autoscaler, is_count_ours=memory.pop("is_ours", False)),
            policies=(policy(ceilings=Ceilings(replicas=room)),),
            namespaces={TEAM: namespace(llm=memory.get("ceiling", 0))},
        )
        return remembering(world, llm=WorkloadMemory(**memory))

    def test_what_money_took_is_woken_with_one_replica(self):
        world = self.at_zero(is_ours=True, wanted_replicas=5, ceiling=0)

        assert counts(world) == {"llm": 1}
        assert decided(world)[2]["llm"].reason is Reason.AUTOSCALER_WOKEN

    def test_also_when_its_own_write_was_cut_before_ours_came(self):
        wished = (Recommended(NOW - MINUTE, 7),)

        assert counts(self.at_zero(ceiling=0, recommendations=wished)) == {"llm": 1}

    @pytest.mark.parametrize(
        "memory",
        [
            pytest.param({"wanted_replicas": 5, "ceiling": 3}, id="under a ceiling that allows it"),
            pytest.param({"ceiling": 0}, id="before our ceiling came"),
            pytest.param({}, id="that we know nothing of"),
        ],
    )
    def test_a_zero_that_others_chose_stays(self, memory):
        assert counts(self.at_zero(**memory)) == {"llm": 0}

    def test_nothing_is_woken_while_the_ceiling_is_zero(self):
        world = self.at_zero(room=0, is_ours=True, wanted_replicas=5, ceiling=0)

        assert counts(world) == {"llm": 0}

    def test_what_others_scaled_to_zero_forgets_what_it_wished(self):
        wished = (Recommended(NOW - MINUTE, 7),)
        target = target_of(scaled(0), recommendations=wished, ceiling=5, wanted_replicas=2)

        assert of(target).memory.recommendations == (Recommended(NOW, 0),)


class TestRefusal:
    def world(self, *, is_clamped=False, is_refused=True, ceiling=8, **more):
        autoscaler = measuring(30, desired=8, is_limited=True, is_refused=is_refused)
        world = running(
            scaled(4, more.get("autoscaler", autoscaler)),
            policies=(policy(ceilings=Ceilings(replicas=ceiling)),),
            namespaces={TEAM: namespace(llm=ceiling)},
        )
        return replace(world, admission=Admission({Rule.CLAMP: is_clamped}))

    def test_where_nothing_clamps_it_is_brought_up_to_the_ceiling(self):
        # It asks for 20 and is refused, so it would stay at 4 for ever.
        assert counts(self.world()) == {"llm": 8}

    def test_or_to_its_wish_where_that_is_less(self):
        assert counts(self.world(ceiling=30)) == {"llm": 20}

    @pytest.mark.parametrize(
        "world",
        [
            pytest.param({"is_clamped": True}, id="its write is clamped"),
            pytest.param({"is_refused": False}, id="it was not refused"),
            pytest.param({"autoscaler": hpa(is_refused=True)}, id="its wish is unknown"),
        ],
    )
    def test_else_it_raises_by_itself(self, world):
        assert counts(self.world(**world)) == {"llm": 4}

    def test_it_is_lowered_like_any_other(self):
        assert counts(self.world(ceiling=2)) == {"llm": 2}


class TestRelease:
    """A ceiling of 4 bound; then money returned."""

    def world(self, autoscaler, ceiling=4, **memory):
        bound = {"bound_at": NOW - 2 * MINUTE, "raised_at": NOW - MINUTE, "ceiling": ceiling}
        world = running(
            scaled(4, autoscaler),
            policies=(policy(budgets=(budget("100000"),)),),
            namespaces={TEAM: namespace(llm=ceiling)},
        )
        return remembering(world, llm=WorkloadMemory(**(bound | memory)))

    def test_its_ceiling_rises_in_steps_towards_its_wish(self):
        assert ceilings(self.world(measuring(30, desired=8, is_limited=True))) == {"llm": 8}

    def test_and_never_above_it_though_it_remembers_more(self):
        # Demand fell to 5; it still says 8 for the 20 that it wanted.
        world = self.world(measuring("7.5", desired=8, is_limited=True))

        assert ceilings(world) == {"llm": 5}

    def test_as_long_as_it_remembers(self):
        asleep = measuring("7.5", desired=8, remembers_for=10 * MINUTE)

        long_ago = self.world(asleep, bound_at=NOW - 9 * MINUTE)

        assert ceilings(long_ago) == {"llm": 5}

    def test_then_it_has_headroom_again(self):
        rested = self.world(measuring("7.5", desired=5), bound_at=NOW - 5 * MINUTE)

        assert ceilings(rested) == {"llm": 10}

    def test_a_ceiling_that_holds_it_binds_whatever_the_reason(self):
        world = self.world(measuring("4", desired=8, is_limited=True), bound_at=NOW - 4 * MINUTE)

        assert decided(world)[1].memory[world.workloads[0].id].bound_at == NOW

    def test_when_every_limit_ends_its_ceiling_still_ends_in_steps(self):
        world = self.world(measuring(30, desired=8, is_limited=True))
        free = replace(world, policies=(policy(),))

        assert ceilings(free) == {"llm": 8}
        forgotten = self.world(measuring(3, desired=4), bound_at=NOW - 5 * MINUTE - SECOND)
        assert ceilings(replace(forgotten, policies=(policy(),))) == {}


def test_demand_counts_what_it_wishes_and_not_what_it_may_have():
    world = running(
        scaled(4, measuring(30, desired=8, is_limited=True)),
        policies=(policy(ceilings=Ceilings(replicas=4)),),
        namespaces={TEAM: namespace(llm=4)},
    )

    # 20 at 4.00 an hour.
    assert decided(world)[1].demand["EUR"] == money(80)
