"""Recommendations: the semantics of the HPA, probing beyond what can be seen, and wanted counts."""

import math
from datetime import timedelta

import pytest
from tests.builders import MINUTE, NOW, SECOND, SETTINGS, concurrency, pods_of, workload
from tests.unit.decide.support import target_of

from plafond.decide.probing import Probing, probe_delay
from plafond.decide.reason import Reason
from plafond.decide.recommend import recommend
from plafond.decide.recommendation import DemandMemory
from plafond.forecast.demand import DemandSample
from plafond.model.gap import Gap
from plafond.model.memory import Recommended

DELAY = 2 * MINUTE


def needs(replicas, **more):
    return DemandSample(float(replicas), 70, "concurrency", **more)


def of(target, demand, now=NOW, pressure=0.0):
    probing = Probing(DELAY, SETTINGS.timing, pressure)
    return recommend(target, demand, now, lambda _: probing)


def outcome(recommendation):
    last = recommendation.steps[-1]
    return last.replicas, last.reason


def steady(replicas):
    """Nothing higher was recommended lately, so that nothing holds a fall back."""
    return {"recommendations": (Recommended(NOW - 9 * MINUTE, replicas),)}


@pytest.mark.parametrize(
    ("replicas", "need", "expected"),
    [
        pytest.param(4, 4.0, 4, id="as needed"),
        # Within 10 % of what runs: 4.39 / 4 = 1.0975.
        pytest.param(4, 4.39, 4, id="within the upper tolerance"),
        pytest.param(4, 4.41, 5, id="beyond it"),
        pytest.param(10, 9.0, 10, id="at the lower tolerance"),
        pytest.param(10, 8.9, 9, id="below it"),
        pytest.param(4, 0.0, 1, id="never to zero for lack of work"),
        pytest.param(4, 40.0, 40, id="as far as it takes"),
    ],
)
def test_what_is_needed_is_recommended_with_a_tolerance(replicas, need, expected):
    target = target_of(workload(replicas=replicas), **steady(replicas))

    assert outcome(of(target, needs(need)))[0] == expected


def test_pods_that_are_starting_hold_a_fall_back():
    # 4 asked for, 3 ready that need only 1: the fourth may be as busy as its target.
    four = workload(replicas=4)
    target = target_of(four, pods=pods_of(four, 3), **steady(4))

    assert outcome(of(target, needs(1)))[0] == 2


def test_pods_that_are_not_seen_hold_a_fall_back():
    # 3 of 4 are seen and need 1: 1 + 1 blind.
    target = target_of(workload(replicas=4), **steady(4))

    assert outcome(of(target, needs(1, blind_pods=1)))[0] == 2


def test_running_fuller_does_not_take_away_pods_that_are_not_seen():
    # 3 of 4 are seen and need 1 x 70 / 85 = 0.82; the fourth may be as busy as its target.
    target = target_of(workload(replicas=4), **steady(4))

    recommendation = of(target, needs(1, blind_pods=1))

    assert recommendation.squeezing().at(85) == 2


def test_a_latency_that_asks_for_more_says_so():
    late = DemandSample(6.0, 70, "latencyP95", spared=math.inf)
    target = target_of(workload(replicas=4), **steady(4))

    recommendation = of(target, late)

    assert outcome(recommendation) == (6, Reason.FOLLOWS_LATENCY)
    # Nothing of it is given up for money's sake before it is clipped.
    assert recommendation.spared == 6


def test_running_fuller_leaves_what_latency_needs():
    # 8 are needed and 6.2 of them for latency: 8 x 70 / 95 = 5.9 would be too few.
    target = target_of(workload(replicas=8), **steady(8))

    recommendation = of(target, needs(8, spared=6.2))

    assert (recommendation.squeezing().at(95), recommendation.spared) == (6, 7)


