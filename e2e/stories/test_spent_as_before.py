"""Whatever is renamed, deleted, made again or relabelled in mid-window: spent as before."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.kubectl import as_text
from e2e.stories.counted import Counted, is_true
from e2e.stories.quiet import passes
from e2e.world import (
    Watched,
    condition,
    deployment,
    fixed_budget,
    operator,
    policy,
    price_sheet,
    utc_now,
)

REPLICAS = 3
LASTS = timedelta(minutes=30)


def limited(namespace: str, start: datetime, name: str = "ceiling", budget: str = "window") -> Any:
    """Return a policy with one budget that is never short."""
    plan = {**fixed_budget("900", start, LASTS), "name": budget}
    return policy(namespace, name, currency="EUR", budgets=[plan])


@dataclass(frozen=True)
class Window:
    """A window that has begun in a namespace, whatever becomes of its policy."""

    rig: Rig
    namespace: str
    start: datetime

    def kubectl(self, *args: str, stdin: str | None = None) -> None:
        """Run kubectl in the namespace."""
        self.rig.kubectl(*args, "-n", self.namespace, stdin=stdin)

    def limit(self, name: str, budget: str = "window") -> dict[str, str]:
        """Apply a policy with one budget; return the labels of its spend."""
        self.rig.apply(limited(self.namespace, self.start, name, budget))
        return {"policy": name, "budget": budget}


def rename_the_policy(window: Window) -> dict[str, str]:
    window.kubectl("delete", "costpolicy", "ceiling")
    return window.limit("another")


def rename_the_budget(window: Window) -> dict[str, str]:
    return window.limit("another", "span")


def make_the_policy_again(window: Window) -> dict[str, str]:
    window.kubectl("delete", "costpolicy", "another")
    passes(3)  # several in which nothing governs the namespace
    return window.limit("ceiling")


def relabel_the_workload(window: Window) -> dict[str, str]:
    window.kubectl("label", "deployment/chat", "tier=cold")
    return {"policy": "ceiling"}


def make_the_workload_again(window: Window) -> dict[str, str]:
    window.kubectl("delete", "deployment/chat")
    manifest = deployment(window.namespace, "chat", REPLICAS - 1)
    window.kubectl("create", "-f", "-", stdin=as_text(manifest))
    return {"policy": "ceiling"}


CHANGES = (
    rename_the_policy,
    rename_the_budget,
    make_the_policy_again,
    relabel_the_workload,
    make_the_workload_again,
)


@pytest.mark.timeout(180)
def test_what_was_spent_stays_spent_whatever_is_renamed(
    rig: Rig, namespace: str, tmp_path, record_property
):
    rig.apply(price_sheet("story-eur", "EUR"))
    rig.apply(deployment(namespace, "chat", REPLICAS))
    Watched(rig, namespace, "chat").comes_to(REPLICAS)
    window = Window(rig, namespace, utc_now().replace(microsecond=0))
    labels = window.limit("ceiling")
    with operator(rig, tmp_path):
        spent = Counted.now(rig, namespace, **labels)
        for change in CHANGES:
            labels = change(window)
            passes(2)
            now = Counted.now(rig, namespace, **labels)
            record_property(change.__name__, f"{spent.used:.4f} EUR, then {now.used:.4f}")
            assert now.used > spent.used
            assert is_true(rig, namespace, now, window.start)
            spent = now


@pytest.mark.timeout(180)
def test_prices_that_change_in_mid_window_change_nothing_of_what_was_spent(
    rig: Rig, namespace: str, tmp_path, record_property
):
    """Fault 14."""
    rig.apply(price_sheet("story-sek", "SEK", "3.60"))
    rig.apply(deployment(namespace, "chat", REPLICAS))
    Watched(rig, namespace, "chat").comes_to(REPLICAS)
    start = utc_now().replace(microsecond=0)
    budget = fixed_budget("900", start, LASTS)
    rig.apply(policy(namespace, currency="SEK", budgets=[budget]))
    with operator(rig, tmp_path):
        passes(5)
        before = Counted.now(rig, namespace)
        for price in ("7.20", "0.72"):
            rig.apply(price_sheet("story-sek", "SEK", price))
            passes(5)
            after = Counted.now(rig, namespace)
            seconds = (after.at - before.at).total_seconds()
            rate = (after.used - before.used) / seconds / REPLICAS * 3600
            record_property(f"an hour of a replica at {price}", f"{rate:.2f} SEK counted")
            # A pass or two of the stretch may still have had the price before.
            assert rate == pytest.approx(float(price), abs=7.2 * 2 / seconds)
            assert after.used > before.used
            before = after
        assert condition(rig, namespace, "Ready")[0] == "True"
