"""Rules: how one count comes from observed to desired, and who has the last word."""

import pytest
from tests.builders import EUR, concurrency, hpa, money, policy, workload
from tests.unit.decide.support import decided, running, target_of

from plafond.decide.decision import Decision, Move
from plafond.decide.limits import Limit
from plafond.decide.reason import Reason
from plafond.decide.recommendation import Recommendation, Step
from plafond.decide.rules import Facts, decide_one
from plafond.model.gap import Gap
from plafond.model.workload import WorkloadClass, WorkloadId

BUDGET = Limit("limits/month", EUR, money("40"), Reason.BUDGET_CEILING)
EXHAUSTED = Limit("limits/month", EUR, money("0"), Reason.BUDGET_EXHAUSTED)


def facts(recommended=4, reason=Reason.FOLLOWS_DEMAND, of=None, **more):
    target = target_of(of or workload(replicas=4))
    recommendation = Recommendation((Step(recommended, reason),), None, None, target.memory)
    defaults = {
        "workload": target.workload,
        "recommendation": recommendation,
        "class_maximum": None,
        "promised_floor": 0,
        "funded_floor": 0,
        "squeezed": None,
        "ceiling": None,
        "obstacle": None,
        "is_price_known": True,
    }
    return Facts(**{**defaults, **more})


def outcome(situation, observed=4):
    start = Decision(
        WorkloadId("team-a", "Deployment", "llm"), WorkloadClass.WARM, observed, observed
    )
    decision = decide_one(start, situation)
    return decision.desired_replicas, decision.reason


@pytest.mark.parametrize(
    ("situation", "desired", "reason"),
    [
        pytest.param(facts(4), 4, None, id="nothing to do"),
        pytest.param(facts(6), 6, Reason.FOLLOWS_DEMAND, id="demand rose"),
        pytest.param(facts(9, class_maximum=6), 6, Reason.CLASS_MAXIMUM, id="more than its class"),
        pytest.param(facts(9, squeezed=7), 7, Reason.SQUEEZED, id="runs fuller"),
        # Seven at its limit of utilization, but eight keep requests in time.
        pytest.param(facts(9, squeezed=7, spared=8), 8, Reason.LATENCY_LIMIT, id="answers late"),
        pytest.param(facts(9, squeezed=7, spared=6), 7, Reason.SQUEEZED, id="in time though full"),
        pytest.param(facts(9, spared=9), 9, Reason.FOLLOWS_DEMAND, id="late without pressure"),
        pytest.param(
            facts(9, squeezed=7, spared=9, ceiling=5, obstacle=BUDGET),
            5,
            Reason.BUDGET_CEILING,
            id="late, and no money",
        ),
        pytest.param(facts(5, squeezed=7), 5, Reason.FOLLOWS_DEMAND, id="is full already"),
        pytest.param(
            facts(1, squeezed=1, funded_floor=2), 2, Reason.FLOOR_FUNDED, id="a funded floor lifts"
        ),
        pytest.param(
            facts(9, ceiling=5, obstacle=BUDGET), 5, Reason.BUDGET_CEILING, id="over the ceiling"
        ),
        pytest.param(facts(9, ceiling=5), 5, Reason.RAISED_IN_STEPS, id="not raised yet"),
        pytest.param(
            facts(9, ceiling=5, is_in_doubt=True), 5, Reason.HELD_IN_DOUBT, id="held in doubt"
        ),
        pytest.param(
            facts(9, ceiling=5, obstacle=BUDGET, is_in_doubt=True),
            5,
            Reason.BUDGET_CEILING,
            id="a limit binds whatever is in doubt",
        ),
        pytest.param(
            facts(9, ceiling=3, is_price_known=False),
            3,
            Reason.PRICE_UNKNOWN,
            id="not raised unpriced",
        ),
        pytest.param(
            facts(3, ceiling=1, promised_floor=3, funded_floor=1, obstacle=BUDGET),
            1,
            Reason.FLOOR_UNFUNDED,
            id="less than promised",
        ),
        pytest.param(
            facts(3, ceiling=1, promised_floor=3, obstacle=EXHAUSTED),
            1,
            Reason.BUDGET_EXHAUSTED,
            id="the money is gone",
        ),
        pytest.param(
            facts(9, is_price_known=False), 4, Reason.PRICE_UNKNOWN, id="grows nothing unpriced"
        ),
        pytest.param(
            facts(1, is_price_known=False), 4, Reason.PRICE_UNKNOWN, id="keeps what runs unpriced"
        ),
        pytest.param(
            facts(9, is_measured=False), 4, Reason.MEASURING_TOKENS, id="grows nothing unmeasured"
        ),
        pytest.param(
            facts(9, ceiling=3, is_measured=False),
            3,
            Reason.MEASURING_TOKENS,
            id="not raised unmeasured",
        ),
        pytest.param(
            facts(4, is_measured=False, is_price_known=False),
            4,
            Reason.PRICE_UNKNOWN,
            id="a price that somebody has to give outranks one that comes by itself",
        ),
    ],
)
def test_the_last_rule_to_move_the_count_names_the_reason(situation, desired, reason):
    assert outcome(situation) == (desired, reason)


