"""Where the budgets of a policy set stand: views on the ledger."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from plafond.account.ledger import Charge, Grid, grid_for, spent
from plafond.account.rolling import rolled
from plafond.model.budget import Budget, BudgetPosition
from plafond.model.ledger import Fact, Ledger, SeriesKey
from plafond.model.money import ZERO, Amount, accrued
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
    policies: Iterable[CostPolicy], ledger: Ledger, now: datetime, unseen: Sequence[Charge] = ()
) -> tuple[BudgetPosition, ...]:
    """
    Return where each budget whose window is open stands, by policy and in the order written.

    What is *unseen* so far is reckoned with beside the ledger.
    """
    found = []
    for policy in policies:
        for budget in policy.budgets:
            span = budget.window.span_at(now)
            if span is not None:
                position = _position(policy.name, budget, span, ledger, now)
                if unseen:
                    position = replace(position, unseen=_beside(position, unseen))
                found.append(position)
    return tuple(found)


def _position(
    policy: str, budget: Budget, span: Span, ledger: Ledger, now: datetime
) -> BudgetPosition:
    unit, key = budget.limit.unit, SeriesKey(Fact.SPEND, budget.limit.unit)
    if isinstance(budget.window, RollingWindow):
        value, falls_out = rolled(ledger.series.get(key, ()), span)
        return BudgetPosition(policy, budget, span, Amount(value, unit), now, falls_out)
    return BudgetPosition(policy, budget, span, Amount(spent(ledger, key, span), unit), now)


def _beside(position: BudgetPosition, unseen: Iterable[Charge]) -> Decimal:
    key = SeriesKey(Fact.SPEND, position.budget.limit.unit)
    return sum((_within(each, position.span) for each in unseen if each.key == key), ZERO)


def _within(charge: Charge, span: Span) -> Decimal:
    inside = min(charge.span.end, span.end) - max(charge.span.start, span.start)
    return accrued(charge.rate, max(inside, timedelta(0)))
