"""What is said of a workload, situation by situation, from what a pass leaves in the cluster."""

from dataclasses import replace

import pytest
from tests.builders import (
    HOUR,
    MINUTE,
    NOW,
    TEAM,
    budget,
    class_rule,
    concurrency,
    fixed,
    in_time,
    money,
    node_price,
    pod,
    pods_of,
    policy,
    quantities,
    readings,
    record,
    rolling,
    sheet,
    snapshot,
    workload,
    workload_id,
)
from tests.unit.cli.support import LATER, UNREAD, explained, facts, live, silent
from tests.unit.decide.support import running
from tests.unit.decide.test_rationale import busy, ten_hours

from plafond.cli.explain.explaining import CARRIED, IGNORED, UNGOVERNED, explain
from plafond.cli.explain.facts import Live
from plafond.decide.reason import Reason
from plafond.model.budget import OnExhausted
from plafond.model.labels import LabelSelector
from plafond.model.memory import (
    Memory,
    NamespaceRecord,
    PacePlan,
    Recommended,
    Terms,
    TokenRate,
    WorkloadMemory,
)
from plafond.model.meters import Meter, MeterReading, PodKey
from plafond.model.money import GPU_HOURS, TOKENS
from plafond.model.policy import Mode

SQUEEZED, CLIPPED, PLENTY = "360", "200", "9000"
FLOORS = (class_rule(floor=4, selector=LabelSelector()),)
UNPRICED = sheet(node_price(cpu="1"))


def numbers(said):
    return {each.name: each.value for each in said.numbers}


def sentences(parts):
    return [each.sentence for each in parts]


def test_within_budget_nothing_has_to_be_lifted():
    said = explained(busy(ten_hours(PLENTY)))

    assert (said.rule.reason, said.rule.sentence, said.rule.limit) == (None, CARRIED, None)
    assert said.headline == f"team-a/llm may have 20 replicas: {CARRIED}"
    assert said.lifts == ()
    assert not said.is_over_budget


def test_a_workload_that_answers_late_is_told_why_it_is_not_run_fuller():
    # Two of ten replicas each, and money for 19: chat gives one, llm would take longer than 2 s.
    both = workload("llm", replicas=10), workload("chat", replicas=10)
    pods = {each.id.name: pods_of(each) for each in both}
    late = {PodKey(p.namespace, p.name): 2.001 for p in pods["llm"]}
    meters = readings(pods["llm"] + pods["chat"], running=7, waiting=0)
    meters[Meter.LATENCY_P95] = MeterReading(late)
    limits = policy(budgets=(ten_hours("760"),), scaling=in_time(2, concurrency(7)))

    said = explained(running(*both, policies=(limits,), meters=meters))

    assert (said.rule.reason, said.rule.sentence) == (
        Reason.LATENCY_LIMIT,
        "run any fuller, its requests would take longer than they may",
    )
    assert [(move.reason, move.before, move.after) for move in said.rule.moves] == [
        ("Squeezed", 10, 9),
        ("LatencyLimit", 9, 10),
    ]


def test_a_squeezed_workload_is_told_how_much_more_money_would_let_it_run_as_it_was():
    said = explained(busy(ten_hours(SQUEEZED)))

    assert (said.rule.reason, said.rule.limit) == (Reason.SQUEEZED, "limits/launch")
    # Ten replicas at 4.00 for ten hours are 400.
    assert "limit of budget limits/launch by 40 EUR, to 400" in said.lifts[0].sentence
    assert '"path": "/spec/budgets/0/limit/cost", "value": "400.00"' in said.lifts[0].command
    assert numbers(said)["limits/launch: replicas run at up to"] == "78"


def test_a_clipped_workload_is_told_the_sum_and_when_to_wait_for():
    said = explained(busy(ten_hours(CLIPPED)))

    assert said.rule.reason is Reason.BUDGET_CEILING
    carries = "the budget carries no more replicas (limits/launch)"
    assert said.headline == f"team-a/llm may have 5 replicas: {carries}"
    assert numbers(said)["limits/launch: carries now"] == "20"
    assert numbers(said)["limits/launch: demand and what nobody scales cost"] == "40"
    assert "by 200 EUR, to 400" in said.lifts[0].sentence
    assert said.lifts[1].at == NOW + 10 * HOUR


