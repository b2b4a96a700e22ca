"""
Which floors the budgets can carry to the end of their windows.

Replica by replica in the order class, age, name, and no further than the first that does not fit:
a floor is a promise, and a promise that skips ahead of an older one is none.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from plafond.account.account import SetAccount, WorkloadAccount
from plafond.decide.lasting import lasting_rate
from plafond.decide.limits import Limit, Room
from plafond.decide.precedence import for_floors
from plafond.decide.reason import Reason
from plafond.model.budget import BudgetPosition, OnExhausted
from plafond.model.money import TOKENS, ZERO, ByUnit, is_resource_unit
from plafond.model.settings import Timing
from plafond.model.workload import WorkloadId

# A floor that was dropped returns only with this much to spare.
TO_SPARE = Decimal("0.05")


class Promise(NamedTuple):
    """What is carried of a workload's floor, when it last was less than before, and until when."""

    funded: int
    dropped_at: datetime | None
    until: datetime | None


class Funding(NamedTuple):
    """
    How many replicas of each workload's floor are carried, and what they cost together.

    Attributes:
        cost: by the unit of each budget.
        until: when the first window of a budget ends; None where none does.
        units: of the budgets that they were funded by, but for what nobody has to price.

    """

    floors: Mapping[WorkloadId, int]
    cost: ByUnit
    until: datetime | None = None
    units: frozenset[str] = frozenset()

    def promise(self, target: WorkloadAccount, now: datetime) -> "Promise":
        """Return what this promises *target*."""
        promised, memory = target.promised_replicas, target.memory
        funded = min(self.floors[target.id], promised)
        before = promised if memory.funded_floor is None else memory.funded_floor
        dropped = now if funded < before else memory.floor_dropped_at
        # What has no price was not funded: what it was promised before is looked at again.
        until = self.until if self.units <= target.cost.keys() else memory.floor_until
        return Promise(funded, dropped, until)


def fund(
    set_account: SetAccount, instantaneous: tuple[Limit, ...], now: datetime, timing: Timing
) -> Funding:
    """Fund the floors of all targets."""
    order = sorted(
        set_account.targets,
        key=lambda t: for_floors(t.targeted.class_rule.workload_class, t.workload),
    )
    if any(_stops_all(position) for position in set_account.positions):
        return _funding({target.id: _pinned(target) for target in order}, order, set_account)
    floors = _kept_promises(set_account, order, instantaneous)
    is_unseen = set_account.unseen is not None and not _is_any_spent(set_account, TOKENS)
    # Nearly always what is promised is what was carried before.
    if is_unseen or any(floors[each.id] < each.promised_replicas for each in order):
        room = _room(set_account, instantaneous)
        _add_while_fitting(order, floors, room, now - timing.floor_return_interval)
        if is_unseen:
            rest = room.where(lambda limit: limit.is_at_once or limit.unit != TOKENS)
            _keep_one_each(order, floors, rest)
    return _funding(floors, order, set_account)


def _room(set_account: SetAccount, instantaneous: tuple[Limit, ...]) -> Room:
    # What is unmanaged counts as of now against `ceilings`, and as its mean until a window's end.
    at_once = Room.under(instantaneous, set_account.unmanaged)
    steady = Room.under(map(_steady, set_account.positions), set_account.unmanaged_mean)
    return Room((*steady.limits, *at_once.limits), (*steady.left, *at_once.left))


def _funding(
    floors: Mapping[WorkloadId, int], order: list[WorkloadAccount], set_account: SetAccount
) -> Funding:
    ends = (p.ends_at for p in set_account.positions)
    units = {p.budget.limit.unit for p in set_account.positions}
    return Funding(
        floors,
        {unit: sum([floors[t.id] * t.cost.get(unit, ZERO) for t in order], ZERO) for unit in units},
        min((end for end in ends if end is not None), default=None),
        frozenset(unit for unit in units if not is_resource_unit(unit)),
    )


