"""Limits of tokens: what they carry, what is not measured, and what cannot be seen."""

from dataclasses import replace

from tests.builders import (
    EUR,
    HOUR,
    NOW,
    PASS,
    TEAM,
    budget,
    class_rule,
    concurrency,
    fixed,
    money,
    namespace,
    pods_of,
    policy,
    readings,
    snapshot,
    workload,
)
from tests.unit.decide.support import decided

from plafond.decide.allowing import allowed
from plafond.decide.reason import Reason
from plafond.model.budget import OnExhausted
from plafond.model.gap import Gap
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.model.memory import Memory, NamespaceRecord, OpenPod, TokenRate, WorkloadMemory
from plafond.model.meters import Meter, MeterReading, PodKey
from plafond.model.money import TOKENS
from plafond.model.policy import Ceilings, Mode
from plafond.model.workload import WorkloadClass

# Ten hours are left of it.
WINDOW = fixed(NOW - PASS, 10 * HOUR + PASS)
DOWN = MeterReading(gap=Gap("tokens: no answer within 5 s"))
COLD = (class_rule(WorkloadClass.WARM, 0),)


def tokens(limit, **more):
    return budget(limit, **{"name": "tokens", "unit": TOKENS, "window": WINDOW, **more})


def measured(per_hour):
    return TokenRate((money(per_hour),) * 3, money(per_hour))


def busy(*budgets, replicas=4, rate=None, spent="0", meter=None, **more):
    """Replicas that each need twice what they are: eight of four; all have shown 1000 tokens."""
    llm = workload(replicas=replicas, tier=more.pop("tier", "warm"))
    pods = pods_of(llm, scheduled_at=NOW - HOUR)
    seen = MeterReading({PodKey(TEAM, each.name): 1000.0 for each in pods})
    as_of = NOW - PASS
    series = {
        SeriesKey(Fact.SPEND, unit): (Bucket(NOW - PASS, PASS, money(value)),)
        for unit, value in {TOKENS: spent, **more.pop("other", {})}.items()
    }
    opened = OpenPod({EUR: money(4)}, is_managed=True, workload=str(llm.id))
    rates = {} if rate is None else {str(llm.id): rate}
    memory = Memory(
        open_pods={each.uid: opened for each in pods},
        counters={each.uid: money(1000) for each in pods},
        token_rates=rates,
        counted_since=as_of,
        complete_from=as_of,
    )
    window = {"budgets": budgets, "classes": COLD, "scaling": concurrency(), **more}
    return snapshot(
        workloads=(llm,),
        pods=pods,
        policies=(policy(**window),),
        meters={**readings(pods, running=20, waiting=0), Meter.TOKENS: meter or seen},
        records={TEAM: NamespaceRecord(Ledger(as_of, series), memory)},
    )


def only(world):
    _, judgement, decisions = decided(world)
    return judgement, decisions["llm"]


def test_a_budget_of_tokens_carries_what_its_replicas_process():
    # 30 000 for ten hours are 3000 an hour: three replicas of 1000 (the lag of a pass holds 17).
    judgement, llm = only(busy(tokens("30200"), rate=measured(1000)))

    assert (llm.recommended_replicas, llm.desired_replicas, llm.ceiling) == (8, 3, 3)
    assert llm.reason is Reason.BUDGET_CEILING
    assert llm.limit == "limits/tokens"
    assert judgement.pace.budgets[0].is_clipped


def test_running_fuller_saves_no_tokens_so_nothing_is_squeezed():
    judgement, _ = only(busy(tokens("30200"), rate=measured(1000)))
    by_money, _ = only(busy(budget("120", window=WINDOW)))

    assert judgement.pace.utilization_percent is None
    assert by_money.pace.utilization_percent is not None


def test_while_tokens_are_short_nobody_is_given_headroom():
    # 3900 an hour: three of 1000, two small ones of 10 that have enough, and 880 are left.
    world = busy(tokens("39017"), replicas=3, rate=measured(1000))
    small = workload("small", 2, tier="warm")
    pods = (*world.pods, *pods_of(small, scheduled_at=NOW))
    ((name, before),) = world.records.items()
    rates = {**before.memory.token_rates, str(small.id): measured(10)}
    known = replace(before, memory=replace(before.memory, token_rates=rates))
    requests = readings(pods, running=20, waiting=0)
    few = {PodKey(TEAM, each.name): 9.0 for each in pods_of(small)}
    seen = MeterReading({**requests[Meter.RUNNING_REQUESTS].values, **few})
    world = replace(
        world,
        workloads=(*world.workloads, small),
        pods=pods,
        records={name: known},
        meters={**requests, Meter.RUNNING_REQUESTS: seen, Meter.TOKENS: world.meters[Meter.TOKENS]},
    )

    decisions = decided(world)[2]

    assert {name: each.ceiling for name, each in decisions.items()} == {"llm": 3, "small": 2}


def test_of_money_and_tokens_the_tighter_one_binds():
    # 4 EUR an hour each: 280 EUR carry seven, 30 200 tokens three; then it is two of 80 EUR.
    rich = only(busy(budget("280", window=WINDOW), tokens("30200"), rate=measured(1000)))[1]
    poor = only(busy(budget("81", window=WINDOW), tokens("30200"), rate=measured(1000)))[1]

    assert (rich.desired_replicas, rich.limit) == (3, "limits/tokens")
    assert (poor.desired_replicas, poor.limit) == (2, "limits/launch")


