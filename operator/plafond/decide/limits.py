"""
Limits and costs in one language: so much of a unit per hour, or at once.

Money, GPU-hours, tokens, resources and replicas are all units. A limit says how much of one unit
the namespace may take up; a replica's cost says how much of each unit it takes up.
"""

from collections.abc import Callable, Collection, Iterable
from decimal import Decimal
from typing import Final, NamedTuple

from plafond.account.account import SetAccount
from plafond.decide.reason import Reason
from plafond.model.money import REPLICAS, TOKENS, ZERO, ByUnit, resource_unit
from plafond.model.policy import CostPolicy

_AT_ONCE: Final = frozenset(
    {
        Reason.REPLICA_CEILING,
        Reason.COST_PER_HOUR_CEILING,
        Reason.TOKENS_PER_HOUR_CEILING,
        Reason.RESOURCE_CEILING,
    }
)


class Limit(NamedTuple):
    """So much of *unit* for the whole namespace; *reason* is given where it binds."""

    name: str
    unit: str
    rate: Decimal
    reason: Reason

    @property
    def is_at_once(self) -> bool:
        """It bounds what runs at one time: nothing is left over, and nothing used up."""
        return self.reason in _AT_ONCE


class Room(NamedTuple):
    """What limits still leave; each entry of *left* belongs to the limit at the same place."""

    limits: tuple[Limit, ...]
    left: tuple[Decimal, ...]

    @classmethod
    def under(cls, limits: Iterable[Limit], taken: ByUnit) -> "Room":
        """Return the room that *taken* leaves under *limits*."""
        limits = tuple(limits)
        return cls(limits, tuple(limit.rate - taken.get(limit.unit, ZERO) for limit in limits))

    def without(self, cost: ByUnit, times: int = 1) -> "Room":
        """Return the room that remains beside *times* replicas of *cost*."""
        if not times or not self.limits:
            return self
        left = [
            value - times * cost[limit.unit] if limit.unit in cost else value
            for limit, value in zip(self.limits, self.left, strict=True)
        ]
        return Room(self.limits, tuple(left))

    def beside_one(self, cost: ByUnit) -> "Room | Limit":
        """Return the room that remains beside a replica of *cost*, or the limit that refuses it."""
        left = []
        for limit, value in zip(self.limits, self.left, strict=True):
            needed = cost.get(limit.unit, ZERO)
            if needed > value and needed > 0:
                return limit
            left.append(value - needed)
        return Room(self.limits, tuple(left))

    def beside(self, taken: Collection[tuple[ByUnit, int]]) -> "Room":
        """Return the room that remains beside so many replicas of each cost in *taken*."""
        left = list(self.left)
        for place, limit in enumerate(self.limits):
            for cost, times in taken:
                if times and limit.unit in cost:
                    left[place] -= times * cost[limit.unit]
        return Room(self.limits, tuple(left))

    def of_budgets(self) -> "Room":
        """Return what of it is left to be spent over time."""
        if _AT_ONCE.isdisjoint([limit.reason for limit in self.limits]):
            return self
        return self.where(lambda limit: not limit.is_at_once)

    def where(self, holds: Callable[[Limit], bool]) -> "Room":
        """Return the part of it under the limits of which *holds* is true."""
        if not self.limits:
            return self
        pairs = zip(self.limits, self.left, strict=True)
        kept = [(limit, value) for limit, value in pairs if holds(limit)]
        return Room(tuple(limit for limit, _ in kept), tuple(value for _, value in kept))

    def obstacle(self, cost: ByUnit, times: int = 1) -> Limit | None:
        """Return the first limit under which *times* replicas of *cost* do not fit."""
        for limit, value in zip(self.limits, self.left, strict=True):
            needed = times * cost.get(limit.unit, ZERO)
            if needed > value and needed > 0:
                return limit
        return None

    def most(self, cost: ByUnit, wanted: int) -> int:
        """Return how many of *wanted* replicas of *cost* fit."""
        fitting = wanted
        for limit, value in zip(self.limits, self.left, strict=True):
            needed = cost.get(limit.unit, ZERO)
            # Compared first: how often a small cost fits into a huge limit has too many digits.
            if value < needed * fitting and needed > 0:
                fitting = max(0, int(value // needed))
        return fitting


def instantaneous_limits(set_account: SetAccount) -> tuple[Limit, ...]:
    """Return the limits of every policy's `ceilings`."""
    return tuple(limit for p in set_account.policy_set.policies for limit in _of_policy(p))


def _of_policy(policy: CostPolicy) -> Iterable[Limit]:
    ceilings = policy.ceilings
    if ceilings.replicas is not None:
        name = f"{policy.name}/ceilings.replicas"
        yield Limit(name, REPLICAS, Decimal(ceilings.replicas), Reason.REPLICA_CEILING)
    if ceilings.cost_per_hour is not None and policy.currency is not None:
        name = f"{policy.name}/ceilings.costPerHour"
        yield Limit(name, policy.currency, ceilings.cost_per_hour, Reason.COST_PER_HOUR_CEILING)
    if ceilings.tokens_per_hour is not None:
        name = f"{policy.name}/ceilings.tokensPerHour"
        yield Limit(name, TOKENS, ceilings.tokens_per_hour, Reason.TOKENS_PER_HOUR_CEILING)
    for resource, most in sorted(ceilings.resources.items()):
        name = f"{policy.name}/ceilings.resources[{resource}]"
        yield Limit(name, resource_unit(resource), most, Reason.RESOURCE_CEILING)
