"""
Which floors the budgets can carry to the end of their windows.

Replica by replica in the order class, age, name, and no further than the first that does not fit:
a floor is a promise, and a promise that skips ahead of an older one is none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from plafond.account.account import SetAccount, WorkloadAccount
from plafond.decide.lasting import lasting_rate
from plafond.decide.limits import Limit, Room
from plafond.decide.precedence import for_floors
from plafond.decide.reason import Reason
from plafond.model.budget import BudgetPosition, OnExhausted
from plafond.model.changed import changed
from plafond.model.memory import WorkloadMemory
from plafond.model.money import TOKENS, ByUnit, summed
from plafond.model.settings import Timing
from plafond.model.workload import WorkloadId

# A floor that was dropped returns only with this much to spare.
TO_SPARE = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class Funding:
    """How many replicas of each workload's floor are carried, and what they cost together."""

    floors: Mapping[WorkloadId, int]
    cost: ByUnit

    def remembered(self, target: WorkloadAccount, now: datetime) -> WorkloadMemory:
        """Return *target*'s memory with this funding in it."""
        promised, memory = target.promised_replicas, target.memory
        funded = min(self.floors[target.id], promised)
        before = promised
        if memory.funded_floor is not None:
            before = memory.funded_floor
        dropped = now if funded < before else memory.floor_dropped_at
        return changed(memory, funded_floor=funded, floor_dropped_at=dropped)


def fund(
    set_account: SetAccount, instantaneous: tuple[Limit, ...], now: datetime, timing: Timing
) -> Funding:
    """Fund the floors of all targets."""
    order = sorted(
        set_account.targets,
        key=lambda t: for_floors(t.targeted.class_rule.workload_class, t.workload),
    )
    if any(_stops_all(position) for position in set_account.positions):
        pinned = {target.id: _pinned(target) for target in order}
        return Funding(pinned, _cost(order, pinned))
    # What is unmanaged counts as of now against `ceilings`, and as its mean until a window's end.
    at_once = Room.under(instantaneous, set_account.unmanaged)
    begun = _to_the_end(set_account, _begun(set_account))
    floors = _kept_promises(set_account, order, _both(begun, at_once))
    room = _both(_to_the_end(set_account, set_account.positions), at_once)
    room = room.beside((target.cost, floors[target.id]) for target in order)
    _add_while_fitting(order, floors, room, now - timing.floor_return_interval)
    if set_account.unseen is not None and not _is_any_spent(set_account, TOKENS):
        _keep_one_each(order, floors, room.where(lambda x: x.is_at_once or x.unit != TOKENS))
    return Funding(floors, _cost(order, floors))


def _cost(targets: Iterable[WorkloadAccount], floors: Mapping[WorkloadId, int]) -> ByUnit:
    return summed({}, ((target.cost, floors[target.id]) for target in targets))


def _pinned(target: WorkloadAccount) -> int:
    # What cannot be lowered without harm costs what it costs: no money has to be found for it.
    return target.workload.replicas if target.workload.loses_volumes else 0


def _add_while_fitting(
    order: list[WorkloadAccount], floors: dict[WorkloadId, int], room: Room, dropped_by: datetime
) -> None:
    for target in order:
        cost = target.cost
        for _ in range(floors[target.id], target.promised_replicas):
            if not _may_return(target, floors[target.id], room, dropped_by):
                return
            room = room.without(cost)
            floors[target.id] += 1


def _keep_one_each(order: list[WorkloadAccount], floors: dict[WorkloadId, int], room: Room) -> None:
    # Tokens that are only reckoned with may lower what runs, and end nothing; money still may.
    room = room.beside((target.cost, floors[target.id]) for target in order)
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


def _begun(set_account: SetAccount) -> tuple[BudgetPosition, ...]:
    """Return the budgets whose window has begun since the pass before."""
    since = set_account.since
    if since is None:
        return ()
    # What one window could carry is no promise of the next.
    ending = (p for p in set_account.positions if not p.is_rolling)
    return tuple(p for p in ending if p.span.start > since)


def _to_the_end(set_account: SetAccount, budgets: Iterable[BudgetPosition]) -> Room:
    return Room.under(map(_steady, budgets), set_account.unmanaged_mean)


def _both(one: Room, other: Room) -> Room:
    return Room((*one.limits, *other.limits), (*one.left, *other.left))


def _kept_promises(
    set_account: SetAccount, order: list[WorkloadAccount], room: Room
) -> dict[WorkloadId, int]:
    # With KeepFloors a funded floor stays so though the world grew dearer; *room* outranks it.
    kept = all(p.budget.on_exhausted is OnExhausted.KEEP_FLOORS for p in set_account.positions)
    floors: dict[WorkloadId, int] = {}
    for target in order:
        promised = min(target.memory.funded_floor or 0, target.promised_replicas)
        carried = room.most(target.cost, promised) if kept else 0
        floors[target.id] = max(carried, _pinned(target))
        room = room.without(target.cost, floors[target.id])
    return floors


def _steady(position: BudgetPosition) -> Limit:
    rate = lasting_rate(position)
    return Limit(position.budget.name, position.budget.limit.unit, rate, Reason.FLOOR_UNFUNDED)


def _stops_all(position: BudgetPosition) -> bool:
    return position.is_exhausted and position.budget.on_exhausted is OnExhausted.STOP_ALL
