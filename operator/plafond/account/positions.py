"""Where the budgets of a policy set stand: views on the ledger."""

from collections.abc import Iterable
from datetime import datetime

from plafond.account.ledger import spent
from plafond.model.budget import BudgetPosition
from plafond.model.ledger import Fact, Ledger, SeriesKey
from plafond.model.money import Amount
from plafond.model.policy import CostPolicy
from plafond.model.window import FixedWindow, Span, Window


def spans_in_force(policies: Iterable[CostPolicy], now: datetime) -> tuple[Span, ...]:
    """Return the windows that *now* lies in, and the fixed ones whenever they are."""
    budgets = [budget for policy in policies for budget in policy.budgets]
    return tuple(_span(budget.window, now) for budget in budgets)


def _span(window: Window, now: datetime) -> Span:
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
            if span is None:
                continue
            value = spent(ledger, SeriesKey(Fact.SPEND, budget.limit.unit), span)
            spend = Amount(value, budget.limit.unit)
            found.append(BudgetPosition(policy.name, budget, span, spend, now))
    return tuple(found)
