"""Budgets, and where they stand at an instant."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from plafond.model.money import Amount
from plafond.model.window import Span, Window


class OnExhausted(StrEnum):
    """What the end of the money means."""

    KEEP_FLOORS = "KeepFloors"
    STOP_ALL = "StopAll"


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit of money or GPU-hours for a window."""

    name: str
    limit: Amount
    window: Window
    on_exhausted: OnExhausted


@dataclass(frozen=True, slots=True)
class BudgetPosition:
    """Where a budget stands at an instant inside its window; all amounts in its own unit."""

    policy: str
    budget: Budget
    span: Span
    spend: Amount
    now: datetime

    @property
    def remaining(self) -> Amount:
        """Limit less spend; negative when the limit was passed."""
        return self.budget.limit - self.spend

    @property
    def time_left(self) -> timedelta:
        """From now to the window's end."""
        return self.span.end - self.now

    @property
    def is_exhausted(self) -> bool:
        """Nothing remains."""
        return self.remaining.value <= 0

    @property
    def used_percent(self) -> int:
        """Spend as whole percent of the limit, rounded down."""
        return int(self.spend.value * 100 // self.budget.limit.value)
