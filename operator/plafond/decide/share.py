"""
Who gets what of the carried rate.

One replica at a time, classes in order; inside a class to the workload with the smallest granted
part of its recommendation, ties by kind and name; one that does not fit is skipped. First up to the
recommendation in all classes, then as much again as headroom.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from plafond.decide.limits import Limit, Room
from plafond.decide.precedence import for_shares
from plafond.model.money import ByUnit
from plafond.model.workload import WorkloadClass, WorkloadId

# Headroom leaves this part of every limit untouched: a limit that moves a little shall not make it
# necessary to take headroom back in every pass.
UNTOUCHED = Decimal("0.10")
NOT_AT_ALL = timedelta(0)


class Claim(NamedTuple):
    """
    What one workload asks for, beside what it holds now.

    Attributes:
        floor: granted whatever it costs; *most* is never passed.
        in_force: its ceiling now; None when it has none.
        running: what its spec asks for now.
        beyond: pods that cost beside those.
        grace: for so long a replica costs that is ending.
        is_held: facts are missing, so its ceiling may not be raised.
        asked: what its autoscaler asks for, whatever money carries; 0 when it has none.
        remembers_for: for so long that autoscaler remembers what it once asked for.

    """

    id: WorkloadId
    workload_class: WorkloadClass
    cost: ByUnit
    floor: int
    recommended: int
    most: int
    in_force: int | None = None
    running: int = 0
    beyond: int = 0
    bound_at: datetime | None = None
    raised_at: datetime | None = None
    grace: timedelta = NOT_AT_ALL
    is_held: bool = False
    asked: int = 0
    remembers_for: timedelta = NOT_AT_ALL

    def up_to(self, most: int) -> "Claim":
        """Return the same for *most* replicas at most."""
        floor, recommended = min(self.floor, most), min(self.recommended, most)
        return self._replace(floor=floor, recommended=recommended, most=min(self.most, most))


class Grant(NamedTuple):
    """What a workload gets: *replicas* of its claim, with headroom, and what kept it from more."""

    replicas: int
    with_headroom: int
    obstacle: Limit | None


def share(claims: Iterable[Claim], room: Room, *, headroom: bool) -> dict[WorkloadId, Grant]:
    """Share *room* among *claims*; the outcome does not depend on their order."""
    claims = sorted(claims, key=lambda c: for_shares(c.workload_class, c.id))
    floors = [c.floor for c in claims]
    room = room.beside([(c.cost, c.floor) for c in claims])
    dealt = _dealt(claims, _Dealt(floors, room, {}), [max(c.recommended, c.floor) for c in claims])
    ample = dealt
    if headroom:
        reserve = zip(room.limits, dealt.room.left, strict=True)
        left = tuple([left - limit.rate * UNTOUCHED for limit, left in reserve])
        goals = [min(c.most, 2 * max(c.recommended, 1)) for c in claims]
        ample = _dealt(claims, _Dealt(dealt.granted, Room(room.limits, left), {}), goals)
    both = zip(claims, dealt.granted, ample.granted, strict=True)
    return {
        claim.id: Grant(granted, most, dealt.obstacles.get(place))
        for place, (claim, granted, most) in enumerate(both)
    }


class _Dealt(NamedTuple):
    """What each claim was given so far, what kept it from more, and the room that is left."""

    granted: Sequence[int]
    room: Room
    obstacles: Mapping[int, Limit]


def _dealt(claims: Sequence[Claim], before: _Dealt, goals: Sequence[int]) -> _Dealt:
    by_class = groupby(range(len(claims)), key=lambda place: claims[place].workload_class)
    for _, places in by_class:
        of_class = list(places)
        whole = _whole(claims, of_class, before, goals)
        before = _in_turns(claims, of_class, before, goals) if whole is None else whole
    return before


def _whole(
    claims: Sequence[Claim], places: Iterable[int], before: _Dealt, goals: Sequence[int]
) -> _Dealt | None:
    # Nearly always everything fits: then the outcome is the same as one replica at a time. Nothing
    # costs less than nothing, so what is left at the end was left all the time.
    granted, room = list(before.granted), before.room
    taken = []
    for place in places:
        missing = goals[place] - granted[place]
        if missing > 0:
            taken.append((claims[place].cost, missing))
            granted[place] = goals[place]
    after = room.beside(taken)
    for left, was_left in zip(after.left, room.left, strict=True):
        if left < 0 and left != was_left:
            return None
    return _Dealt(granted, after, before.obstacles)


def _in_turns(
    claims: Sequence[Claim], places: Iterable[int], before: _Dealt, goals: Sequence[int]
) -> _Dealt:
    granted, room, obstacles = list(before.granted), before.room, dict(before.obstacles)
    queue = [(_part(claims[i], granted[i]), i) for i in places if granted[i] < goals[i]]
    heapq.heapify(queue)
    while queue:
        place = heapq.heappop(queue)[1]
        claim = claims[place]
        if not queue:
            # Nobody is left to take turns with: all that fits is given at once.
            fitting = room.most(claim.cost, goals[place] - granted[place])
            room = room.without(claim.cost, fitting)
            granted[place] += fitting
        if granted[place] == goals[place]:
            break
        after = room.beside_one(claim.cost)
        if isinstance(after, Limit):
            obstacles[place] = after
            continue
        room = after
        granted[place] += 1
        if granted[place] < goals[place]:
            heapq.heappush(queue, (_part(claim, granted[place]), place))
    return _Dealt(granted, room, obstacles)


def _part(claim: Claim, granted: int) -> float:
    # Equal fractions divide to equal floats, so ties are exact.
    return granted / max(claim.recommended, 1)
