"""Laws of a clock that steps: what is spent is never taken back, never lost, and paid once."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st
from tests.builders import HOUR, MINUTE, NOW, SECOND, SETTINGS, snapshot
from tests.property.test_ledger import LIMITED, RATE, WINDOW, as_observed, cost, lives, spend_of

from plafond.decide.evaluate import evaluate

STEPS = st.sampled_from([timedelta(0), SECOND, -SECOND, 10 * MINUTE, -10 * MINUTE, -40 * MINUTE])
FIRST, LAST = NOW, NOW + HOUR
_SHEET = snapshot().sheets[0]
_PRICED = replace(_SHEET, nodes=(replace(_SHEET.nodes[0], prices={"slots": RATE}),))
WORLD = snapshot(policies=(LIMITED,), sheets=(_PRICED,))
ROUNDING = Decimal("1e-20")


@st.composite
def clocks(draw):
    """When passes happen inside the window, and what the clock is off at each of them."""
    waits = draw(st.lists(st.sampled_from([15 * SECOND, 3 * MINUTE, 7 * MINUTE]), max_size=7))
    times = accumulate(waits, initial=FIRST)
    return [(at, draw(STEPS)) for at in times]


def spends(pods, clock):
    """The spend that each pass comes to, and that of a last one, when the clock is right again."""
    records = {}
    for at, off in [*clock, (LAST, timedelta(0))]:
        # No builder makes such a world: the ledger, and pods, may be of the future.
        world = replace(
            WORLD, now=at + off, pods=as_observed(pods, at), records={**WORLD.records, **records}
        )
        evaluation = evaluate(world, SETTINGS)
        records = evaluation.records
        yield spend_of(evaluation)


@given(lives(), clocks())
def test_spend_never_decreases_while_the_clock_steps_inside_a_window(pods, clock):
    found = list(spends(pods, clock))

    assert found == sorted(found)


@given(lives(), clocks())
def test_when_the_clock_is_right_again_nothing_is_lost_and_nothing_paid_twice(pods, clock):
    *_, last = spends(pods, clock)

    # Pods that end while the clock is ahead were paid to where it was; nobody pays them back.
    ahead = max((off for _, off in clock), default=timedelta(0))
    most = len(pods) * RATE * max(0, ahead // SECOND) / 3600
    true = cost(pods, WINDOW, LAST)
    # Quotients are rounded in their 28th digit, and sums of them in another order differ there.
    assert true - ROUNDING <= last <= true + most + ROUNDING
