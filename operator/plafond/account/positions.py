"""Where the budgets of a policy set stand: views on the ledger."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from plafond.account.ledger import Grid, grid_for, spent
from plafond.account.rolling import rolled
from plafond.model.budget import Budget, BudgetPosition
from plafond.model.ledger import Fact, Ledger, SeriesKey
from plafond.model.money import Amount
from plafond.model.policy import CostPolicy
from plafond.model.window import CalendarWindow, FixedWindow, RollingWindow, Span


def grid_in_force(policies: Iterable[CostPolicy], now: datetime, period: timedelta) -> Grid:
    """Return how buckets lie under *policies*, with a pass every *period*."""
    windows = [budget.window for policy in policies for budget in policy.budgets]
    rolling = [w.duration for w in windows if isinstance(w, RollingWindow)]
    # A fixed window counts whenever it is.
    spans = [_span(w, now) for w in windows if not isinstance(w, RollingWindow)]
    return grid_for(spans, period, rolling)


def _span(window: CalendarWindow | FixedWindow, now: datetime) -> Span:
    if isinstance(window, FixedWindow):
        return Span(window.start, window.start + window.duration)
    return window.span_at(now)


def positions(
    policies: Iterable[CostPolicy], ledger: Ledger, now: datetime
) -> tuple[BudgetPosition, ...]:
    """Return where each budget whose window is open stands, by policy and in the order written."""
    found = []
    for policy in policies:
        for budget in policy.budgets:
            span = budget.window.span_at(now)
            if span is not None:
                found.append(_position(policy.name, budget, span, ledger, now))
    return tuple(found)


def _position(
    policy: str, budget: Budget, span: Span, ledger: Ledger, now: datetime
) -> BudgetPosition:
    unit, key = budget.limit.unit, SeriesKey(Fact.SPEND, budget.limit.unit)
    if isinstance(budget.window, RollingWindow):
        value, falls_out = rolled(ledger.series.get(key, ()), span)
        return BudgetPosition(policy, budget, span, Amount(value, unit), now, falls_out)
    return BudgetPosition(policy, budget, span, Amount(spent(ledger, key, span), unit), now)
