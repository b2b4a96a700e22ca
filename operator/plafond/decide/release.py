"""
From shares to ceilings: lowered at once, raised with care.

A ceiling in force is a promise that others plan with. So headroom that does not bind is left alone
while it fits, and a workload grows only by what others have already released: ceilings that were
lowered and whose pods are gone, not ceilings that are about to be lowered.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from plafond.decide.limits import Room
from plafond.decide.precedence import for_shares
from plafond.decide.share import Claim, Grant
from plafond.model.settings import Timing
from plafond.model.workload import WorkloadId

# The smallest step in which a ceiling that has bound is raised; larger ones double it.
SMALLEST_STEP = 4


class Holding(NamedTuple):
    """
    One workload's share beside what it holds now.

    Attributes:
        in_force: its ceiling now; None when it has none.
        running: what its spec asks for now.
        beyond: pods that cost beside those.
        end_share: what ending a replica costs, as a part of what it costs to the window's end.
        is_held: facts are missing, so its ceiling may not be raised.
        is_tight: no headroom, because money is short.
        asked: what its autoscaler asks for, whatever money carries; 0 when it has none.
        remembers_for: for so long that autoscaler remembers what it once asked for.

    """

    claim: Claim
    grant: Grant
    in_force: int | None
    running: int
    beyond: int
    bound_at: datetime | None
    raised_at: datetime | None
    end_share: Decimal = Decimal(0)
    is_held: bool = False
    is_tight: bool = False
    asked: int = 0
    remembers_for: timedelta = timedelta(0)

    @property
    def is_short(self) -> bool:
        """Money does not carry its recommendation."""
        return self.grant.replicas < self.claim.recommended


class Ceiling(NamedTuple):
    """A ceiling to be in force from now on; *is_remembered*: an autoscaler might jump past it."""

    replicas: int
    bound_at: datetime | None
    raised_at: datetime | None
    is_remembered: bool = False


def release(
    holdings: Iterable[Holding], room: Room, now: datetime, timing: Timing
) -> dict[WorkloadId, Ceiling]:
    """Return the new ceilings; *room* is what the limits leave for all of them together."""
    holdings = sorted(holdings, key=lambda h: for_shares(h.claim.workload_class, h.claim.id))
    aims = {h.claim.id: _aim(h) for h in holdings}
    if _overflows(holdings, aims, room):
        aims = {h.claim.id: min(aims[h.claim.id], _granted(h)) for h in holdings}
    room = room.beside((h.claim.cost, _committed(h, aims[h.claim.id])) for h in holdings)
    ceilings: dict[WorkloadId, Ceiling] = {}
    for holding in holdings:
        base = _base(holding, aims[holding.claim.id])
        wanted = _step(holding, aims[holding.claim.id] - base, now, timing)
        has_bound = _bound_lately(holding, now, timing)
        # What runs above its ceiling is committed already: letting it run needs no more room.
        paid = min(wanted, max(0, holding.running - base))
        rise = paid + _fitting(holding, room, wanted - paid, has_bound=has_bound)
        room = room.without(holding.claim.cost, rise - paid)
        ceilings[holding.claim.id] = _ceiling(
            holding, max(base + rise, _floor(holding)), now, timing
        )
    return ceilings


def _aim(holding: Holding) -> int:
    aim, in_force = _granted(holding), holding.in_force
    if in_force is None:
        return min(aim, holding.running) if holding.is_held else aim
    fits = max(holding.claim.recommended, holding.claim.floor) <= in_force <= holding.claim.most
    if fits and not holding.is_short and not holding.is_tight:
        aim = in_force
    return min(aim, in_force) if holding.is_held else aim


def _granted(holding: Holding) -> int:
    short = holding.is_short or holding.is_tight
    return holding.grant.replicas if short else holding.grant.with_headroom


def _overflows(holdings: list[Holding], aims: dict[WorkloadId, int], room: Room) -> bool:
    room = room.beside((h.claim.cost, aims[h.claim.id]) for h in holdings)
    return any(left < 0 for left in room.left)


def _base(holding: Holding, aim: int) -> int:
    # Without a ceiling so far, what runs is what the workload holds.
    return min(aim, holding.running if holding.in_force is None else holding.in_force)


def _floor(holding: Holding) -> int:
    # A funded floor is granted whatever others hold; but what is not known raises nothing.
    floor, in_force = holding.claim.floor, holding.in_force
    return min(floor, in_force) if holding.is_held and in_force is not None else floor


def _committed(holding: Holding, aim: int) -> int:
    return max(_base(holding, aim), holding.running) + holding.beyond


def _step(holding: Holding, rise: int, now: datetime, timing: Timing) -> int:
    if rise <= 0 or not _bound_lately(holding, now, timing):
        return max(0, rise)
    if holding.raised_at is not None and now < holding.raised_at + timing.raise_interval:
        return 0
    in_force = holding.in_force or 0
    return min(rise, max(in_force, SMALLEST_STEP), max(0, holding.claim.recommended - in_force))


def _fitting(holding: Holding, room: Room, wanted: int, *, has_bound: bool) -> int:
    fitting = room.most(holding.claim.cost, wanted) if wanted else 0
    if not has_bound or not fitting:
        return fitting
    # Whoever is raised with the last money is lowered again by the first rounding, and every end is
    # paid until the pod is gone: so a raise has to carry the end of what it starts. Of a budget:
    # what runs at one time ends once, and is used up by nothing.
    with_end = {unit: cost * (1 + holding.end_share) for unit, cost in holding.claim.cost.items()}
    return room.of_budgets().most(with_end, fitting)


def _bound_lately(holding: Holding, now: datetime, timing: Timing) -> bool:
    memory = max(timing.bound_memory, holding.remembers_for)
    return holding.bound_at is not None and now < holding.bound_at + memory


def _ceiling(holding: Holding, replicas: int, now: datetime, timing: Timing) -> Ceiling:
    rose = holding.in_force is not None and replicas > holding.in_force
    # What is asked for in vain is remembered, for whatever reason there was no more.
    is_cut = holding.in_force is not None and replicas < holding.asked
    binds = holding.is_short or is_cut
    is_remembered = is_cut or (holding.asked > 0 and _bound_lately(holding, now, timing))
    return Ceiling(
        replicas,
        now if binds else holding.bound_at,
        now if rose and holding.bound_at is not None else holding.raised_at,
        is_remembered,
    )