class TestStabilization:
    def test_a_fall_waits_for_the_highest_of_the_last_five_minutes(self):
        past = (Recommended(NOW - 4 * MINUTE, 6), Recommended(NOW - MINUTE, 4))
        target = target_of(workload(replicas=6), recommendations=past)

        assert outcome(of(target, needs(2))) == (6, Reason.STABILIZED)

    def test_and_no_longer(self):
        past = (Recommended(NOW - 5 * MINUTE, 6), Recommended(NOW - MINUTE, 4))
        target = target_of(workload(replicas=6), recommendations=past)

        assert outcome(of(target, needs(2))) == (4, Reason.STABILIZED)

    def test_a_rise_does_not_wait(self):
        target = target_of(workload(replicas=2), recommendations=(Recommended(NOW - MINUTE, 2),))

        assert outcome(of(target, needs(6))) == (6, Reason.FOLLOWS_DEMAND)

    def test_it_never_asks_for_more_than_what_runs(self):
        past = (Recommended(NOW - MINUTE, 9),)
        target = target_of(workload(replicas=4), recommendations=past)

        assert outcome(of(target, needs(2))) == (4, Reason.STABILIZED)

    def test_only_what_may_still_be_the_highest_is_remembered(self):
        past = (
            Recommended(NOW - 6 * MINUTE, 9),
            Recommended(NOW - 4 * MINUTE, 6),
            Recommended(NOW - MINUTE, 3),
        )
        target = target_of(workload(replicas=6), recommendations=past)

        memory = of(target, needs(4)).memory

        assert memory.recommendations == (past[1], Recommended(NOW, 4))

    def test_running_fuller_looks_at_what_is_needed_now(self):
        target = target_of(
            workload(replicas=6), recommendations=(Recommended(NOW - 4 * MINUTE, 6),)
        )

        recommendation = of(target, needs(2))

        # 2 x 70 / 85 = 1.65, although six are held.
        assert (recommendation.replicas, recommendation.squeezing().at(85)) == (6, 2)


