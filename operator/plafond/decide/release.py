"""
From shares to ceilings: lowered at once, raised with care.

A ceiling in force is a promise that others plan with. So headroom that does not bind is left alone
while it fits, and a workload grows only by what others have already released: ceilings that were
lowered and whose pods are gone, not ceilings that are about to be lowered.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from plafond.decide.limits import Room
from plafond.decide.precedence import for_shares
from plafond.decide.share import Claim, Grant
from plafond.model.money import ZERO, ByUnit, elapsed_microseconds
from plafond.model.settings import Timing
from plafond.model.workload import WorkloadId

# The smallest step in which a ceiling that has bound is raised; larger ones double it.
SMALLEST_STEP = 4


class Ceiling(NamedTuple):
    """A ceiling to be in force from now on; *is_remembered*: an autoscaler might jump past it."""

    replicas: int
    bound_at: datetime | None
    raised_at: datetime | None
    is_remembered: bool = False


class Moment(NamedTuple):
    """
    When ceilings are released.

    Attributes:
        time_left: to the end of the window that ends first; None without a budget.
        is_tight: no headroom, because money is short.

    """

    now: datetime
    timing: Timing
    time_left: timedelta | None = None
    is_tight: bool = False


def release(
    claims: Iterable[Claim], grants: Mapping[WorkloadId, Grant], room: Room, moment: Moment
) -> dict[WorkloadId, Ceiling]:
    """Return the new ceilings; *room* is what the limits leave for all of them together."""
    claims = sorted(claims, key=lambda c: for_shares(c.workload_class, c.id))
    given = [grants[claim.id] for claim in claims]
    aims = _aims(claims, given, room, moment)
    # Without a ceiling so far, what runs is what the workload holds.
    bases = [min(aim, _held(claim)) for claim, aim in zip(claims, aims, strict=True)]
    pods = [max(base, c.running) + c.beyond for c, base in zip(claims, bases, strict=True)]
    room = room.beside(_costs(claims, pods))
    ceilings: dict[WorkloadId, Ceiling] = {}
    for claim, grant, aim, base in zip(claims, given, aims, bases, strict=True):
        rise = 0
        if aim > base:
            wanted = _step(claim, aim - base, moment)
            # What runs above its ceiling is committed already: letting it run needs no more room.
            paid = min(wanted, max(0, claim.running - base))
            fitting = _fitting(claim, room, wanted - paid, moment)
            room = room.without(claim.cost, fitting)
            rise = paid + fitting
        ceilings[claim.id] = _ceiling(claim, grant, max(base + rise, _floor(claim)), moment)
    return ceilings


def _aims(claims: list[Claim], given: list[Grant], room: Room, moment: Moment) -> list[int]:
    aims = [_aim(c, grant, moment) for c, grant in zip(claims, given, strict=True)]
    if all(left >= 0 for left in room.beside(_costs(claims, aims)).left):
        return aims
    # Headroom that did not bind does not fit any more.
    granted = [_granted(c, grant, moment) for c, grant in zip(claims, given, strict=True)]
    return [min(both) for both in zip(aims, granted, strict=True)]


def _costs(claims: list[Claim], counts: list[int]) -> list[tuple[ByUnit, int]]:
    return [(claim.cost, count) for claim, count in zip(claims, counts, strict=True)]


def _held(claim: Claim) -> int:
    return claim.running if claim.in_force is None else claim.in_force


def _is_short(claim: Claim, grant: Grant, moment: Moment) -> bool:
    # Money does not carry its recommendation, or no headroom beyond that of anybody.
    return moment.is_tight or grant.replicas < claim.recommended


def _granted(claim: Claim, grant: Grant, moment: Moment) -> int:
    return grant.replicas if _is_short(claim, grant, moment) else grant.with_headroom


def _aim(claim: Claim, grant: Grant, moment: Moment) -> int:
    is_short, in_force = _is_short(claim, grant, moment), claim.in_force
    aim = grant.replicas if is_short else grant.with_headroom
    if in_force is not None and not is_short:
        # Headroom that does not bind is left alone while it fits.
        fits = max(claim.recommended, claim.floor) <= in_force <= claim.most
        aim = in_force if fits else aim
    return min(aim, _held(claim)) if claim.is_held else aim


def _floor(claim: Claim) -> int:
    # A funded floor is granted whatever others hold; but what is not known raises nothing.
    if claim.is_held and claim.in_force is not None:
        return min(claim.floor, claim.in_force)
    return claim.floor


def _step(claim: Claim, rise: int, moment: Moment) -> int:
    if not _bound_lately(claim, moment):
        return rise
    timing, raised_at = moment.timing, claim.raised_at
    if raised_at is not None and moment.now < raised_at + timing.raise_interval:
        return 0
    in_force = claim.in_force or 0
    return min(rise, max(in_force, SMALLEST_STEP), max(0, claim.recommended - in_force))


def _fitting(claim: Claim, room: Room, wanted: int, moment: Moment) -> int:
    fitting = room.most(claim.cost, wanted) if wanted else 0
    if not fitting or not _bound_lately(claim, moment):
        return fitting
    # Whoever is raised with the last money is lowered again by the first rounding, and every end is
    # paid until the pod is gone: so a raise has to carry the end of what it starts. Of a budget:
    # what runs at one time ends once, and is used up by nothing.
    budgets, whole = room.of_budgets(), 1 + _end_share(claim, moment)
    units = [limit.unit for limit in budgets.limits if limit.unit in claim.cost]
    return budgets.most({unit: claim.cost[unit] * whole for unit in units}, fitting)


def _end_share(claim: Claim, moment: Moment) -> Decimal:
    """Return what ending a replica costs, as a part of what it costs to the window's end."""
    if moment.time_left is None:
        return ZERO
    ending = claim.grace + moment.timing.evaluation_period
    return Decimal(elapsed_microseconds(ending)) / elapsed_microseconds(moment.time_left)


def _bound_lately(claim: Claim, moment: Moment) -> bool:
    if claim.bound_at is None:
        return False
    return moment.now < claim.bound_at + max(moment.timing.bound_memory, claim.remembers_for)


def _ceiling(claim: Claim, grant: Grant, replicas: int, moment: Moment) -> Ceiling:
    in_force, bound_at, raised_at = claim.in_force, claim.bound_at, claim.raised_at
    # What is asked for in vain is remembered, for whatever reason there was no more.
    is_cut = in_force is not None and replicas < claim.asked
    is_remembered = is_cut or (claim.asked > 0 and _bound_lately(claim, moment))
    if bound_at is not None and in_force is not None and replicas > in_force:
        raised_at = moment.now
    if is_cut or grant.replicas < claim.recommended:
        bound_at = moment.now
    return Ceiling(replicas, bound_at, raised_at, is_remembered)
