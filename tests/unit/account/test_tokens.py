"""Tokens from counters: increases, resets, gaps, and what is reckoned with meanwhile."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import (
    HOUR,
    LLM,
    MINUTE,
    NOW,
    PASS,
    SETTINGS,
    TEAM,
    budget,
    fixed,
    money,
    pod,
    policy,
    snapshot,
    workload,
)

from plafond.account.account import account
from plafond.account.ledger import spent
from plafond.model.gap import Gap
from plafond.model.ledger import OTHERS, Fact, SeriesKey
from plafond.model.memory import TokenRate
from plafond.model.meters import Meter, MeterReading, PodKey
from plafond.model.money import TOKENS
from plafond.model.window import RollingWindow, Span

ALL = Span(NOW - 100 * HOUR, NOW + 100 * HOUR)
LIMITS = policy(budgets=(budget("1000000", name="tokens", unit=TOKENS),))
LAG = SETTINGS.timing.observation_lag


def shows(gap=None, **values):
    """What the meter reads of pods in team-a; `llm_0=3` is pod llm-0."""
    named = {PodKey(TEAM, name.replace("_", "-")): float(n) for name, n in values.items()}
    return MeterReading(named, gap)


class Counting:
    """Pass by pass over one namespace, from `NOW` on."""

    def __init__(self, *pods, policies=(LIMITS,)):
        self.pods, self.policies = pods, policies
        self.now, self.records = NOW, {}
        self.account = None

    def look(self, reading, after=PASS, **changed):
        """Count *after* so long; *changed* replaces fields of all pods."""
        self.now += after
        self.pods = tuple(replace(each, **changed) for each in self.pods)
        world = snapshot(
            now=self.now,
            pods=self.pods,
            workloads=(workload(),),
            policies=self.policies,
            meters={} if reading is None else {Meter.TOKENS: reading},
        )
        # The ledger may be of the future, where a clock has stepped back.
        world = replace(world, records=self.records)
        self.account = account(world, SETTINGS)
        self.records = {n: counted.record for n, counted in self.account.counted.items()}
        return self

    def tokens(self, fact=Fact.SPEND, span=ALL, of=""):
        ledger = self.records[TEAM].ledger
        return spent(ledger, SeriesKey(fact, TOKENS, of), span)

    @property
    def set(self):
        return self.account.sets[0]


def one_pod(**more):
    return Counting(pod("llm-0", **{"scheduled_at": NOW, "ready_at": NOW, **more}))


def test_what_a_counter_rose_by_is_spent_in_the_namespace_and_by_the_workload():
    counting = one_pod().look(shows(llm_0=100)).look(shows(llm_0=250))

    # 100 since the pod began, and 150 more.
    assert counting.tokens() == 250
    assert counting.tokens(of=str(LLM)) == 250
    assert counting.account.counted[TEAM].accrued[TOKENS] == 150


def test_a_counter_that_fell_began_again_at_zero():
    counting = one_pod().look(shows(llm_0=100)).look(shows(llm_0=30)).look(shows(llm_0=50))

    # 100, then 30 of a new process, then 20 more.
    assert counting.tokens() == 150


def test_a_pod_that_ran_before_anybody_looked_is_spread_over_its_life():
    counting = one_pod(scheduled_at=NOW - HOUR, ready_at=NOW - HOUR).look(shows(llm_0=244), MINUTE)

    # 244 tokens in 61 minutes are 4 a minute; the ledger's fine buckets count whole.
    assert counting.tokens() == 244
    assert counting.tokens(span=Span(NOW - 30 * MINUTE, NOW + HOUR)) == pytest.approx(124, abs=20)


def test_a_pod_that_is_gone_counts_as_it_was_last_seen():
    counting = one_pod().look(shows(llm_0=100))

    counting.pods = ()

    assert counting.look(shows()).tokens() == 100


def test_the_last_that_is_shown_of_a_pod_that_has_ended_counts():
    counting = one_pod().look(shows(llm_0=100))

    counting.look(shows(llm_0=130), ended_at=NOW + PASS)

    assert counting.tokens() == 130
    assert counting.look(shows(llm_0=130)).tokens() == 130


def test_pods_of_nobody_are_unmanaged():
    counting = Counting(pod("job", None, scheduled_at=NOW, ready_at=NOW)).look(shows(job=70))

    assert counting.tokens(Fact.UNMANAGED) == 70
    assert counting.tokens(of=OTHERS) == 70
    assert one_pod().look(shows(llm_0=70)).tokens(Fact.UNMANAGED) == 0


def test_one_that_is_not_ready_yet_may_still_bear_the_series_of_the_one_before():
    counting = one_pod(ready_at=None).look(shows(llm_0=9000))

    assert counting.tokens() == 0
    assert counting.look(shows(llm_0=5), ready_at=NOW + PASS).tokens() == 5


class TestWhileTheMeterFails:
    DOWN = MeterReading(gap=Gap("tokens: Prometheus failed (500); look at its log"))

    def known(self):
        """A pod that processes 600 an hour, as 20 passes of 15 s have shown."""
        counting = one_pod()
        for turn in range(1, 21):
            counting.look(shows(llm_0=2.5 * turn))
        assert counting.records[TEAM].memory.token_rates[str(LLM)].latest == 600
        return counting

    def test_nothing_is_counted_and_the_last_rate_is_reckoned_with(self):
        counting = self.known()

        for _ in range(4):
            counting.look(self.DOWN)

        (position,) = counting.set.positions
        assert position.spend.value == 50
        # 600 an hour for a minute, and for the lag of the last sight: 10 + 2.5.
        assert position.unseen == money(600) * (60 + LAG.seconds) / 3600
        assert position.remaining.value == 1_000_000 - 50 - position.unseen
        assert counting.set.unseen == self.DOWN.gap

    def test_a_rolling_window_reckons_with_it_too(self):
        counting = self.known()
        rolling = budget("1000", unit=TOKENS, window=RollingWindow(HOUR))
        counting.policies = (policy(budgets=(rolling,)),)

        (position,) = counting.look(self.DOWN, MINUTE).set.positions

        # 50, and 600 an hour for a minute and the lag of the last sight.
        assert position.spend.value == 50
        assert position.remaining.value == 1000 - 50 - position.unseen
        assert position.unseen == money(600) * (60 + LAG.seconds) / 3600

    def test_the_next_sight_brings_all_of_it(self):
        counting = self.known().look(self.DOWN, HOUR).look(shows(llm_0=1000))

        (position,) = counting.set.positions
        assert position.spend.value == 1000
        # Only what is on its way: 15 s at 600 an hour, or what an hour of 950 makes of it.
        assert position.unseen < 10
        assert counting.set.unseen is None

    def test_an_answer_in_part_brings_more_and_never_begins_again(self):
        partial = Gap("tokens: the answer is partial")

        counting = self.known().look(shows(partial, llm_0=60))

        assert counting.tokens() == 60
        # 20 < 60: a part is missing, so it was not seen.
        assert counting.look(shows(partial, llm_0=20)).tokens() == 60
        assert counting.set.unseen == partial
        assert counting.look(shows(llm_0=70)).tokens() == 70

    def test_a_pod_that_is_gone_after_a_long_silence_processed_as_before(self):
        counting = self.known().look(self.DOWN, 10 * MINUTE)

        counting.pods = ()
        counting.look(self.DOWN, 2 * MINUTE)

        # 50, and 600 an hour for twelve minutes.
        assert counting.tokens() == 50 + 120

    def test_one_that_is_not_ready_has_nothing_to_show(self):
        counting = self.known().look(shows(), is_terminating=True)

        (position,) = counting.set.positions
        assert (counting.set.unseen, position.unseen) == (None, 0)
        assert counting.tokens() == 50

    def test_what_ends_while_nobody_can_look_has_processed_until_then(self):
        counting = self.known().look(self.DOWN, 30 * MINUTE)

        (dark,) = counting.look(self.DOWN, is_terminating=True).set.positions
        assert dark.unseen == money(600) * (30 * 60 + 15 + LAG.seconds) / 3600

        counting.pods = ()
        # 50, and 600 an hour for half an hour and two passes.
        assert counting.look(self.DOWN).tokens() == 50 + 300 + 5

    def test_what_shuts_down_as_the_meter_returns_has_processed_until_then(self):
        counting = self.known().look(self.DOWN, 30 * MINUTE)

        counting.look(shows(), is_terminating=True)

        # 50, and 600 an hour for half an hour and a pass, in whole tokens.
        assert counting.tokens() == 50 + 302
        counting.pods = ()
        assert counting.look(shows()).tokens() == 50 + 302

    def test_a_pod_that_is_unready_for_a_pass_is_no_dearer(self):
        counting = self.known().look(self.DOWN, 30 * MINUTE)
        counting.look(self.DOWN, ready_at=None).look(self.DOWN, ready_at=NOW).look(self.DOWN)

        counting.look(shows(llm_0=50 + 300 + 10))

        assert counting.records[TEAM].memory.token_rates[str(LLM)].latest == 600

    def test_the_gap_names_the_pod_where_the_meter_answers(self):
        counting = self.known().look(shows(llm_1=3))

        assert counting.set.unseen == Gap("tokens: the counter of llm-0 is not seen any more")


def test_a_clock_that_steps_back_loses_and_repeats_nothing():
    counting = one_pod().look(shows(llm_0=100), MINUTE)

    counting.look(shows(llm_0=120), -MINUTE / 2)
    assert counting.tokens() == 100
    assert counting.look(shows(llm_0=140), MINUTE).tokens() == 140


def test_a_window_counts_what_was_reckoned_inside_it_alone():
    # The window has begun 15 s ago; a minute without sight, at 3600 an hour, is 15 of it.
    limits = policy(budgets=(budget("99", unit=TOKENS, window=fixed(NOW + MINUTE + PASS)),))
    counting = one_pod()
    counting.policies = (limits,)
    counting.look(shows(llm_0=15))
    memory = counting.records[TEAM].memory
    rates = {str(LLM): TokenRate(latest=money(3600))}
    counting.records = {
        TEAM: replace(counting.records[TEAM], memory=replace(memory, token_rates=rates))
    }

    counting.look(TestWhileTheMeterFails.DOWN, MINUTE + timedelta(seconds=15))

    (position,) = counting.set.positions
    assert position.unseen == 15


class TestWhatAReplicaProcesses:
    def learning(self, *per_stretch, replicas=1):
        pods = [pod(f"llm-{n}", scheduled_at=NOW, ready_at=NOW) for n in range(replicas)]
        counting, shown = Counting(*pods), 0.0
        for tokens in per_stretch:
            for _ in range(20):
                shown += tokens / 20
                counting.look(shows(**{f"llm_{n}": shown for n in range(replicas)}))
        return counting

    def price(self, counting):
        (target,) = counting.set.targets
        return target.price.get(TOKENS)

    def test_it_is_not_known_before_three_stretches_of_work(self):
        counting = self.learning(500, 0, 500)

        (target,) = counting.set.targets
        assert target.is_unmeasured
        assert TOKENS not in target.known_price
        assert target.gaps[TOKENS].why.startswith("tokens: 2 of the 3 stretches")

    def test_it_is_the_95th_percentile_of_tokens_per_ready_replica_hour(self):
        # 500 in five minutes are 6000 an hour; of three samples it is the largest.
        assert self.price(self.learning(500, 200, 300)) == 6000
        # However many replicas there are.
        assert self.price(self.learning(500, 200, 300, replicas=3)) == 6000
        # Of the last twenty samples the 19th: one is larger.
        assert self.price(self.learning(900, 900, 800, 500, *[100] * 18)) == 6000

    def test_idle_stretches_say_nothing_and_the_last_that_is_known_holds(self):
        counting = self.learning(500, 500, 500, 0, 0)

        assert self.price(counting) == 6000
        assert counting.set.burn_rate[TOKENS] == 0
        counting.pods = ()
        assert self.price(counting.look(shows(), 24 * HOUR)) == 6000

    def test_whoever_limits_no_tokens_does_not_miss_them(self):
        counting = self.learning(500)
        counting.policies = (policy(budgets=(budget("100"),)),)

        (target,) = counting.look(shows(llm_0=500)).set.targets

        assert TOKENS not in {*target.price, *target.gaps}

    def test_one_replica_of_what_was_never_seen_may_be_tried(self):
        llm = workload(replicas=0)
        world = snapshot(workloads=(llm,), policies=(LIMITS,))

        (target,) = account(world, SETTINGS).sets[0].targets

        assert target.is_unmeasured
        assert target.price[TOKENS] == 1
