"""
How fast a budget may be spent now, so that it lasts to the end of its window.

When all demand until then costs more than remains there is pressure, and idle headroom is the first
waste: replicas run fuller, up to their utilization limit, before any work is refused. Only if that
is not enough does the level L clip what may run. With a day of demand in the ledger, L and
utilization follow from a forecast (`horizon.py`). With less, L = remaining / time left, and demand
is taken to stay as it is. Whatever differed from the plan is made up for over the rest of the
window.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property, partial
from typing import NamedTuple

from plafond.account.account import SetAccount
from plafond.decide.fund import Funding
from plafond.decide.horizon import LONGEST_PLAN, Means, planned
from plafond.decide.lasting import Whole, lasting_rate, lasting_rate_for, rate_in_turns
from plafond.decide.limits import Limit
from plafond.decide.reason import Reason
from plafond.decide.recommendation import FULL_PERCENT, HIGHEST_UTILIZATION_PERCENT
from plafond.decide.wish import Wish
from plafond.forecast.day_profile import HOUR
from plafond.model.budget import BudgetPosition, OnExhausted
from plafond.model.memory import Allowed, PacePlan
from plafond.model.money import TOKENS, ZERO
from plafond.model.settings import Timing
from plafond.model.window import Span

PASSES_AHEAD = 3
GUARDED_PART_OF_WINDOW = 24


@dataclass(frozen=True, slots=True)
class BudgetPace:
    """
    One budget's plan; all rates per hour, in its unit, for the whole namespace.

    Attributes:
        promised: funded floors, and what pods cost now that cannot be scaled.
        demand: what the recommendations and the unmanaged pods cost.
        level: L, the rate that lasts to the window's end; nothing is refused for its sake unless
            the plan is clipped.
        guard: what remains, spread over the guard's horizon.
        utilization_percent: how full replicas run; None without pressure.
        is_clipped: running fuller is not enough, so L limits what may run.
        ahead: how far the guard looks, where the window does not end before; of a rolling window,
            how soon what is decided can be felt.
        plan: what it follows from; None where the ledger knows too little to forecast demand.
        replica: what the dearest replica costs.
        in_turns: of a rolling window, what whole replicas may cost that run in turns with fewer; a
            window that ends makes up for the parts of replicas that it could not run.
        spending: what will be spent per hour if demand stays; None where that is not remembered.

    """

    position: BudgetPosition
    promised: Decimal
    demand: Decimal
    level: Decimal
    guard: Decimal
    utilization_percent: int | None
    is_clipped: bool
    ahead: timedelta = timedelta(0)
    plan: PacePlan | None = None
    replica: Decimal = ZERO
    in_turns: Decimal = ZERO
    spending: Decimal | None = None

    @property
    def name(self) -> str:
        """The policy and the budget, as every limit is called."""
        return f"{self.position.policy}/{self.position.budget.name}"

    @property
    def carried_rate(self) -> Decimal:
        """The rate of spending that the budget carries now."""
        if self.position.is_exhausted and self._stops_all:
            return ZERO
        level = max(self.level, self.in_turns)
        rate = min(level, self.guard) if self.is_clipped else self.guard
        return max(self.promised, rate)

    @property
    def limit(self) -> Limit:
        """What this budget allows, named after it."""
        reason = Reason.BUDGET_EXHAUSTED if self.position.is_exhausted else Reason.BUDGET_CEILING
        return Limit(self.name, self.position.budget.limit.unit, self.carried_rate, reason)

    @property
    def _stops_all(self) -> bool:
        return self.position.budget.on_exhausted is OnExhausted.STOP_ALL


@dataclass(frozen=True)
class Pace:
    """The plans of all budgets of a policy set; *is_censored*: there may be more demand."""

    budgets: tuple[BudgetPace, ...]
    is_censored: bool = False

    @property
    def utilization_percent(self) -> int | None:
        """How full replicas run: as full as the tightest budget asks; None without pressure."""
        return self.squeezing.utilization_percent if self.squeezing else None

    @property
    def is_short(self) -> bool:
        """Demand does not fit into a budget as it is: nothing beyond it is given to anybody."""
        return any(b.utilization_percent is not None or b.is_clipped for b in self.budgets)

    @cached_property
    def squeezing(self) -> BudgetPace | None:
        """The budget that asks replicas to run fullest; None without pressure."""
        pressed = [b for b in self.budgets if b.utilization_percent]
        return max(pressed, key=lambda b: b.utilization_percent or 0, default=None)

    @property
    def time_left(self) -> timedelta | None:
        """To the end of the window that ends first; None without a budget."""
        return min((budget.position.time_left for budget in self.budgets), default=None)

    @property
    def limits(self) -> tuple[Limit, ...]:
        """What the budgets allow."""
        return tuple(budget.limit for budget in self.budgets)


def pace(
    set_account: SetAccount, wishes: tuple[Wish, ...], funding: Funding, timing: Timing
) -> Pace:
    """Plan every budget of *set_account*."""
    grace = max((w.target.workload.termination_grace for w in wishes), default=timedelta(0))
    return Pace(
        tuple(
            _paced(
                _Case(set_account, position, wishes, funding),
                _ahead(position, grace, timing),
                timing,
            )
            for position in set_account.positions
        ),
        any(w.is_censored for w in wishes),
    )


class _Case(NamedTuple):
    """One budget with everything that its plan depends on."""

    set_account: SetAccount
    position: BudgetPosition
    wishes: tuple[Wish, ...]
    funding: Funding

    @property
    def unit(self) -> str:
        return self.position.budget.limit.unit

    @property
    def is_saved_by_running_fuller(self) -> bool:
        # Work takes as many tokens on few replicas as on many.
        return self.unit != TOKENS

    @property
    def reserved(self) -> Decimal:
        return self.set_account.unmanaged_mean.get(self.unit, ZERO)

    @property
    def floors(self) -> Decimal:
        return self.funding.cost.get(self.unit, ZERO)

    @property
    def costs(self) -> "_Costs":
        return _Costs(
            self.unit,
            self.set_account.unmanaged.get(self.unit, ZERO),
            [(wish, wish.target.price.get(self.unit, ZERO)) for wish in self.wishes],
        )

    def plan(self, timing: Timing) -> PacePlan | None:
        budget = self.position.budget
        before = self.set_account.plans.get(f"{self.position.policy}/{budget.name}")
        since = self.position.now - LONGEST_PLAN if before is None else before.at
        means = partial(self._means, since)
        return planned(self.position, self.set_account.ledger, means, before, timing)

    def _means(self, since: datetime) -> Means:
        samples = [w.recommendation.sample for w in self.wishes]
        seen = [sample for sample in samples if sample is not None]
        lowest = min((sample.target_percent for sample in seen), default=FULL_PERCENT)
        highest = max((w.needed.fullest_percent for w in self.wishes), default=FULL_PERCENT)
        costs = self.costs
        return Means(
            self.reserved,
            self.floors,
            costs.replica,
            lowest,
            highest if self.is_saved_by_running_fuller else lowest,
            costs.taken_at,
            all(sample.is_offered for sample in seen),
            costs.paid_per_served(Span(since, self.position.now)),
        )


def _paced(case: _Case, ahead: timedelta, timing: Timing) -> BudgetPace:
    position, costs, plan = case.position, case.costs, case.plan(timing)
    level = _level(position, ahead)
    # What pods that nobody scales have cost before is no money of now: only what runs is kept.
    promised, demand = case.floors + costs.unmanaged, costs.at(None)
    if plan is not None:
        fullest, is_clipped = plan.utilization_percent, plan.level is not None
        level = level if plan.level is None else plan.level
        spending = demand if fullest is None else costs.at(fullest)
    else:
        is_short = max(promised, demand) > level
        fullest, spending = None, demand
        if is_short and case.is_saved_by_running_fuller:
            fullest, spending = costs.least_utilization(level)
        is_clipped = is_short and spending > level
    found = BudgetPace(
        position,
        promised,
        demand,
        level,
        _guard(position, ahead, timing),
        fullest,
        is_clipped,
        ahead,
        plan,
        costs.replica,
        spending=max(promised, min(spending, level) if is_clipped else spending),
    )
    return _in_turns(found, timing)


def _in_turns(found: BudgetPace, timing: Timing) -> BudgetPace:
    if not found.position.is_rolling or not found.is_clipped:
        return found
    turn = _guarded(found.position, found.ahead, timing)
    whole = Whole(found.replica, found.promised)
    rate = rate_in_turns(found.position, turn, found.ahead, whole)
    return replace(found, in_turns=rate)


class _Costs(NamedTuple):
    """What the wishes, each with its price, cost per hour beside what cannot be scaled."""

    unit: str
    unmanaged: Decimal
    wishes: list[tuple[Wish, Decimal]]

    @property
    def replica(self) -> Decimal:
        """What the dearest replica costs."""
        return max([price for _, price in self.wishes], default=ZERO)

    def at(self, utilization_percent: int | None) -> Decimal:
        if utilization_percent is None:
            return self.unmanaged + sum([w.replicas * price for w, price in self.wishes], ZERO)
        each = [w.spared.at(utilization_percent) * price for w, price in self.wishes]
        return self.unmanaged + sum(each, ZERO)

    def taken_at(self, utilization_percent: int) -> float:
        """Return the part of demand's cost that remains at so many percent, replicas undivided."""
        whole = squeezed = 0.0
        for wish, _ in self.wishes:
            price = wish.target.known_price.get(self.unit, ZERO)
            money, target = float(price * wish.work), wish.target_percent
            whole += money
            if target is not None:
                money *= target / max(target, min(utilization_percent, wish.needed.fullest_percent))
            squeezed += money
        return squeezed / whole if whole > 0 else 1.0

    def paid_per_served(self, span: Span) -> float:
        """Return what was paid in *span* for each hour in which a replica served."""
        paid = served = 0.0
        for wish, exact in self.wishes:
            price = float(exact)
            for pod in wish.target.pods:
                paid += price * _hours_in(span, pod.scheduled_at)
                served += price * _hours_in(span, pod.ready_at)
        return paid / served if served > 0 else 1.0

    def least_utilization(self, level: Decimal) -> tuple[int, Decimal]:
        """Return the lowest percentage at which the cost fits into *level*, or the highest."""
        cost = self.at(HIGHEST_UTILIZATION_PERCENT)
        if cost > level:
            return HIGHEST_UTILIZATION_PERCENT, cost
        # Up to all their targets nothing changes, and nothing beyond all their limits.
        targets = [wish.target_percent for wish, _ in self.wishes]
        lowest = min([each for each in targets if each is not None], default=FULL_PERCENT)
        limit = max([wish.needed.fullest_percent for wish, _ in self.wishes], default=FULL_PERCENT)
        between = range(lowest + 1, min(limit + 1, HIGHEST_UTILIZATION_PERCENT))
        steps: tuple[int, ...] = (1, *between, HIGHEST_UTILIZATION_PERCENT)
        low, high = 0, len(steps) - 1
        while low < high:
            middle = (low + high) // 2
            at_middle = self.at(steps[middle])
            if at_middle <= level:
                high, cost = middle, at_middle
            else:
                low = middle + 1
        return steps[high], cost