class TestProbing:
    def at_ceiling(self, **memory):
        return target_of(workload(replicas=4), ceiling=4, **memory)

    def test_saturated_at_its_ceiling_it_asks_for_double(self):
        recommendation = of(self.at_ceiling(), needs(5, is_censored=True, is_waiting=True))

        assert outcome(recommendation) == (8, Reason.DEMAND_CENSORED)
        assert (recommendation.memory.probe, recommendation.memory.probed_at) == (8, NOW)

    def test_it_does_not_double_again_before_the_effect_can_be_seen(self):
        probing = self.at_ceiling(probe=8, probed_at=NOW - DELAY + SECOND)

        recommendation = of(probing, needs(5, is_censored=True))

        assert outcome(recommendation)[0] == 8
        assert recommendation.memory.probed_at == NOW - DELAY + SECOND

    @pytest.mark.parametrize(
        ("raised", "probe"),
        [
            # Its ceiling rose 59 s after it asked: its pods start so much later as well.
            pytest.param(MINUTE - SECOND, 6, id="it had to wait"),
            pytest.param(-MINUTE, 8, id="its ceiling had risen before"),
            # A ceiling waits no longer than a minute: what rose then is another one's.
            pytest.param(MINUTE, 8, id="for another reason"),
        ],
    )
    def test_a_probe_that_had_to_wait_for_its_ceiling_is_waited_for(self, raised, probe):
        began = NOW - DELAY - SECOND
        probing = self.at_ceiling(probe=6, probed_at=began, raised_at=began + raised)

        assert of(probing, needs(5, is_censored=True)).memory.probe == probe

    def test_after_that_it_doubles_what_is_ready_by_then(self):
        eight = workload(replicas=8)
        probing = target_of(eight, ceiling=8, probe=8, probed_at=NOW - DELAY)

        assert outcome(of(probing, needs(9, is_censored=True)))[0] == 16

    def test_when_money_is_short_it_asks_for_a_little_more_first(self):
        # 40 x 1.1 = 44, 44 x 1.2 = 52.8, 53 x 1.8 = 95.4, then double; half as dear:
        # 40 x (2 + 1.1) / 2 = 62.
        at_40 = target_of(workload(replicas=40), ceiling=40)
        at_44 = target_of(workload(replicas=44), ceiling=44, probes=1)
        at_53 = target_of(workload(replicas=53), ceiling=53, probes=2)
        at_96 = target_of(workload(replicas=96), ceiling=96, probes=3)
        full = needs(41, is_censored=True)

        steps = (at_40, at_44, at_53, at_96)
        found = [outcome(of(each, full, pressure=1.0))[0] for each in steps]

        assert found == [44, 53, 96, 192]
        assert outcome(of(at_40, full, pressure=0.5))[0] == 62
        assert of(at_44, full, pressure=1.0).memory.probes == 2

    @pytest.mark.parametrize(("probes", "squeezed"), [(1, 53), (3, 60), (9, 60)])
    def test_where_work_is_refused_anyway_it_never_doubles(self, probes, squeezed):
        # 50 x 1.2 = 60, however often it has asked. Seen are 50 that are full, so 71.4 of 70 %:
        # at 95 % that is 52.6. From the fourth on a probe is not undone, also if that were 50.
        refused = Probing(DELAY, SETTINGS.timing, pressure=1.0, is_refused=True)
        fifty = target_of(workload(replicas=50), ceiling=50, probes=probes)

        found = recommend(fifty, needs(71.4, is_censored=True), NOW, lambda _: refused)

        assert (found.memory.probe, found.memory.probes) == (60, probes + 1)
        assert found.squeezing().at(95) == squeezed

    @pytest.mark.parametrize(
        ("delay", "pressure", "probes", "probe"),
        [
            pytest.param(3 * MINUTE, 1.0, 1, 4, id="money is short"),
            pytest.param(3 * MINUTE, 0.0, 1, 8, id="money is plenty"),
            pytest.param(3 * MINUTE, 1.0, 4, 8, id="it has been hidden for long"),
            # Then a look more would take as long as a ceiling waits.
            pytest.param(2 * MINUTE, 1.0, 1, 5, id="pods start fast"),
        ],
    )
    def test_one_look_more_is_cheaper_than_another_probe(self, delay, pressure, probes, probe):
        began = NOW - delay
        probing = self.at_ceiling(probe=4, probed_at=began, probes=probes)
        asked = Probing(delay, SETTINGS.timing, pressure)

        found = recommend(probing, needs(4.5, is_censored=True), NOW, lambda _: asked)

        assert found.memory.probe == probe

    def test_a_gentle_probe_is_one_replica_at_least(self):
        assert outcome(of(self.at_ceiling(), needs(4, is_censored=True), pressure=1.0))[0] == 5

    def test_whoever_sees_demand_again_begins_anew(self):
        probing = self.at_ceiling(probe=8, probed_at=NOW - MINUTE, probes=3)

        assert of(probing, needs(4)).memory.probes == 0

    def test_demand_beyond_the_probe_is_believed(self):
        assert outcome(of(self.at_ceiling(), needs(12, is_censored=True)))[0] == 12

    def test_below_its_ceiling_a_lower_bound_is_enough(self):
        below = target_of(workload(replicas=4), ceiling=9)

        assert outcome(of(below, needs(5, is_censored=True))) == (5, Reason.FOLLOWS_DEMAND)

    def test_who_looks_for_more_goes_on_where_its_ceiling_was_raised_meanwhile(self):
        # Eight are ready under a ceiling of 16, and full: what they show is eight still.
        eight = workload(replicas=8)
        probing = target_of(eight, ceiling=16, probe=8, probed_at=NOW - DELAY, probes=1)

        assert outcome(of(probing, needs(9, is_censored=True))) == (16, Reason.DEMAND_CENSORED)

    def test_doubling_is_not_undone_by_running_fuller_and_small_steps_are(self):
        # 20 x 70 / 85 = 16.5 would be no double of ten; 12 x 70 / 85 = 9.9, and 14.3 are needed.
        ten, full = workload(replicas=10), needs(14.3, is_censored=True)
        second = target_of(ten, ceiling=10, probe=10, probed_at=NOW - DELAY, probes=1)
        fourth = target_of(ten, ceiling=10, probe=10, probed_at=NOW - DELAY, probes=3)

        assert of(second, full, pressure=1.0).squeezing().at(85) == 12
        assert of(fourth, full, pressure=1.0).squeezing().at(85) == 20

    def test_a_probe_ends_when_demand_can_be_seen_again(self):
        probing = self.at_ceiling(probe=8, probed_at=NOW - MINUTE)

        recommendation = of(probing, needs(5))

        assert (recommendation.replicas, recommendation.memory.probe) == (5, None)

    def test_it_waits_for_starts_as_slow_as_nine_of_ten_and_for_the_metrics(self):
        delays = tuple(timedelta(seconds=n) for n in range(1, 21))

        # The 19th of twenty takes 19 s: with 15 s of lag 34 s, which is less than a minute.
        assert probe_delay(SETTINGS.timing, delays) == MINUTE
        slow = tuple(10 * delay for delay in delays)
        assert probe_delay(SETTINGS.timing, slow) == timedelta(seconds=205)
        assert probe_delay(SETTINGS.timing, ()) == timedelta(seconds=135)