def test_a_ceiling_on_tokens_per_hour_bounds_what_runs():
    judgement, llm = only(
        busy(rate=measured(1000), ceilings=Ceilings(tokens_per_hour=money("2500")))
    )

    assert (llm.desired_replicas, llm.ceiling) == (2, 2)
    assert llm.reason is Reason.TOKENS_PER_HOUR_CEILING
    assert judgement.limits[0].name == "limits/ceilings.tokensPerHour"
    # It bounds what runs: nothing of it has to be kept for the end of a window.
    assert judgement.limits[0].is_at_once


class TestWhatIsNotMeasured:
    def test_keeps_what_runs_and_grows_nothing(self):
        judgement, llm = only(busy(tokens("1000000"), rate=TokenRate((money(5),))))

        assert (llm.desired_replicas, llm.ceiling) == (4, 4)
        assert llm.reason is Reason.MEASURING_TOKENS
        assert allowed(judgement)["limits/tokens"].needed is None
        assert TOKENS not in judgement.memory[llm.workload].price

    def test_is_still_lowered_by_money(self):
        # 81 EUR for ten hours at 4 EUR an hour carry two.
        limits = budget("81", window=WINDOW), tokens("1000000")

        assert only(busy(*limits, rate=TokenRate()))[1].ceiling == 2
        # Also what has never shown a counter.
        assert only(busy(*limits, meter=MeterReading()))[1].ceiling == 2

    def test_takes_up_what_it_was_last_seen_to_process(self):
        # One stretch of 1000 an hour is no measure to grow by, and one to shrink by: three.
        seen = TokenRate((money(1000),), money(1000))

        _, llm = only(busy(tokens("30200"), rate=seen))

        assert (llm.ceiling, llm.limit) == (3, "limits/tokens")

    def test_ends_with_a_budget_that_is_exhausted_where_it_is_known_to_process_any(self):
        spent = {"spent": "100", "meter": MeterReading()}

        assert only(busy(tokens("100"), rate=TokenRate(), **spent))[1].desired_replicas == 0
        # Whoever has never shown a counter may be no engine at all.
        assert only(busy(tokens("100"), **spent))[1].desired_replicas == 4

    def test_starts_with_one_replica(self):
        _, llm = only(busy(tokens("1000000"), replicas=0, scaling=None))
        assert llm.ceiling == 1

        _, llm = only(busy(tokens("100"), replicas=0, spent="100", scaling=None))
        assert llm.ceiling == 0


class TestWhatCannotBeSeen:
    def test_raises_nothing(self):
        world = busy(tokens("1000000"), rate=measured(1000), meter=DOWN)
        held = replace(world, namespaces={TEAM: namespace(llm=4)})

        assert only(held)[1].ceiling == 4
        seen = replace(held, meters={**held.meters, Meter.TOKENS: busy().meters[Meter.TOKENS]})
        assert only(seen)[1].ceiling > 4

    def test_lowers_what_it_may_have_used_up_and_ends_nothing(self):
        # Four replicas of 1000 an hour, unseen for a pass of 15 s: 17 of the 15 that are left.
        world = busy(tokens("15"), rate=measured(1000), meter=DOWN)

        judgement, llm = only(world)

        (position,) = judgement.account.positions
        assert position.remaining.value < 0
        assert not position.is_exhausted
        assert llm.desired_replicas == 1

    def test_keeps_one_of_what_money_carries_beside_the_floors_that_it_carries(self):
        # 130 EUR for ten hours carry 13 an hour: a floor of two at 4, and one more at 4.
        world = busy(
            budget("130", window=WINDOW),
            tokens("15"),
            rate=measured(1000),
            meter=DOWN,
            replicas=2,
            tier="hot",
            classes=(class_rule(WorkloadClass.HOT, 2), *COLD),
        )
        chat = workload("chat", replicas=1)
        record = world.records[TEAM]
        (opened, *_) = record.memory.open_pods.values()
        pods = pods_of(chat, scheduled_at=NOW - HOUR)
        promised = WorkloadMemory(funded_floor=2)
        memory = replace(
            record.memory,
            open_pods=record.memory.open_pods | {each.uid: opened for each in pods},
            sets={Mode.ENFORCE.value: {world.workloads[0].id: promised}},
            token_rates={str(w.id): measured(1000) for w in (chat, *world.workloads)},
        )
        both = replace(
            world,
            workloads=(chat, *world.workloads),
            pods=(*pods, *world.pods),
            records={TEAM: replace(record, memory=memory)},
        )

        _, _, decisions = decided(both)

        assert {name: d.desired_replicas for name, d in decisions.items()} == {"chat": 1, "llm": 2}

    def test_ends_nothing_of_which_everything_stops_at_the_end_either(self):
        stops = tokens("15", on_exhausted=OnExhausted.STOP_ALL)

        assert only(busy(stops, rate=measured(1000), meter=DOWN))[1].desired_replicas == 1
        spent = busy(stops, rate=measured(1000), meter=DOWN, spent="15")
        assert only(spent)[1].desired_replicas == 0

    def test_is_no_reason_to_pass_a_limit_of_money(self):
        no_money = budget("100", window=WINDOW)
        world = busy(no_money, tokens("15"), rate=measured(1000), meter=DOWN, other={EUR: "100"})

        assert only(world)[1].desired_replicas == 0

    def test_is_nothing_to_whoever_limits_no_tokens(self):
        world = busy(budget("1000", window=WINDOW), meter=DOWN)

        assert only(world)[1].ceiling > 4