def _hours_in(span: Span, since: datetime | None) -> float:
    return 0.0 if since is None else max(0.0, (span.end - max(since, span.start)) / HOUR)


def remembered(
    position: BudgetPosition, allowed: Allowed, timing: Timing, plan: PacePlan | None = None
) -> BudgetPace:
    """Return the plan that follows from what is remembered of it and from *position*."""
    found = BudgetPace(
        position,
        allowed.promised,
        ZERO if allowed.needed is None else allowed.needed,
        _level(position, allowed.ahead) if allowed.level is None else allowed.level,
        _guard(position, allowed.ahead, timing),
        allowed.utilization_percent,
        allowed.is_clipped,
        allowed.ahead,
        plan,
        allowed.replica,
    )
    return _in_turns(found, timing)


def _ahead(position: BudgetPosition, grace: timedelta, timing: Timing) -> timedelta:
    blind = PASSES_AHEAD * timing.evaluation_period + timing.observation_lag + grace
    return blind if position.is_rolling else _guarded(position, blind, timing)


def _guarded(position: BudgetPosition, blind: timedelta, timing: Timing) -> timedelta:
    return max(blind, min(timing.guard_limit, position.span.length / GUARDED_PART_OF_WINDOW))


def _level(position: BudgetPosition, ahead: timedelta) -> Decimal:
    # A rolling window is always about to let go of something, and what runs until then cannot be
    # changed sooner than it is felt. One that ends does so once.
    return lasting_rate(position, ahead) if position.is_rolling else lasting_rate(position)


def _guard(position: BudgetPosition, ahead: timedelta, timing: Timing) -> Decimal:
    if position.is_rolling:
        return lasting_rate_for(position, _guarded(position, ahead, timing), ahead)
    return lasting_rate_for(position, ahead, timing.evaluation_period)


def strictest(limits: Iterable[Limit], unit: str) -> Limit | None:
    """Return the one of *limits* in *unit* that allows least, if there is any."""
    return min(
        (limit for limit in limits if limit.unit == unit), key=lambda x: x.rate, default=None
    )