class TestGaps:
    def test_without_demand_what_runs_stays_and_nothing_may_grow(self):
        recommendation = of(target_of(workload(replicas=4)), Gap("no answer"))

        assert outcome(recommendation) == (4, Reason.DEMAND_UNKNOWN)
        assert recommendation.gap == Gap("no answer")

    def test_before_the_first_pod_is_ready_nothing_is_known(self):
        two = workload(replicas=2)
        recommendation = of(target_of(two, pods=pods_of(two, ready_at=None)), Gap("no series"))

        assert outcome(recommendation) == (2, Reason.DEMAND_UNKNOWN)
        assert recommendation.gap is not None

    def test_a_gap_leaves_stabilization_and_probe_as_they_are(self):
        past = (Recommended(NOW - MINUTE, 6),)
        target = target_of(workload(replicas=4), recommendations=past, probe=8)

        assert of(target, Gap("no answer")).memory == DemandMemory(past, probe=8)


class TestZero:
    def test_a_zero_that_others_chose_stays(self):
        assert outcome(of(target_of(workload(replicas=0)), Gap("no pods")))[0] == 0

    def test_a_zero_that_money_brought_starts_again_with_one(self):
        ours = workload(replicas=0, is_count_ours=True)

        recommendation = of(target_of(ours, wanted_replicas=5), Gap("no pods"))

        assert (recommendation.replicas, recommendation.gap) == (1, None)

    def test_a_zero_that_others_chose_later_stays_too(self):
        theirs = workload(replicas=0, is_count_ours=False)

        target = target_of(theirs, wanted_replicas=5, ceiling=3)

        assert (of(target, Gap("no pods")).replicas, target.wanted_replicas) == (0, 0)


class TestWantedCounts:
    def by_hand(self, replicas=3, *, is_ours=False, **memory):
        target = target_of(workload(replicas=replicas, is_count_ours=is_ours), **memory)
        return target._replace(targeted=target.targeted._replace(scaling=None))

    @pytest.mark.parametrize(
        ("observed", "is_ours", "wanted", "ceiling", "expected"),
        [
            pytest.param(3, False, None, None, 3, id="what runs, before our first write"),
            pytest.param(2, True, 5, 2, 5, id="what was before our first write"),
            pytest.param(4, False, 5, 6, 4, id="a later count of others"),
            pytest.param(6, False, 5, 6, 6, id="cut at its ceiling: at least so many"),
            pytest.param(2, False, 5, 2, 5, id="cut below what was wanted"),
        ],
    )
    def test_the_count_that_somebody_chose_is_kept(
        self, observed, is_ours, wanted, ceiling, expected
    ):
        target = self.by_hand(observed, is_ours=is_ours, wanted_replicas=wanted, ceiling=ceiling)

        assert outcome(of(target, None)) == (expected, Reason.WANTED_COUNT)


def test_the_stabilization_of_the_policy_counts():
    past = (Recommended(NOW - 30 * SECOND, 6),)
    scaling = concurrency(scale_down_stabilization=20 * SECOND)
    target = target_of(workload(replicas=6), scaling=scaling, recommendations=past)

    assert outcome(of(target, needs(2)))[0] == 2
