"""Pace by a forecast: what a ledger of demand changes in what is decided."""

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.builders import (
    DAY,
    EUR,
    HOUR,
    MINUTE,
    NOW,
    TEAM,
    budget,
    class_rule,
    fixed,
    pods_of,
    policy,
    record,
    workload,
)
from tests.unit.decide.support import decided, running

from plafond.model.labels import LabelSelector
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.model.meters import Meter, MeterReading, PodKey
from plafond.model.policy import Scaling

LLM = workload(replicas=10)
TOKENS = Scaling(tokens_per_second_target_per_replica=Decimal(70))


def offered(tokens):
    key = PodKey(TEAM, LLM.id.name)
    return {Meter.OFFERED_TOKENS_PER_SECOND: MeterReading({key: float(tokens)})}


def served(tokens):
    keys = [PodKey(each.namespace, each.name) for each in pods_of(LLM)]
    return {Meter.TOKENS_PER_SECOND: MeterReading(dict.fromkeys(keys, tokens / len(keys)))}


def world(limit, meters, utilization=100):
    """Ten replicas at 4.00 an hour, a week to go, and a week behind in which demand cost 40."""
    buckets = tuple(Bucket(NOW - i * HOUR, HOUR, Decimal(40)) for i in range(168, 0, -1))
    rule = class_rule(selector=LabelSelector(), utilization_limit_percent=utilization)
    limits = policy(
        budgets=(budget(limit, window=fixed(NOW, 7 * DAY)),), classes=(rule,), scaling=TOKENS
    )
    past = replace(record(), ledger=Ledger(NOW, {SeriesKey(Fact.DEMAND, EUR): buckets}))
    return running(LLM, policies=(limits,), meters=meters, records={TEAM: past})


def pace_of(*args, **more):
    return decided(world(*args, **more))[1].pace.budgets[0]


# Demand of 700 tokens/s is ten replicas at 70 %: 6720 for the week, 4704 where replicas run full.


def test_demand_that_is_offered_may_fill_replicas_and_served_tokens_may_not():
    plenty, scarce = offered(700), served(700)

    assert decided(world(1000, plenty))[1].pace.utilization_percent == 100
    assert pace_of(1000, scarce).utilization_percent == 95
    assert pace_of(1000, plenty, utilization=85).utilization_percent == 85


@pytest.mark.parametrize(
    ("tokens", "utilization", "replicas"),
    [
        # At full replicas: 7.4 and 7.6 of them; a last one used for less than half is left out.
        pytest.param(740, 100, 7, id="not worth its price"),
        pytest.param(760, 100, 8, id="worth its price"),
        # 740 x 0.7 / 0.85 = 8.7: nobody said that replicas may run full.
        pytest.param(740, 85, 9, id="never past a limit"),
    ],
)
def test_the_last_replica_has_to_be_worth_its_price(tokens, utilization, replicas):
    # 4500 is short of what the week costs, and no reason to refuse anything.
    _, judgement, decisions = decided(world(4500, offered(tokens), utilization))

    assert judgement.pace.budgets[0].is_clipped is False
    assert decisions["llm"].desired_replicas == replicas


def test_what_cannot_be_paid_is_refused_at_the_planned_level():
    found = pace_of(1000, offered(700))

    # 1000 for 168 hours of demand that never costs less than that.
    assert found.is_clipped
    assert float(found.level) == pytest.approx(1000 / 168, abs=0.001)
    assert found.level == found.plan.level


def test_squeezed_demand_costs_less_than_demand():
    # 4704 at full replicas: 4000 carry a week that is cheaper, so nothing is refused.
    assert pace_of(4000, offered(700)).plan.level is None


def test_the_plan_is_remembered():
    evaluation, judgement, _ = decided(world(1000, offered(700)))

    (plan,) = evaluation.records[TEAM].memory.plans.values()
    assert plan is judgement.pace.budgets[0].plan


def test_what_full_replicas_serve_is_recorded_as_a_lower_bound():
    # Ten replicas of 4.00 serve 1000 tokens/s: demand of at least 1000 / 70 x 4.00 = 57.14.
    busy = {PodKey(each.namespace, each.name): 99.0 for each in pods_of(LLM)}
    full = {**served(1000), Meter.GPU_UTILIZATION: MeterReading(busy)}

    cut = decided(world("6000", full))[1]
    seen = decided(world("6000", served(1000)))[1]

    assert cut.censored[EUR] == cut.demand[EUR] == Decimal("57.144")
    assert not seen.censored


def test_an_hour_in_which_replicas_start_is_paid_for_and_serves_nothing():
    # In the last five minutes nine replicas served and one only started: 10 / 9 paid per served,
    # of which a fiftieth is believed: 1 + 0.02 x 0.1111.
    pods = pods_of(LLM)
    starting = replace(pods[0], scheduled_at=NOW - 5 * MINUTE, ready_at=None)
    past = world("9000", offered(700))
    found = decided(replace(past, pods=(starting, *pods[1:])))[1].pace.budgets[0].plan

    assert found.overhead == Decimal("1.002222")
