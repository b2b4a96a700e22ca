"""A window that rolls on: no stretch as long costs more than the limit, and little is left over."""

import time
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from e2e.rig.cluster import Rig
from e2e.world import (
    CHAT,
    FOLLOW_CONCURRENCY,
    Watched,
    deployment,
    operator,
    policy,
    price_sheet,
    truth,
    utc_now,
)

# Twenty replicas follow this demand: 60 requests a second, two seconds each, six at once.
DEMAND_PER_SECOND = 60.0
AFFORDED_REPLICAS = 8
WINDOW = timedelta(minutes=5)
WINDOWS = 3
# At a tenth of a cent a second, 8.4 replicas for 300 s are 2.52. The other 0.4 are for what a
# window holds too much of (its last bucket whole) and for what cannot be ended any faster.
LIMIT = Decimal("2.52")
EVERY = timedelta(seconds=5)


@pytest.mark.timeout(1400)
@pytest.mark.lasts(16)
def test_no_stretch_as_long_as_a_rolling_window_costs_more_than_its_limit_and_little_is_left_over(
    rig: Rig, namespace: str, tmp_path, record_property
):
    start = begin(rig, namespace)
    end = start + WINDOWS * WINDOW
    with operator(rig, tmp_path):
        least = _least_ready(rig, namespace, end)
    spent = {
        at: float(truth(rig, namespace, at - WINDOW, at) / Fraction(LIMIT))
        for at in _looks(start, end)
    }
    later = [share for at, share in spent.items() if at >= start + WINDOW]
    record_property("most spent of the limit in any window", f"{max(spent.values()):.3%}")
    record_property("least spent of it after the first window", f"{min(later):.3%}")
    record_property("least ready replicas", least)
    assert max(spent.values()) <= 1.005
    assert min(later) >= 0.90
    assert least >= 1


def begin(rig: Rig, namespace: str) -> datetime:
    """Run what is afforded under demand for more than twice as much; return when that began."""
    rig.apply(price_sheet("story-eur", "EUR"))
    rig.apply(deployment(namespace, "chat", AFFORDED_REPLICAS))
    rig.fleet.set_profile(f"{namespace}/chat", CHAT)
    rig.fleet.set_demand(f"{namespace}/chat", DEMAND_PER_SECOND)
    start = utc_now()
    Watched(rig, namespace, "chat").comes_to(AFFORDED_REPLICAS)
    window = {"type": "Rolling", "duration": f"{WINDOW // timedelta(minutes=1)}m"}
    budget = {
        "name": "latest",
        "limit": {"cost": str(LIMIT)},
        "window": window,
        "onExhausted": "KeepFloors",
    }
    rig.apply(policy(namespace, currency="EUR", budgets=[budget], scaling=FOLLOW_CONCURRENCY))
    return start


def _least_ready(rig: Rig, namespace: str, end: datetime) -> int:
    least = AFFORDED_REPLICAS
    while utc_now() < end:
        least = min(least, Watched(rig, namespace, "chat").ready)
        time.sleep(0.5)
    return least


def _looks(start: datetime, end: datetime) -> list[datetime]:
    return [start + n * EVERY for n in range(1, (end - start) // EVERY + 1)]
