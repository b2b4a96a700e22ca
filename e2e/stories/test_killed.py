"""The budget story once more, with an operator that is killed and frozen again and again."""

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.rig.processes import Process
from e2e.stories.counted import used_in
from e2e.stories.scraped import scraped
from e2e.stories.test_budget import AFFORDED_REPLICAS, begin, spent_share
from e2e.world import TIMING, Watched, operator, pod_starts, truth, utc_now

LASTS = timedelta(minutes=4)
KILLS, FREEZES = 20, 4
LONGEST_FREEZE_SECONDS = 6.0
# Whoever is dead does not see when a pod ends, and pays for it from the last checkpoint until it
# looks again. Twenty kills in four minutes leave no interval of the usual length; and no lease of
# four seconds is waited for: who leads after whom is another story.
OFTEN_DEAD = {
    "timing": {**TIMING, "checkpointInterval": "1s"},
    "leaderElection": {"enabled": False},
}
# The same moments again: this variable, with the seed that was printed.
SEED_VARIABLE = "PLAFOND_SEED"


@dataclass(frozen=True)
class Blow:
    """What happens to the operator, and when."""

    at: datetime
    fall: Callable[[Process], None]


def killed(running: Process) -> None:
    """Kill it; somebody starts it again at once."""
    running.kill()
    running.start()


def blows(dice: random.Random, start: datetime) -> Iterator[Blow]:
    """Yield kills at any moment of the window, and freezes that end."""
    seconds = LASTS.total_seconds()
    for _ in range(KILLS):
        yield Blow(start + timedelta(seconds=dice.uniform(0, seconds)), killed)
    for _ in range(FREEZES):
        frozen = start + timedelta(seconds=dice.uniform(0, seconds))
        thawed = frozen + timedelta(seconds=dice.uniform(1, LONGEST_FREEZE_SECONDS))
        yield from (Blow(frozen, Process.pause), Blow(thawed, Process.resume))


@dataclass
class Seen:
    """What was seen until the window ended: the fewest that served, and the last count of money."""

    least: int
    at: datetime
    used: float = 0.0

    def look(self, rig: Rig, chat: Watched) -> None:
        """Look at replicas, and at the operator's own metrics if it is there."""
        self.least = min(self.least, chat.ready)
        page = scraped(f"http://127.0.0.1:{rig.operator_metrics_port}/metrics")
        counted = used_in(page, chat.namespace)
        at = page.get("plafond_last_pass_timestamp_seconds", 0.0)
        # A process that has just begun has counted before it has completed a pass.
        if counted and at:
            self.used, self.at = sum(counted), datetime.fromtimestamp(at, UTC)


@pytest.mark.timeout(420)
@pytest.mark.lasts(4)
def test_killed_at_twenty_random_moments_a_window_ends_as_it_would_have(
    rig: Rig, namespace: str, tmp_path, record_property
):
    """Faults 29 and 31."""
    seed = int(os.environ.get(SEED_VARIABLE, random.SystemRandom().randrange(2**32)))
    record_property("seed", f"{seed}, again with {SEED_VARIABLE}={seed}")
    start = begin(rig, namespace, LASTS)
    dice = random.Random(seed)  # noqa: S311 - to be thrown again, and no secret
    with operator(rig, tmp_path, **OFTEN_DEAD) as running:
        coming = sorted(blows(dice, start), key=lambda blow: blow.at)
        seen = _endure(Watched(rig, namespace, "chat"), running, coming, start)
    share = spent_share(rig, namespace, start, LASTS)
    true = float(truth(rig, namespace, start, seen.at))
    starts = pod_starts(rig.audit.pod_lifetimes(namespace), start - timedelta(minutes=1), seen.at)
    record_property("spent of the limit", f"{share:.3%}")
    record_property("least ready replicas", seen.least)
    record_property("counted", f"{seen.used:.4f} of {true:.4f} EUR, {starts} pod starts")
    assert 0.9 <= share <= 1.001
    assert seen.least >= 1
    # Half of a percent, or a second for each start; and a second of what runs for the last pass.
    allowed = max(true * 0.005, starts * 0.001) + AFFORDED_REPLICAS * 0.001
    assert abs(true - seen.used) <= allowed


def _endure(chat: Watched, running: Process, coming: list[Blow], start: datetime) -> Seen:
    """Let the blows fall until the window ends; return what was seen meanwhile."""
    seen = Seen(chat.ready, start)

    def is_over() -> bool:
        while coming and coming[0].at <= utc_now():
            coming.pop(0).fall(running)
        if utc_now() > start:
            seen.look(chat.rig, chat)
        return utc_now() >= start + LASTS

    poll(is_over, LASTS.total_seconds() + 60, every=0.3, what="the window to end")
    return seen