def _pinned(target: WorkloadAccount) -> int:
    # What cannot be lowered without harm costs what it costs: no money has to be found for it.
    return target.workload.replicas if target.workload.loses_volumes else 0


def _add_while_fitting(
    order: list[WorkloadAccount], floors: dict[WorkloadId, int], room: Room, dropped_by: datetime
) -> None:
    room = room.beside([(target.cost, floors[target.id]) for target in order])
    for target in order:
        cost = target.cost
        for _ in range(floors[target.id], target.promised_replicas):
            if not _may_return(target, floors[target.id], room, dropped_by):
                return
            room = room.without(cost)
            floors[target.id] += 1


def _keep_one_each(order: list[WorkloadAccount], floors: dict[WorkloadId, int], room: Room) -> None:
    # Tokens that are only reckoned with may lower what runs, and end nothing; money still may.
    room = room.beside([(target.cost, floors[target.id]) for target in order])
    for target in order:
        cost = target.cost
        if not floors[target.id] and target.workload.replicas and room.obstacle(cost) is None:
            floors[target.id] = 1
            room = room.without(cost)


def _is_any_spent(set_account: SetAccount, unit: str) -> bool:
    here = (p for p in set_account.positions if p.budget.limit.unit == unit)
    return any(position.is_exhausted for position in here)


def _may_return(target: WorkloadAccount, funded: int, room: Room, dropped_by: datetime) -> bool:
    cost, memory = target.cost, target.memory
    if memory.floor_dropped_at is None or funded < (memory.funded_floor or 0):
        return room.obstacle(cost) is None
    # It was dropped: it returns only after a while, and with something to spare.
    limits = zip(room.limits, room.left, strict=True)
    spared = tuple(left - limit.rate * TO_SPARE for limit, left in limits)
    return (
        memory.floor_dropped_at <= dropped_by and Room(room.limits, spared).obstacle(cost) is None
    )


def _kept_promises(
    set_account: SetAccount, order: list[WorkloadAccount], instantaneous: tuple[Limit, ...]
) -> dict[WorkloadId, int]:
    # With KeepFloors a funded floor stays so though the world grew dearer; `ceilings` outrank it.
    kept = all(p.budget.on_exhausted is OnExhausted.KEEP_FLOORS for p in set_account.positions)
    ends = {target.memory.floor_until for target in order}
    begun = {end: _begun(set_account.positions, end) for end in ends}
    names = frozenset().union(*begun.values())
    room = Room((), ())
    if instantaneous or names:
        room = _outranking(_room(set_account, instantaneous), names)
    floors: dict[WorkloadId, int] = {}
    for target in order:
        promised = min(target.memory.funded_floor or 0, target.promised_replicas)
        carried = promised if kept else 0
        if carried and room.limits:
            outranking = _outranking(room, begun[target.memory.floor_until])
            carried = outranking.most(target.cost, promised)
        floors[target.id] = max(carried, _pinned(target))
        room = room.without(target.cost, floors[target.id])
    return floors


def _begun(positions: tuple[BudgetPosition, ...], until: datetime | None) -> frozenset[str]:
    """Return the budgets in whose window nothing was promised yet, if that ended at *until*."""
    if until is None:
        return frozenset()
    # What one window could carry is no promise of the next.
    return frozenset(_name(p) for p in positions if not p.is_rolling and until <= p.span.start)


def _outranking(room: Room, begun: frozenset[str]) -> Room:
    return room.where(lambda limit: limit.is_at_once or limit.name in begun)


def _name(position: BudgetPosition) -> str:
    return f"{position.policy}/{position.budget.name}"


def _steady(position: BudgetPosition) -> Limit:
    rate = lasting_rate(position)
    return Limit(_name(position), position.budget.limit.unit, rate, Reason.FLOOR_UNFUNDED)


def _stops_all(position: BudgetPosition) -> bool:
    return position.is_exhausted and position.budget.on_exhausted is OnExhausted.STOP_ALL