def test_a_floor_that_is_not_funded_is_told_what_it_would_cost():
    said = explained(busy(ten_hours("100"), classes=FLOORS))

    assert said.rule.reason is Reason.FLOOR_UNFUNDED
    assert (said.counts.floor, said.counts.funded_floor) == (4, 2)
    # Two replicas at 4.00 for ten hours.
    assert said.lifts[0].sentence.startswith("fund its floor: its 2 unfunded replicas cost 80 EUR")


def test_a_gap_is_no_zero_and_says_what_is_missing():
    world = running(
        workload(replicas=3), policies=(policy(budgets=(budget(),)),), sheets=(UNPRICED,)
    )

    said = explained(world)

    assert said.rule.reason is Reason.PRICE_UNKNOWN
    assert (said.ceiling, numbers(said)["limits/launch: demand and what nobody scales cost"]) == (
        3,
        None,
    )
    assert numbers(said)["limits/launch: spent, as far as it is priced"] == "0"
    assert "entry any does not price nvidia.com/gpu" in said.lifts[0].sentence
    assert said.troubles[0].reason == "PriceUnknown"


def test_a_ceiling_of_the_moment_is_raised_to_what_demand_needs():
    said = explained(busy(ten_hours(PLENTY), replicas=4))

    assert said.rule.limit == "limits/ceilings.replicas"
    assert said.numbers[0].name == "limits/ceilings.replicas: allows"
    assert "by 6 replicas, to 10" in said.lifts[0].sentence
    assert '"path": "/spec/ceilings/replicas", "value": 10' in said.lifts[0].command


@pytest.mark.parametrize("limit", [PLENTY, SQUEEZED, CLIPPED])
def test_the_memory_alone_explains_as_the_status_does(limit):
    world = busy(ten_hours(limit))

    alone = explain(live(world), silent(facts(world)))

    whole = explained(world)
    assert (alone.headline, alone.rule) == (whole.headline, whole.rule)
    assert sentences(alone.lifts) == sentences(whole.lifts)


def test_the_status_alone_still_names_the_rule_and_its_limit():
    world = busy(ten_hours(CLIPPED))

    said = explained(world, record=UNREAD, unread=("SpendLedger: you may not read it",))

    assert (said.rule.reason, said.rule.limit) == (Reason.BUDGET_CEILING, "limits/launch")
    assert said.ceiling == 5
    assert said.unread == ("SpendLedger: you may not read it",)


def test_the_annotation_alone_is_said_with_its_own_words():
    world = busy(ten_hours(CLIPPED))

    said = explained(world, record=UNREAD, policies=(), why="launch 3 %, 200.00 EUR left")

    assert (said.ceiling, said.is_in_force, said.mode) == (5, True, None)
    assert "launch 3 %" in said.rule.sentence


def test_in_observe_the_ceiling_is_what_it_would_be():
    world = busy(ten_hours(CLIPPED))
    seen = replace(world, policies=tuple(replace(p, mode=Mode.OBSERVE) for p in world.policies))

    said = explained(seen)

    assert (said.mode, said.ceiling, said.is_in_force) == ("Observe", 5, False)
    assert said.headline.startswith("team-a/llm would be allowed 5 replicas")
    assert "nothing is written: the policy observes" in sentences(said.next)


@pytest.mark.parametrize(("is_ignored", "sentence"), [(False, UNGOVERNED), (True, IGNORED)])
def test_what_no_policy_scales_has_no_ceiling(is_ignored, sentence):
    found = facts(busy(ten_hours(PLENTY)))

    said = explain(Live(workload_id("other"), 2, 2, is_ignored), found)

    assert (said.rule.sentence, said.ceiling, said.policies) == (sentence, None, ())


def test_an_exhausted_budget_is_over_budget():
    spent = budget("10", on_exhausted=OnExhausted.KEEP_FLOORS, window=fixed(NOW - 5 * HOUR))
    llm = workload(replicas=10)
    world = running(llm, policies=(policy(budgets=(spent,)),))

    said = explained(world)

    # Ten replicas have run for an hour at 4.00.
    assert said.is_over_budget
    assert said.rule.reason is Reason.BUDGET_EXHAUSTED
    assert said.troubles[0].reason == "BudgetExhausted"


