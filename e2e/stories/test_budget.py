"""Demand worth three times the budget: the money lasts to the end, and nobody goes dark."""

import time
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.stories.world import (
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
def test_windows_of_five_and_ten_minutes_are_spent_to_the_end_and_never_past_it(
    rig: Rig, tmp_path, record_property
):
    lengths = {"five": timedelta(minutes=5), "ten": timedelta(minutes=10)}
    rig.apply(price_sheet("story-eur", "EUR"))
    for name in lengths:
        namespace = f"budget-{name}"
        rig.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        rig.apply(deployment(namespace, "chat", NEEDED_REPLICAS))
        rig.fleet.set_profile(f"{namespace}/chat", CHAT)
        rig.fleet.set_demand(f"{namespace}/chat", DEMAND_PER_SECOND)
        Watched(rig, namespace, "chat").comes_to(NEEDED_REPLICAS)
    start = utc_now().replace(microsecond=0) + timedelta(seconds=8)
    for name, lasts in lengths.items():
        budget = fixed_budget(str(limit_for(lasts)), start, lasts)
        rig.apply(
            policy(f"budget-{name}", currency="EUR", budgets=[budget], scaling=FOLLOW_CONCURRENCY)
        )
    darkest = dict.fromkeys(lengths, NEEDED_REPLICAS)
    with operator(rig, tmp_path):
        while (now := utc_now()) < start + max(lengths.values()):
            for name, lasts in lengths.items():
                if start <= now < start + lasts:
                    ready = Watched(rig, f"budget-{name}", "chat").ready
                    darkest[name] = min(darkest[name], ready)
            time.sleep(0.5)
            for name, lasts in lengths.items():
                if start + lasts - timedelta(seconds=1) < now < start + lasts:
                    _compare_with_ledger(rig, f"budget-{name}", start)
    for name, lasts in lengths.items():
        share = _spent_share(rig, f"budget-{name}", start, lasts)
        record_property(f"spent of the {name}-minute limit", f"{share:.4%}")
        print(f"budget-{name}: {share:.3%} of the limit, least ready {darkest[name]}")
        assert 0.95 <= share <= 1.005
        assert darkest[name] >= 1


def _spent_share(rig: Rig, namespace: str, start: datetime, lasts: timedelta) -> float:
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
