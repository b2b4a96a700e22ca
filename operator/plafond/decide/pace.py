"""
How fast a budget may be spent now, so that it lasts to the end of its window.

L = remaining / time left is the level rate. When demand costs more than that there is pressure,
and idle headroom is the first waste: replicas run fuller, up to their utilization limit, before any
work is refused. Only if that is not enough does L clip what may run. Planned anew in every pass:
whatever differed from the plan is made up for over the rest of the window.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from plafond.account.account import SetAccount, WorkloadAccount
from plafond.decide.fund import Funding
from plafond.decide.limits import Limit
from plafond.decide.reason import Reason
from plafond.decide.recommendation import Recommendation
from plafond.model.budget import BudgetPosition, OnExhausted
from plafond.model.memory import Allowed
from plafond.model.money import ZERO, hourly
from plafond.model.settings import Timing

PASSES_AHEAD = 3
GUARDED_PART_OF_WINDOW = 24
# Beyond this, an engine that is just busy cannot be told from one that drowns.
HIGHEST_UTILIZATION_PERCENT = 95


@dataclass(frozen=True, slots=True)
class Wish:
    """One target with what it should have, and the part of it that is promised."""

    target: WorkloadAccount
    recommendation: Recommendation
    replicas: int
    floor: int

    def squeezed_to(self, utilization_percent: int) -> int:
        """Return the replicas it needs when they run at *utilization_percent*, or at its limit."""
        fullest = min(
            utilization_percent,
            self.target.targeted.class_rule.utilization_limit_percent,
            HIGHEST_UTILIZATION_PERCENT,
        )
        squeezed = self.recommendation.squeezed_to(fullest)
        return max(self.floor, min(self.replicas, squeezed))


@dataclass(frozen=True, slots=True)
class BudgetPace:
    """
    One budget's plan; all rates per hour, in its unit, for the whole namespace.

    Attributes:
        promised: funded floors and what is reserved.
        demand: what the recommendations and the unmanaged pods cost.
        level: L, the rate that lasts to the window's end.
        guard: what remains, spread over the guard's horizon.
        utilization_percent: how full replicas run; None without pressure.
        is_clipped: running fuller is not enough, so L limits what may run.
        ahead: how far the guard looks, where the window does not end before.

    """

    position: BudgetPosition
    promised: Decimal
    demand: Decimal
    level: Decimal
    guard: Decimal
    utilization_percent: int | None
    is_clipped: bool
    ahead: timedelta = timedelta(0)

    @property
    def name(self) -> str:
        """The policy and the budget, as every limit is called."""
        return f"{self.position.policy}/{self.position.budget.name}"

    @property
    def carried_rate(self) -> Decimal:
        """The rate of spending that the budget carries now."""
        if self.position.is_exhausted and self._stops_all:
            return ZERO
        rate = min(self.level, self.guard) if self.is_clipped else self.guard
        return max(self.promised, rate)

    @property
    def limit(self) -> Limit:
        """What this budget allows, named after it."""
        reason = Reason.BUDGET_EXHAUSTED if self.position.is_exhausted else Reason.BUDGET_CEILING
        return Limit(self.name, self.position.budget.limit.unit, self.carried_rate, reason)

    @property
    def _stops_all(self) -> bool:
        return self.position.budget.on_exhausted is OnExhausted.STOP_ALL


@dataclass(frozen=True, slots=True)
class Pace:
    """The plans of all budgets of a policy set."""

    budgets: tuple[BudgetPace, ...]

    @property
    def utilization_percent(self) -> int | None:
        """How full replicas run: as full as the tightest budget asks; None without pressure."""
        return self.squeezing.utilization_percent if self.squeezing else None

    @property
    def squeezing(self) -> BudgetPace | None:
        """The budget that asks replicas to run fullest; None without pressure."""
        pressed = [b for b in self.budgets if b.utilization_percent]
        return max(pressed, key=lambda b: b.utilization_percent or 0, default=None)

    @property
    def limits(self) -> tuple[Limit, ...]:
        """What the budgets allow."""
        return tuple(budget.limit for budget in self.budgets)


def pace(
    set_account: SetAccount, wishes: tuple[Wish, ...], funding: Funding, timing: Timing
) -> Pace:
    """Plan every budget of *set_account*."""
    grace = max((w.target.workload.termination_grace for w in wishes), default=timedelta(0))
    plans = []
    for position in set_account.positions:
        unit = position.budget.limit.unit
        reserved = set_account.unmanaged_mean.get(unit, ZERO)
        now_unmanaged = set_account.unmanaged.get(unit, ZERO)
        costs = _Costs(unit, now_unmanaged, wishes)
        remaining = max(position.remaining.value, ZERO)
        level = hourly(remaining, position.time_left)
        promised = funding.cost.get(unit, ZERO) + reserved
        demand = costs.at(None)
        fullest = None if max(promised, demand) <= level else costs.least_utilization(level)
        ahead = _ahead(position, grace, timing)
        plans.append(
            BudgetPace(
                position,
                promised,
                demand,
                level,
                hourly(remaining, _horizon(position, ahead, timing)),
                fullest,
                fullest is not None and costs.at(fullest) > level,
                ahead,
            )
        )
    return Pace(tuple(plans))


@dataclass(frozen=True, slots=True)
class _Costs:
    """What the wishes cost per hour in one unit, beside what cannot be scaled."""

    unit: str
    unmanaged: Decimal
    wishes: tuple[Wish, ...]

    def at(self, utilization_percent: int | None) -> Decimal:
        return self.unmanaged + sum(
            (
                _replicas(wish, utilization_percent) * wish.target.price.get(self.unit, ZERO)
                for wish in self.wishes
            ),
            ZERO,
        )

    def least_utilization(self, level: Decimal) -> int:
        """Return the lowest percentage at which the wishes fit into *level*, or the highest."""
        low, high = 1, HIGHEST_UTILIZATION_PERCENT
        while low < high:
            middle = (low + high) // 2
            if self.at(middle) <= level:
                high = middle
            else:
                low = middle + 1
        return low


def _replicas(wish: Wish, utilization_percent: int | None) -> int:
    return wish.replicas if utilization_percent is None else wish.squeezed_to(utilization_percent)


def remembered(position: BudgetPosition, allowed: Allowed, timing: Timing) -> BudgetPace:
    """Return the plan that follows from what is remembered of it and from *position*."""
    remaining = max(position.remaining.value, ZERO)
    return BudgetPace(
        position,
        allowed.promised,
        ZERO if allowed.needed is None else allowed.needed,
        hourly(remaining, position.time_left),
        hourly(remaining, _horizon(position, allowed.ahead, timing)),
        allowed.utilization_percent,
        allowed.is_clipped,
        allowed.ahead,
    )


def _ahead(position: BudgetPosition, grace: timedelta, timing: Timing) -> timedelta:
    blind = PASSES_AHEAD * timing.evaluation_period + timing.observation_lag + grace
    return max(blind, min(timing.guard_limit, position.span.length / GUARDED_PART_OF_WINDOW))


def _horizon(position: BudgetPosition, ahead: timedelta, timing: Timing) -> timedelta:
    return max(timing.evaluation_period, min(position.time_left, ahead))


def strictest(limits: Iterable[Limit], unit: str) -> Limit | None:
    """Return the one of *limits* in *unit* that allows least, if there is any."""
    return min(
        (limit for limit in limits if limit.unit == unit), key=lambda x: x.rate, default=None
    )
