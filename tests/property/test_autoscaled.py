"""An autoscaler's wish, recomputed from its status, is what it computed itself."""

import math
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from tests.builders import hpa, pods_of, total, workload

from plafond.forecast.autoscaled import asked


def computed(usage: int, target: int, running: int) -> int:
    """The HPA's own formula for an average; *usage* and *target* are in thousandths."""
    ratio = Fraction(usage, target * running)
    if Fraction(9, 10) <= ratio <= Fraction(11, 10):
        return running
    return max(1, math.ceil(Fraction(usage, target)))


@given(usage=st.integers(0, 10**7), target=st.integers(100, 10**5), running=st.integers(1, 60))
def test_it_differs_by_no_more_than_what_the_status_rounds_away(usage, target, running):
    average = Decimal(math.ceil(Fraction(usage, running))) / 1000
    measured = hpa(seen=running, readings=(total(average, Decimal(target) / 1000),))
    of = workload(replicas=running, autoscaler=measured)

    found = asked(of, pods_of(of))

    # An average rounded up to a thousandth hides less than a thousandth of each replica.
    possible = range(max(0, usage - running + 1), usage + 1)
    assert found.replicas in {computed(each, target, running) for each in possible}
