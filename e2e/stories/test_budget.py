"""Demand worth three times the budget: the money lasts to the end, and nobody goes dark."""

import time
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.world import (
    CHAT,
    FOLLOW_CONCURRENCY,
    Watched,
    deployment,
    fixed_budget,
    operator,
    pod_starts,
    policy,
    price_sheet,
    status,
    truth,
    utc_now,
)

# Nine replicas follow this demand: 27 requests a second, two seconds each, six at once per replica.
DEMAND_PER_SECOND = 27.0
NEEDED_REPLICAS = 9
AFFORDED_REPLICAS = 3


def limit_for(lasts: timedelta) -> Decimal:
    """Return what three replicas cost over *lasts*, a third of what demand asks for."""
    return Decimal("0.001") * AFFORDED_REPLICAS * (lasts // timedelta(seconds=1))


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "minutes",
    [pytest.param(10, marks=pytest.mark.lasts(10)), pytest.param(5, marks=pytest.mark.lasts(5))],
)
def test_a_window_is_spent_to_its_end_never_past_it_and_never_dark(
    rig: Rig, namespace: str, tmp_path, record_property, minutes: int
):
    lasts = timedelta(minutes=minutes)
    start = begin(rig, namespace, lasts)
    with operator(rig, tmp_path):
        least = _watch(rig, namespace, start, start + lasts)
    share = spent_share(rig, namespace, start, lasts)
    record_property("spent of the limit", f"{share:.3%}")
    record_property("least ready replicas", least)
    assert 0.95 <= share <= 1.005
    assert least >= 1


def begin(rig: Rig, namespace: str, lasts: timedelta) -> datetime:
    """Run demand worth three times the budget; return when its window starts."""
    rig.apply(price_sheet("story-eur", "EUR"))
    rig.apply(deployment(namespace, "chat", NEEDED_REPLICAS))
    rig.fleet.set_profile(f"{namespace}/chat", CHAT)
    rig.fleet.set_demand(f"{namespace}/chat", DEMAND_PER_SECOND)
    Watched(rig, namespace, "chat").comes_to(NEEDED_REPLICAS)
    start = utc_now().replace(microsecond=0) + timedelta(seconds=8)
    budget = fixed_budget(str(limit_for(lasts)), start, lasts)
    rig.apply(policy(namespace, currency="EUR", budgets=[budget], scaling=FOLLOW_CONCURRENCY))
    return start


def _watch(rig: Rig, namespace: str, start: datetime, end: datetime) -> int:
    """Look until the window ends, compare the ledger just before; return the least that served."""
    least = NEEDED_REPLICAS
    while utc_now() < end - timedelta(seconds=3):
        if utc_now() > start:
            least = min(least, Watched(rig, namespace, "chat").ready)
        time.sleep(0.5)
    _compare_with_ledger(rig, namespace, start)
    poll(lambda: utc_now() >= end, 10)
    return least


def spent_share(rig: Rig, namespace: str, start: datetime, lasts: timedelta) -> float:
    """Return how much of the limit the pods really cost, by the audit log."""
    true = truth(rig, namespace, start, start + lasts)
    return float(true / Fraction(limit_for(lasts)))


def _compare_with_ledger(rig: Rig, namespace: str, start: datetime) -> None:
    """The operator's own count agrees with the audit log, to half a percent or a second a start."""
    poll(lambda: status(rig, namespace).get("budgets"), 5)
    now = utc_now()
    (budget,) = status(rig, namespace)["budgets"]
    true = truth(rig, namespace, start, now)
    starts = pod_starts(rig.audit.pod_lifetimes(namespace), start - timedelta(minutes=1), now)
    # The status may be as old as its interval, two seconds, and one pass.
    running = max(Watched(rig, namespace, "chat").replicas, 1) + 2
    allowed = max(float(true) * 0.005, starts * 0.001) + 4 * running * 0.001
    assert abs(float(true) - float(budget["spent"])) <= allowed
