"""
Who gets what of the carried rate.

One replica at a time, classes in order; inside a class to the workload with the smallest granted
part of its recommendation, ties by kind and name; one that does not fit is skipped. First up to the
recommendation in all classes, then as much again as headroom.
"""

import heapq
from collections.abc import Callable, Iterable, Mapping
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


class Claim(NamedTuple):
    """What one workload asks for; *floor* is granted whatever it costs, *most* is never passed."""

    id: WorkloadId
    workload_class: WorkloadClass
    cost: ByUnit
    floor: int
    recommended: int
    most: int

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
    granted = {claim.id: claim.floor for claim in claims}
    room = room.beside((claim.cost, claim.floor) for claim in claims)
    obstacles: dict[WorkloadId, Limit] = {}
    room = _fill(claims, granted, room, obstacles, lambda c: max(c.recommended, c.floor))
    ample = dict(granted)
    if headroom:
        reserve = zip(room.limits, room.left, strict=True)
        room = Room(room.limits, tuple(left - limit.rate * UNTOUCHED for limit, left in reserve))
        _fill(claims, ample, room, {}, lambda c: min(c.most, 2 * max(c.recommended, 1)))
    return {c.id: Grant(granted[c.id], ample[c.id], obstacles.get(c.id)) for c in claims}


def _fill(
    claims: list[Claim],
    granted: dict[WorkloadId, int],
    room: Room,
    obstacles: dict[WorkloadId, Limit],
    goal: Callable[[Claim], int],
) -> Room:
    for _, group in groupby(claims, key=lambda c: c.workload_class):
        room = _fill_class(list(group), granted, room, obstacles, goal)
    return room


def _fill_class(
    claims: list[Claim],
    granted: dict[WorkloadId, int],
    room: Room,
    obstacles: dict[WorkloadId, Limit],
    goal: Callable[[Claim], int],
) -> Room:
    goals = {claim.id: goal(claim) for claim in claims}
    whole = _whole_class(claims, granted, room, goals)
    if whole is not None:
        granted.update({c.id: max(granted[c.id], goals[c.id]) for c in claims})
        return whole
    by_id = {claim.id: claim for claim in claims}
    queue = [(_part(c, granted), c.id) for c in claims if granted[c.id] < goals[c.id]]
    heapq.heapify(queue)
    while len(queue) > 1:
        claim = by_id[heapq.heappop(queue)[1]]
        obstacle = room.obstacle(claim.cost)
        if obstacle is not None:
            obstacles[claim.id] = obstacle
            continue
        room = room.without(claim.cost)
        granted[claim.id] += 1
        if granted[claim.id] < goals[claim.id]:
            heapq.heappush(queue, (_part(claim, granted), claim.id))
    return _fill_last(by_id[queue[0][1]], granted, room, obstacles, goals) if queue else room


def _fill_last(
    claim: Claim,
    granted: dict[WorkloadId, int],
    room: Room,
    obstacles: dict[WorkloadId, Limit],
    goals: Mapping[WorkloadId, int],
) -> Room:
    # Nobody is left to take turns with.
    missing = goals[claim.id] - granted[claim.id]
    fitting = room.most(claim.cost, missing)
    room = room.without(claim.cost, fitting)
    granted[claim.id] += fitting
    obstacle = room.obstacle(claim.cost) if fitting < missing else None
    if obstacle is not None:
        obstacles[claim.id] = obstacle
    return room


def _whole_class(
    claims: list[Claim],
    granted: Mapping[WorkloadId, int],
    room: Room,
    goals: Mapping[WorkloadId, int],
) -> Room | None:
    # Nearly always everything fits: then the outcome is the same as one replica at a time.
    for claim in claims:
        missing = goals[claim.id] - granted[claim.id]
        if missing > 0:
            if room.obstacle(claim.cost, missing) is not None:
                return None
            room = room.without(claim.cost, missing)
    return room


def _part(claim: Claim, granted: Mapping[WorkloadId, int]) -> float:
    # Equal fractions divide to equal floats, so ties are exact.
    return granted[claim.id] / max(claim.recommended, 1)
