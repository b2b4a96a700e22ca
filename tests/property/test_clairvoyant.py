"""The clairvoyant's tokens are the most that the money buys: every way to spend it was tried."""

from decimal import Decimal
from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.simulate.support import MODEL, window

from plafond.simulate.baselines import Static, TimeLeft
from plafond.simulate.clairvoyant import clairvoyant_tokens
from plafond.simulate.play import play

DEMANDS = st.lists(st.integers(0, 35).map(float), min_size=1, max_size=4)
# A replica for a bin of a minute costs 0.05.
BIN_COST = Decimal("0.05")


@given(demands=DEMANDS, cents=st.integers(0, 60))
def test_no_other_way_to_place_whole_replicas_serves_more(demands, cents):
    budget = Decimal(cents) / 100
    best = max(
        sum(min(demand, count * 10.0) * 60 for demand, count in zip(demands, counts, strict=True))
        for counts in product(range(5), repeat=len(demands))
        if sum(counts) * BIN_COST <= budget
    )

    assert clairvoyant_tokens(window(*demands), MODEL, budget) == best


@given(demands=DEMANDS, cents=st.integers(5, 60))
def test_nobody_serves_more_tokens_than_there_were_or_than_ready_replicas_can(demands, cents):
    of, budget = window(*demands), Decimal(cents) / 100
    for governor in (Static(budget, of.seconds, MODEL), TimeLeft(budget, of.seconds, MODEL)):
        run = play(of, MODEL, governor)

        for step in run.steps:
            assert step.served == min(step.demand, 10.0 * step.ready)
            assert step.ready <= step.replicas
            assert step.cost == step.replicas * Decimal("0.0125")
