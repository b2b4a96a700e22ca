"""What is reckoned in one go is what one step after the other comes to."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from tests.builders import EUR

from plafond.decide.limits import Limit, Room
from plafond.decide.reason import Reason
from plafond.decide.recommendation import (
    FULL_PERCENT,
    DemandMemory,
    Recommendation,
    Step,
)
from plafond.forecast.demand import DemandSample
from plafond.model.money import GPU_HOURS, summed

COUNTS = st.integers(0, 9)
COSTS = st.dictionaries(st.sampled_from([EUR, GPU_HOURS]), st.decimals(0, 9, places=3), max_size=2)
TAKEN = st.lists(st.tuples(COSTS, COUNTS), max_size=5)
LIMITS = tuple(Limit(unit, unit, Decimal(0), Reason.BUDGET_CEILING) for unit in (EUR, GPU_HOURS))


@given(COSTS, TAKEN)
def test_a_sum_is_what_its_parts_come_to(first, others):
    found = summed(first, others)

    for unit in (EUR, GPU_HOURS):
        parts = [first.get(unit, 0), *(times * each.get(unit, 0) for each, times in others)]
        assert found.get(unit, 0) == sum(parts)


@given(TAKEN)
def test_the_room_beside_many_is_what_each_of_them_leaves(taken):
    room = Room(LIMITS, (Decimal(100), Decimal(50)))
    left = room
    for cost, times in taken:
        left = left.without(cost, times)

    assert room.beside(taken) == left


@given(st.floats(0, 20), COUNTS, COUNTS, st.integers(1, 100))
def test_bounds_of_what_is_squeezed_hold_at_every_utilization(need, floor, asked, full):
    sample = DemandSample(need, 70, "gpuUtilization")
    steps, memory = (Step(asked, Reason.FOLLOWS_DEMAND),), DemandMemory(())
    recommendation = Recommendation(steps, sample, None, memory)
    most = max(floor, min(6, asked))

    bounded = recommendation.squeezing(FULL_PERCENT, floor, most)

    # The least outranks the most.
    assert bounded.at(full) == max(floor, min(6, recommendation.squeezing().at(full)))
