"""Why a ceiling is what it is, for whoever meets it: what binds, or has the least room left."""

from tests.builders import HOUR, NOW, budget, fixed, policy, workload
from tests.unit.decide.support import decided, running

from plafond.decide.why import is_still_true, why
from plafond.model.policy import Ceilings

AMPLE = budget("9000", window=fixed(NOW - HOUR, 10 * HOUR))


def reason(**more):
    _, judgement, _ = decided(running(workload(replicas=2), policies=(policy(**more),)))
    assert is_still_true(why(judgement), judgement)
    return why(judgement)


def test_what_binds_is_named():
    assert reason(ceilings=Ceilings(replicas=1)) == "limits/ceilings.replicas allows 1"


def test_where_nothing_binds_the_limit_with_the_least_room_is_named():
    # A budget of which nothing is spent says little to whoever may not have a sixth replica.
    assert reason(budgets=(AMPLE,), cost_per_hour="20") == ("limits/ceilings.costPerHour allows 20")


def test_where_that_is_a_budget_it_tells_where_it_stands():
    spent = reason(budgets=(budget("90", window=AMPLE.window),), cost_per_hour="4000")

    assert spent == "launch 8 %, 82.00 EUR left until 2026-11-16T21:00Z"


def test_without_any_limit_the_policies_are_named():
    assert reason() == "ceilings of limits"
