"""The operator crashes before and after each of its writes, and all comes to one end."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.faults import CrashAt
from e2e.rig.nodes import GPU_NODES, Node
from e2e.stories.played import RAISED, WANTED, End, Play
from e2e.world import price_sheet

SIDE_BY_SIDE = 6


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """A rig of its own, with room for many plays at once."""
    with Rig() as started:
        started.install()
        started.add_nodes((*GPU_NODES, *(Node(f"more-{n}") for n in range(6))))
        started.apply(price_sheet("story-eur", "EUR"))
        yield started


@dataclass(frozen=True)
class Came:
    """How a play came out: its end, its writes, the write that it crashed at, the miscount."""

    end: End
    writes: list[str]
    miscount: tuple[float, float]
    crashed_at: str = ""


def come_out(play: Play, crash: CrashAt | None = None, end: End | None = None) -> Came:
    """Play to the end, which is as *end* or whatever comes of it, and to silence."""
    with play.played(*([crash] if crash else [])):
        play.begin()
        play.limit(RAISED)
        came_to = play.ends_well(end)
        hit = crash.hit if crash else ""
        return Came(came_to, list(play.written.names), play.miscounted_by(), hit)


def crashed(rig: Rig, directory: Path, where: tuple[int, bool], end: End) -> Came:
    """Play with one crash."""
    number, is_before = where
    play = Play(rig, directory)
    return come_out(play, CrashAt(number, play.kill, is_before=is_before), end)


@pytest.mark.timeout(600)
@pytest.mark.lasts(4)
def test_a_crash_before_or_after_any_write_changes_nothing_of_the_end(
    rig: Rig, tmp_path, record_property
):
    """Fault 29."""
    undisturbed = come_out(Play(rig, tmp_path))
    cases = [
        (n, is_before) for n in range(1, len(undisturbed.writes) + 1) for is_before in (True, False)
    ]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        found = list(pool.map(lambda where: crashed(rig, tmp_path, where, undisturbed.end), cases))
    counted = [each.miscount for each in (undisturbed, *found)]
    hit = [each.crashed_at for each in found if each.crashed_at]
    record_property("writes of the undisturbed play", "; ".join(undisturbed.writes))
    record_property("crashes before and after a write", f"{len(hit)}, all converged")
    record_property("at", ", ".join(f"{n} {what}" for what, n in Counter(hit).items()))
    record_property(
        "largest miscount of what may be", f"{max(m / most for m, most in counted):.0%}"
    )
    assert undisturbed.end.counts != WANTED
    assert len(hit) >= len(cases) - 4
    assert [each for each in found if each.end != undisturbed.end] == []
    assert all(miscount <= most for miscount, most in counted)