def test_a_brake_says_its_next_step_its_end_and_the_command():
    llm = workload(replicas=10)
    ours = policy(budgets=(ten_hours(PLENTY),), is_confirmed=False, generation=3)
    before = snapshot(policies=(ours,), workloads=(llm,), pods=pods_of(llm))
    old = facts(before).record
    tight = replace(ours, budgets=(ten_hours(CLIPPED),), generation=4)
    world = replace(
        before,
        policies=(tight,),
        records={TEAM: replace(old, memory=replace(old.memory, terms=Terms((ours.terms,))))},
    )

    said = explained(world)

    assert said.rule.reason is Reason.BRAKED
    assert said.lifts[0].command.endswith("plafond.dev/confirm=4")
    at = {each.sentence: each.at for each in said.next}
    assert at["the brake lets another 30 % of a lowering happen"] == NOW + 10 * MINUTE
    assert at["the change is accepted, and the brake lets go"] == NOW + 40 * MINUTE


def test_a_deleted_policy_says_when_it_lets_go():
    world = busy(ten_hours(CLIPPED))
    found = facts(world)
    gone_since = {"limits": NOW - 4 * MINUTE}
    memory = replace(found.record.memory, enforced=world.policies, gone_since=gone_since)

    said = explain(
        live(world), replace(found, policies=(), record=replace(found.record, memory=memory))
    )

    assert said.policies == ("limits",)
    at = {each.sentence: each.at for each in said.next}
    assert at["policy limits is deleted: what it limits is released"] == NOW + 6 * MINUTE


def test_an_operator_that_has_written_nothing_for_long_is_told():
    said = explained(busy(ten_hours(PLENTY)), now=NOW + HOUR)

    assert said.troubles[-1].reason == "Silent"
    assert "the last sign is of 2026-11-16T12:00:00Z" in said.troubles[-1].message
    assert explained(busy(ten_hours(PLENTY)), now=LATER).troubles == ()


def test_a_count_that_is_kept_up_says_until_when():
    llm = workload(replicas=10)
    limits = policy(budgets=(ten_hours(PLENTY),), scaling=concurrency(10))
    seen = WorkloadMemory(recommendations=(Recommended(NOW - MINUTE, 10),))
    world = running(
        llm,
        policies=(limits,),
        meters=readings(pods_of(llm), running=1, waiting=0),
        records={TEAM: record({workload_id(): seen})},
    )

    said = explained(world)

    lower = next(each for each in said.next if "a lower count" in each.sentence)
    assert said.rule.reason is Reason.STABILIZED
    assert lower.at == NOW + 4 * MINUTE


def test_gpu_hours_are_whole_and_resources_are_named_as_in_the_spec():
    hours = budget("50", unit=GPU_HOURS, window=fixed(NOW, 10 * HOUR))
    by_hours = explained(busy(hours))
    by_resource = explained(busy(ten_hours(PLENTY), resources=quantities(gpu=4)))

    # Ten GPUs for ten hours.
    assert '"path": "/spec/budgets/0/limit/gpuHours", "value": "100"' in by_hours.lifts[0].command
    assert "by 6 nvidia.com/gpu, to 10" in by_resource.lifts[0].sentence
    assert (
        '"path": "/spec/ceilings/resources/nvidia.com~1gpu", "value": "10"'
        in by_resource.lifts[0].command
    )


def test_tokens_are_whole_and_called_by_their_unit():
    limit = budget("50", unit=TOKENS, window=fixed(NOW, 10 * HOUR))
    world = busy(limit, tokens_per_hour=money(40))
    rates = {str(workload_id()): TokenRate((money(10),) * 3)}
    before = NamespaceRecord(memory=Memory(token_rates=rates))

    said = explained(replace(world, records={TEAM: before}))

    # Ten replicas of 10 an hour, for ten hours.
    assert '"path": "/spec/budgets/0/limit/tokens", "value": "1000"' in said.lifts[1].command
    assert numbers(said)["limits/ceilings.tokensPerHour: demand needs"] == "100"


def test_tokens_that_are_not_measured_are_told_and_what_would_show_them():
    limit = budget("50", unit=TOKENS, window=fixed(NOW, 10 * HOUR))

    said = explained(busy(limit))
    remembered = explained(busy(limit), policies=silent(facts(busy(limit))).policies)

    for each in (said, remembered):
        assert each.rule.reason is Reason.MEASURING_TOKENS
        assert each.lifts[0].sentence.startswith(
            "let its replicas show the meter tokens, and work (tokens: 0 of the 3 stretches"
        )
    # It comes of itself, so nobody is told to mend anything.
    assert said.troubles == ()
    assert numbers(said)["limits/launch: demand and what nobody scales cost"] is None