SCALED = workload(replicas=4, autoscaler=hpa(9))


@pytest.mark.parametrize(
    ("situation", "desired"),
    [
        pytest.param(facts(9, of=SCALED), 4, id="an autoscaler raises by itself"),
        pytest.param(facts(2, of=SCALED, ceiling=4), 4, id="and lowers by itself"),
        pytest.param(facts(9, of=SCALED, ceiling=3), 3, id="but does not leave a ceiling"),
    ],
)
def test_what_others_scale_is_only_lowered_to_its_ceiling(situation, desired):
    assert outcome(situation)[0] == desired


def test_a_limit_keeps_its_name_while_an_autoscaler_has_yet_to_rise_to_it():
    # It asks for nine, the budget carries eight, and four run until it rises by itself.
    situation = facts(9, Reason.AUTOSCALER_WISH, of=SCALED, ceiling=8, obstacle=BUDGET)

    assert outcome(situation) == (4, Reason.BUDGET_CEILING)


def test_what_an_autoscaler_has_yet_to_lower_is_left_to_it():
    situation = facts(2, Reason.AUTOSCALER_WISH, of=SCALED, ceiling=4)

    assert outcome(situation) == (4, Reason.LEFT_TO_AUTOSCALER)


def unknown(recommended, **more):
    """Facts of a workload whose demand cannot be read."""
    known = facts(recommended, Reason.DEMAND_UNKNOWN, **more)
    return known._replace(recommendation=known.recommendation._replace(gap=Gap("no answer")))


def test_a_gap_of_demand_is_the_reason_although_nothing_moves():
    assert outcome(unknown(4)) == (4, Reason.DEMAND_UNKNOWN)
    assert outcome(unknown(9, ceiling=5)) == (5, Reason.DEMAND_UNKNOWN)


def test_a_price_that_is_unknown_outlasts_a_delay():
    # Demand fell from four to two; within the window four are kept, and after it as well.
    fallen = facts(2, is_price_known=False)
    steps = (*fallen.recommendation.steps, Step(4, Reason.STABILIZED))
    delayed = fallen._replace(recommendation=fallen.recommendation._replace(steps=steps))

    assert outcome(delayed) == (4, Reason.PRICE_UNKNOWN)
    assert outcome(delayed._replace(is_price_known=True)) == (4, Reason.STABILIZED)


def test_every_step_is_remembered():
    start = Decision(WorkloadId("team-a", "Deployment", "llm"), WorkloadClass.WARM, 4, 4)

    decision = decide_one(start, facts(9, squeezed=7, ceiling=5, obstacle=BUDGET))

    assert decision.moves == (
        Move(Reason.FOLLOWS_DEMAND, 4, 9),
        Move(Reason.SQUEEZED, 9, 7),
        Move(Reason.BUDGET_CEILING, 7, 5),
    )


def test_every_reason_has_a_sentence():
    for reason in Reason:
        assert reason.sentence.strip()
        assert not reason.sentence.endswith(".")


def test_without_any_limit_nothing_is_capped():
    llm = workload(replicas=3)

    _, judgement, decisions = decided(running(llm, policies=(policy(scaling=concurrency()),)))

    assert judgement.ceilings == {}
    assert decisions["llm"].ceiling is None
