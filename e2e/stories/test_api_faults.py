"""Between operator and API server everything goes wrong once, and all comes to one end."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.faults import (
    ExpiredStreams,
    Fault,
    LateKinds,
    LostAnswers,
    LostEvents,
    OldLists,
    RefusedReads,
    RefusedWrites,
    RememberedLists,
    RepeatedEvents,
    SilentWatches,
)
from e2e.rig.nodes import GPU_NODES, Node
from e2e.stories.played import RAISED, End, Play
from e2e.stories.quiet import passes
from e2e.world import FACTOR, price_sheet

SIDE_BY_SIDE = 7
SOON = {"Retry-After": "1"}
LATE = {"namespaces": 2.5, "pods": 2.0, "replicasets": 1.5, "deployments": 0.7, "costpolicies": 0.3}
# What has ended runs again in a list that is older, and is paid for once more: for about so long.
REBORN_SECONDS = 40
# How many writes a misfortune may add for each that it refuses, and for each new beginning.
MORE_WRITES = 12


@dataclass(frozen=True)
class Misfortune:
    """What goes wrong: all the time, or between the lowering and the raise."""

    name: str
    number: int
    faults: Callable[[], Sequence[Fault]] = field(default=tuple)
    between: Callable[[Play], None] = lambda play: play.limit(RAISED)
    # For so long it may go unseen that a pod has ended.
    blind_seconds: float = 1.0
    # So many writes may be repeated, because nothing is heard of them.
    repeats: int = 0


def is_away(seconds: float) -> Callable[[Play], None]:
    """Return an API server that is away while somebody raises the limit through another one."""

    def between(play: Play) -> None:
        play.proxy.down()
        play.limit(RAISED)
        passes(seconds)
        play.proxy.up()

    return between


def falls_silent(play: Play) -> None:
    """Nothing is heard of the raise: not by an event, and no bookmark comes either."""
    silence = SilentWatches()
    silence.is_on = True
    play.proxy.faults = (*play.proxy.faults, silence)
    play.limit(RAISED)
    play.comes_to(lambda: play.count == 5, "new watches", within=120)
    silence.is_on = False


def loses_events(play: Play) -> None:
    """Half of what happens is not told."""
    lost = LostEvents()
    play.proxy.faults = (*play.proxy.faults, lost)
    play.limit(RAISED)
    passes(5)
    lost.is_over = True


def travels_back(play: Play) -> None:
    """The operator begins again with lists from before the lowering."""
    (lists,) = (each for each in play.proxy.faults if isinstance(each, RememberedLists))
    play.kill()
    first = lists.first
    play.proxy.faults = (*play.proxy.faults[:2], OldLists(first, late_seconds=5))
    play.start()
    passes(3)
    play.limit(RAISED)


MISFORTUNES = (
    Misfortune("silent watches", 22, between=falls_silent, blind_seconds=75),
    Misfortune("away for 60 s", 20, between=is_away(60), blind_seconds=70),
    Misfortune("away for 15 s", 20, between=is_away(15), blind_seconds=25),
    Misfortune("away for 1 s", 20, between=is_away(1), blind_seconds=11),
    Misfortune("410 on lists and watches", 21, lambda: [RefusedReads(410, 2)], blind_seconds=3),
    Misfortune("410 in streams", 21, lambda: [ExpiredStreams(3, times=3)], blind_seconds=5),
    Misfortune("503 on lists and watches", 20, lambda: [RefusedReads(503, 2)], blind_seconds=3),
    Misfortune(
        "429 on lists and watches", 27, lambda: [RefusedReads(429, 2, SOON)], blind_seconds=3
    ),
    Misfortune(
        "lists from before a restart", 23, lambda: [RememberedLists()], travels_back, REBORN_SECONDS
    ),
    Misfortune("every other event lost", 24, between=loses_events, blind_seconds=15, repeats=30),
    Misfortune("events repeated, older ones first", 24, lambda: [RepeatedEvents()]),
    Misfortune(
        "kinds late, each by its own time",
        24,
        lambda: [LateKinds(LATE)],
        blind_seconds=5,
        repeats=20,
    ),
    Misfortune("409 twice on each write", 25, lambda: [RefusedWrites(409, 2)]),
    Misfortune("422 twice on each write", 25, lambda: [RefusedWrites(422, 2)]),
    Misfortune("429 twice on each write", 27, lambda: [RefusedWrites(429, 2, SOON)]),
    Misfortune("403 twice on each write", 26, lambda: [RefusedWrites(403, 2)]),
    Misfortune("507 twice on each write", 28, lambda: [RefusedWrites(507, 2)]),
    Misfortune("the first answer to each write lost", 29, lambda: [LostAnswers(1)]),
)


@dataclass(frozen=True)
class Came:
    """How a play came out."""

    misfortune: Misfortune
    end: End
    writes: int
    miscount: tuple[float, float]


def come_out(play: Play, misfortune: Misfortune, end: End | None = None) -> Came:
    """Play through *misfortune* to *end*, and to silence."""
    with play.played(*misfortune.faults()):
        play.begin()
        misfortune.between(play)
        came_to = play.ends_well(end, within=120)
        return Came(
            misfortune,
            came_to,
            len(play.written.names),
            play.miscounted_by(misfortune.blind_seconds),
        )


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """A rig of its own, with room for many plays at once."""
    with Rig() as started:
        started.install()
        started.add_nodes((*GPU_NODES, *(Node(f"more-{n}") for n in range(8))))
        started.apply(price_sheet("story-eur", "EUR"))
        yield started


@pytest.mark.timeout(600)
@pytest.mark.lasts(3)
def test_whatever_goes_wrong_on_the_way_to_the_api_server_the_end_is_the_same(
    rig: Rig, tmp_path, record_property
):
    """Faults 20 to 29."""
    undisturbed = come_out(Play(rig, tmp_path), Misfortune("none", 0))
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        found = list(
            pool.map(lambda each: come_out(Play(rig, tmp_path), each, undisturbed.end), MISFORTUNES)
        )
    record_property("scale", f"{FACTOR}: what takes a minute there takes three seconds here")
    record_property("writes without any misfortune", undisturbed.writes)
    for each in found:
        name = f"fault {each.misfortune.number}, {each.misfortune.name}"
        record_property(name, f"{each.writes} writes, miscounted {each.miscount[0]:.4f} EUR")
    assert all(each.end == undisturbed.end for each in found)
    assert too_many(undisturbed, found) == {}
    assert {e.misfortune.name: e.miscount for e in found if e.miscount[0] > e.miscount[1]} == {}


def too_many(undisturbed: Came, found: Sequence[Came]) -> Mapping[str, int]:
    """Return what wrote more than may be: each kind of write was refused twice at most."""
    most = undisturbed.writes + 2 * 8 + MORE_WRITES
    return {e.misfortune.name: e.writes for e in found if e.writes > most + e.misfortune.repeats}
