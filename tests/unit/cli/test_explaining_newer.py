"""What is newer wins, and what comes next promises nothing that a hold or a limit forbids."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import (
    HOUR,
    MINUTE,
    NOW,
    TEAM,
    class_rule,
    concurrency,
    fixed,
    hpa,
    namespace,
    node,
    node_price,
    pods_of,
    policy,
    readings,
    record,
    sheet,
    workload,
    workload_id,
)
from tests.unit.cli.support import explained, facts, live
from tests.unit.decide.support import running
from tests.unit.decide.test_rationale import busy, ten_hours

from plafond.cli.explain.explaining import CARRIED, explain
from plafond.decide.reason import Reason
from plafond.model.gap import Gap
from plafond.model.labels import LabelSelector
from plafond.model.memory import Recommended, WorkloadMemory
from plafond.model.meters import Meter, MeterReading
from plafond.model.policy import InvalidPolicy

SQUEEZED, CLIPPED, PLENTY = "360", "200", "9000"
NO_ANSWER = "Prometheus did not answer within 5 s"
UNREADABLE = {Meter.RUNNING_REQUESTS: MeterReading(gap=Gap(NO_ANSWER))}
RAISED = WorkloadMemory(bound_at=NOW - MINUTE, raised_at=NOW - timedelta(seconds=20), ceiling=4)


def numbers(said):
    return {each.name: each.value for each in said.numbers}


def sentences(parts):
    return [each.sentence for each in parts]


def unread(world):
    return replace(world, meters={**world.meters, **UNREADABLE})


def later(before, after):
    """What is said of *after* two minutes after the checkpoint, which is of *before*."""
    old, new = facts(before), facts(after)
    now = NOW + 2 * MINUTE
    policies = tuple(replace(p, status=replace(p.status, at=now)) for p in new.policies)
    return explain(live(after), replace(new, record=old.record, policies=policies, now=now))


def raising(limit, most, **more):
    """A ceiling that bound, and was raised to *most* twenty seconds ago."""
    bound = RAISED._replace(ceiling=most)
    return replace(
        busy(ten_hours(limit), **more),
        namespaces={TEAM: namespace(llm=most)},
        records={TEAM: record({workload_id(): bound})},
    )


def unpriced_beside():
    """Nine of embed are wanted and two run, beside an llm on a node without a price."""
    embed, llm = workload("embed", replicas=2), workload(replicas=1)
    before = WorkloadMemory(wanted_replicas=9, ceiling=2)
    world = running(embed, llm, policies=(policy(budgets=(ten_hours(PLENTY),)),))
    odd = tuple(replace(each, node="odd") for each in pods_of(llm))
    return replace(
        world,
        pods=(*pods_of(embed), *odd),
        nodes={"n1": node("n1", priced="yes"), "odd": node("odd")},
        sheets=(sheet(node_price("some", {"priced": "yes"}, gpu="4.00")),),
        namespaces={TEAM: namespace(embed=2, llm=1)},
        records={TEAM: record({workload_id("embed"): before})},
    )


def test_a_workload_beside_an_unpriced_one_is_told_what_holds_it_and_what_would_lift_that():
    said = explained(unpriced_beside(), "embed")

    unpriced = "llm has no usable price: no entry of the EUR price sheet selects node odd"
    assert (said.ceiling, said.rule.reason) == (2, Reason.HELD_IN_DOUBT)
    assert f"nothing is raised until this can be read: {unpriced}" in sentences(said.next)
    deed = "let an entry of the price sheet price what runs beside it"
    assert sentences(said.lifts) == [f"{deed} ({unpriced})"]


def test_beside_a_policy_that_means_nothing_it_is_told_which():
    typo = InvalidPolicy(TEAM, "typo", "uid-typo", 2, "spec.budgets[0]", "unknown")
    world = replace(raising(PLENTY, 4), invalid=(typo,))
    found = facts(world)
    policies = (*found.policies, replace(found.policies[0], policy=typo))

    said = explain(live(world), replace(found, policies=policies))

    assert said.rule.reason is Reason.HELD_IN_DOUBT
    held = "nothing is raised until this can be read: policy typo cannot be understood"
    assert held in sentences(said.next)
    assert sentences(said.lifts) == ["correct policy typo: kubectl describe costpol typo"]
    assert not [each for each in sentences(said.next) if "may rise" in each]


def test_a_gap_that_began_after_the_checkpoint_is_told():
    world = busy(ten_hours(PLENTY))

    said = later(world, unread(world))

    assert said.rule.reason is Reason.DEMAND_UNKNOWN
    assert sentences(said.next)[0].startswith("what runs is kept and nothing is raised until")
    assert "make its demand readable again" in said.lifts[0].sentence


def test_a_gap_that_ended_after_the_checkpoint_is_over():
    world = busy(ten_hours(PLENTY))

    said = later(unread(world), world)

    assert (said.rule.reason, said.rule.sentence) == (None, CARRIED)
    assert not [each for each in sentences(said.next) if "can be read" in each]
    assert said.lifts == ()
    # Ten replicas at 4.00.
    assert said.counts.recommended == 10


def test_what_demand_asks_for_and_costs_is_unknown_while_it_cannot_be_read():
    said = explained(unread(busy(ten_hours(CLIPPED))))

    assert said.counts.recommended is None
    assert numbers(said)["limits/launch: demand and what nobody scales cost"] is None
    assert not [each for each in sentences(said.lifts) if "raise the limit" in each]


def test_an_unknown_price_has_the_last_word_while_demand_falls():
    llm = workload(replicas=10)
    limits = policy(budgets=(ten_hours(PLENTY),), scaling=concurrency(10))
    seen = WorkloadMemory(recommendations=(Recommended(NOW - MINUTE, 10),))
    world = running(
        llm,
        policies=(limits,),
        meters=readings(pods_of(llm), running=1, waiting=0),
        records={TEAM: record({workload_id(): seen})},
        sheets=(sheet(node_price(cpu="1")),),
    )

    said = explained(world)

    assert said.rule.reason is Reason.PRICE_UNKNOWN
    assert "let an entry of the price sheet price" in said.lifts[0].sentence
    assert not [each for each in sentences(said.next) if "a lower count" in each]
    for name in ("used", "remaining", "carries for the moment", "lasts to its end at"):
        assert f"limits/launch: {name}, as far as it is priced" in numbers(said)


def test_a_ceiling_that_bound_says_when_it_may_rise():
    said = explained(raising(PLENTY, 4))

    # Four are doubled, to eight of the ten that are asked for.
    (rise,) = [each for each in said.next if "its ceiling" in each.sentence]
    assert said.rule.reason is Reason.RAISED_IN_STEPS
    assert rise.sentence == "its ceiling may rise again, by at most 4, as far as money is free"
    assert rise.at == NOW + timedelta(seconds=40)


def test_while_money_is_short_a_ceiling_rises_no_further_than_fuller_replicas_need():
    said = explained(raising(SQUEEZED, 7))

    # 360 for ten hours carry nine at 4.00; ten are asked for.
    (rise,) = [each for each in said.next if "its ceiling" in each.sentence]
    assert "by at most 2," in rise.sentence


@pytest.mark.parametrize(
    ("world", "stays"),
    [
        pytest.param(
            raising(CLIPPED, 5),
            # Six at 4.00; 200 for ten hours.
            "budget limits/launch carries another replica: that takes 24 EUR/h with all else, "
            "it carries 20",
            id="a budget",
        ),
        pytest.param(
            raising(PLENTY, 4, replicas=4),
            "limits/ceilings.replicas carries another replica: that takes 5 replicas with all "
            "else, it carries 4",
            id="a ceiling",
        ),
    ],
)
def test_a_ceiling_that_no_limit_lets_rise_is_not_said_to_rise(world, stays):
    said = explained(world)

    found = [each for each in said.next if "its ceiling" in each.sentence]
    assert sentences(found) == [f"its ceiling stays until {stays}"]
    assert found[0].at is None


def test_a_raise_after_the_checkpoint_takes_its_moment_and_its_moves_along():
    said = later(raising(PLENTY, 4), raising(PLENTY, 8))

    (rise,) = [each for each in said.next if "its ceiling" in each.sentence]
    # Two of the ten are left.
    much = "by at most 2, as far as money is free"
    assert (rise.sentence, rise.at) == (f"its ceiling may rise again within 1m, {much}", None)
    assert (said.counts.desired, said.rule.moves) == (8, ())


def test_a_budget_that_no_checkpoint_knows_yet_is_told_by_the_status_and_when_one_will():
    world = busy(ten_hours(CLIPPED))

    said = later(replace(world, policies=()), world)

    assert numbers(said) == {
        "limits/launch: limit": "200",
        "limits/launch: spent": "0",
        "limits/launch: used": "0",
        "limits/launch: remaining": "200",
        "limits/launch: carries, which is not recorded yet": None,
        "the namespace cost as of the status": "40.00",
    }
    # Two of the five minutes from one checkpoint to the next are over.
    (recorded,) = [each for each in said.next if "is recorded" in each.sentence]
    assert recorded.sentence.startswith("what limits/launch carries is recorded, by the next")
    assert recorded.at == NOW + 5 * MINUTE


def test_where_no_ledger_can_be_read_nothing_is_promised_of_it():
    said = explained(busy(ten_hours(CLIPPED)), record=Gap("not read"))

    assert numbers(said)["limits/launch: carries"] is None
    assert not [each for each in said.next if "is recorded" in each.sentence]


def test_a_budget_whose_window_is_not_open_is_not_awaited():
    launch = ten_hours(CLIPPED)
    closed = replace(launch, window=fixed(NOW + HOUR, HOUR))

    said = explained(busy(closed))

    assert not [each for each in numbers(said) if "not recorded" in each]


def test_moves_to_another_ceiling_are_left_out_where_an_autoscaler_holds_the_count():
    # It wants nine and has four; five are carried, and six were when the ledger was written.
    llm = workload(replicas=4, autoscaler=hpa(9))
    world = running(llm, policies=(policy(budgets=(ten_hours(CLIPPED),)),))
    found = facts(world)
    key, of_set = next(iter(found.record.memory.sets.items()))
    older = {llm.id: of_set[llm.id]._replace(ceiling=6)}
    memory = replace(found.record.memory, sets={key: older})

    now = explain(live(world), found)
    then = explain(live(world), replace(found, record=replace(found.record, memory=memory)))

    assert [(each.reason, each.before, each.after) for each in now.rule.moves] == [
        ("AutoscalerWish", 4, 9),
        ("BudgetCeiling", 9, 5),
        ("LeftToAutoscaler", 5, 4),
    ]
    assert (then.ceiling, then.counts.desired, then.rule.moves) == (5, 4, ())


def test_under_an_autoscaler_the_limit_is_named_and_who_raises_it_to_that():
    llm = workload(replicas=4, autoscaler=hpa(9))
    world = running(llm, policies=(policy(budgets=(ten_hours(CLIPPED),)),))

    said = explained(world)

    # 200 for ten hours carry five at 4.00.
    assert (said.ceiling, said.rule.reason) == (5, Reason.BUDGET_CEILING)
    assert "its autoscaler raises it by itself, to 5" in sentences(said.next)


def test_a_floor_that_only_lacks_money_is_not_overdue():
    floors = (class_rule(floor=4, selector=LabelSelector()),)
    dropped = WorkloadMemory(funded_floor=2, floor_dropped_at=NOW - HOUR)
    world = replace(
        busy(ten_hours("100"), classes=floors), records={TEAM: record({workload_id(): dropped})}
    )

    said = explained(world)

    (back,) = [each for each in said.next if "its floor" in each.sentence]
    stays = "its floor stays unfunded until the budget carries it with 5 % to spare"
    assert (back.sentence, back.at) == (stays, None)
    assert said.lifts[0].sentence.endswith("and 5 % of what remains is to spare then")


def test_the_guard_is_called_what_is_carried_now_only_where_it_decides():
    assert "limits/launch: carries now" in numbers(explained(busy(ten_hours(CLIPPED))))
    assert "limits/launch: carries for the moment" in numbers(explained(busy(ten_hours(SQUEEZED))))


def test_the_next_probe_is_foretold_from_when_the_ceiling_of_the_last_one_rose():
    # Pods start within two minutes, and metrics are 15 s old; its ceiling rose five seconds ago.
    asked = NOW - timedelta(seconds=10)
    probed = {"probe": 8, "probed_at": asked, "raised_at": asked + timedelta(seconds=5)}
    saturated = WorkloadMemory(ceiling=8, was_waiting=True, probes=1, **probed)
    llm = workload(replicas=4)
    world = running(
        llm,
        policies=(policy(budgets=(ten_hours(PLENTY),), scaling=concurrency(10)),),
        meters=readings(pods_of(llm), running=10, waiting=1),
        namespaces={TEAM: namespace(llm=8)},
        records={TEAM: record({workload_id(): saturated})},
    )

    said = explained(world)

    (probe,) = [each for each in said.next if "probed for again" in each.sentence]
    assert (said.rule.reason, probe.at) == (Reason.DEMAND_CENSORED, NOW + timedelta(seconds=130))