def test_floors_that_outlast_the_money_say_when_it_is_gone():
    # Four floors, of which money carries fewer now, and two GPUs beside them, all at 4.00.
    llm = workload(replicas=4)
    beside = pod("notebook", None, requests=quantities(gpu=2))
    limits = policy(budgets=(ten_hours("150"),), classes=FLOORS)
    before = WorkloadMemory(funded_floor=4)
    world = running(
        llm,
        policies=(limits,),
        pods=(beside,),
        records={TEAM: record({workload_id(): before})},
    )

    said = explained(world)

    # 150 at 24.00 an hour last six hours and a quarter.
    gone = next(each for each in said.next if "is exhausted" in each.sentence)
    assert gone.sentence.endswith("replicas fall to their funded floors")
    assert gone.at == NOW + 6 * HOUR + 15 * MINUTE


def lasting_ten_hours(limit):
    return budget(limit, window=rolling(10 * HOUR))


def busy_with_a_notebook(limit):
    world = busy(lasting_ten_hours(limit))
    return replace(world, pods=(*world.pods, pod("notebook", None)))


def test_a_rolling_window_neither_ends_nor_begins_and_says_when_what_falls_out():
    # Ten replicas at 4.00 have run for the last hour: that falls out in nine to ten hours from now.
    # 5 % of 200 are 10 EUR; in steps of six minutes, of buckets of two minutes, 16 minutes' worth.
    said = explained(busy(lasting_ten_hours("200")))

    (falls,) = [each for each in said.next if "falls out" in each.sentence]
    assert NOW + 9 * HOUR < falls.at < NOW + 9.5 * HOUR
    assert falls.sentence == (
        "10.67 EUR of what was spent falls out of the window of budget limits/launch"
    )
    assert not [each for each in sentences(said.next) if "begins" in each or "ends" in each]
    # 160 until the first two buckets have fallen out, 9 h 4 min from now, and that is felt.
    assert numbers(said)["limits/launch: lasts for 10h at"] == "17.60"


def test_a_workload_clipped_by_a_rolling_window_is_told_the_sum_and_what_to_wait_for():
    said = explained(busy(lasting_ten_hours("200")))

    assert said.rule.reason is Reason.BUDGET_CEILING
    # 40 of 200 are spent. 40 an hour for ten hours are 400, with what the bucket of now holds.
    assert said.lifts[0].sentence.endswith("it then carries the demand of now for 10h")
    assert "wait until 10.67 EUR of what was spent falls out" in said.lifts[1].sentence
    assert said.lifts[1].at > NOW


def test_a_rolling_window_that_demand_uses_up_says_when():
    # A notebook at 4.00 an hour runs whatever is decided, beside the 44 that the ten have spent.
    said = explained(busy_with_a_notebook("50"))

    (end,) = [each for each in said.next if "is exhausted" in each.sentence]
    # 6 remain until the first of it falls out after 9 h 4 min: 6 / 4.
    assert NOW + 89 * MINUTE < end.at <= NOW + 90 * MINUTE


def test_a_budget_is_told_with_what_its_window_comes_to():
    said = numbers(explained(busy(ten_hours(CLIPPED))))

    # Ten replicas at 4.00 for ten hours; what was spent before the window does not count.
    assert said["limits/launch: at its end, if demand stays and is served"] == "400"


def test_a_forecast_is_told_with_its_error_its_plan_and_its_age():
    found = facts(busy(ten_hours(CLIPPED)))
    plan = PacePlan(
        NOW - MINUTE,
        NOW + 10 * HOUR,
        money("200"),
        None,
        85,
        money("601"),
        money("0.1"),
        money("300.5"),
    )
    kept = replace(found.record.memory, plans={"limits/launch": plan})

    said = explain(
        live(busy(ten_hours(CLIPPED))),
        replace(found, record=replace(found.record, memory=kept)),
    )

    # Of 601 minutes 600 are left.
    assert numbers(said)["limits/launch: at its end, if all demand is served"] == "600"
    assert numbers(said)["limits/launch: give or take"] == "60"
    assert numbers(said)["limits/launch: at its end, as planned"] == "300"
    (told,) = [each for each in said.numbers if "all demand is served" in each.name]
    assert told.at == NOW - MINUTE


def test_what_comes_of_a_window_is_unknown_without_a_price():
    world = running(
        workload(replicas=3), policies=(policy(budgets=(budget(),)),), sheets=(UNPRICED,)
    )

    said = numbers(explained(world))

    assert said["limits/launch: at its end, if all demand is served"] is None
