"""How demand is looked for under policies: how dear money is, and whether it refuses work now."""

from decimal import Decimal

import pytest
from tests.builders import EUR, SETTINGS, class_rule, utilization, workload
from tests.unit.decide.support import target_of

from plafond.decide.search import Search
from plafond.model.labels import LabelSelector
from plafond.model.memory import Allowed, Memory

MONTH = "limits/month"


def probing(allowed: Allowed, target: int = 70, limit: int = 90):
    """How the demand of a workload is looked for whose policy allowed that in the last pass."""
    rule = class_rule(selector=LabelSelector(), utilization_limit_percent=limit)
    account = target_of(workload(), scaling=utilization(target), rule=rule)
    return Search(Memory(allowed={MONTH: allowed}), SETTINGS.timing).of(account)


@pytest.mark.parametrize(
    ("fullest", "target", "limit", "pressure"),
    [
        (None, 70, 90, 0.0),
        (80, 70, 90, 0.5),
        (90, 70, 90, 1.0),
        (60, 40, 60, 1.0),
        (50, 40, 60, 0.5),
    ],
)
def test_money_is_as_dear_as_replicas_are_full_between_their_target_and_their_limit(
    fullest, target, limit, pressure
):
    assert probing(Allowed(EUR, utilization_percent=fullest), target, limit).pressure == pressure


@pytest.mark.parametrize(
    ("needed", "is_refused"),
    [
        pytest.param("20.1", True, id="demand is above the level"),
        pytest.param("20", False, id="only later hours are"),
        pytest.param(None, True, id="nobody knows what demand costs"),
    ],
)
def test_a_level_refuses_nothing_while_demand_is_below_it(needed, is_refused):
    needs = None if needed is None else Decimal(needed)
    clipped = Allowed(EUR, needs, is_clipped=True, level=Decimal(20))

    assert probing(clipped).is_refused is is_refused


def test_without_a_plan_what_is_clipped_is_refused_and_money_is_as_dear_as_it_gets():
    found = probing(Allowed(EUR, Decimal(1), is_clipped=True))

    assert (found.is_refused, found.pressure) == (True, 1.0)
