"""Budgets, and where they stand at an instant."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from plafond.model.money import ZERO, Amount
from plafond.model.window import RollingWindow, Span, Window


class OnExhausted(StrEnum):
    """What the end of the money means."""

    KEEP_FLOORS = "KeepFloors"
    STOP_ALL = "StopAll"


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit of money, GPU-hours or tokens for a window."""

    name: str
    limit: Amount
    window: Window
    on_exhausted: OnExhausted


class FallsOut(NamedTuple):
    """So much of what was spent leaves a rolling window, so long from now and not before."""

    after: timedelta
    value: Decimal


class Bound(NamedTuple):
    """No more than *value* may be spent from now on *within* so much time."""

    within: timedelta
    value: Decimal


@dataclass(frozen=True)
class BudgetPosition:
    """
    Where a budget stands at an instant inside its window; all amounts in its own unit.

    Attributes:
        spend: what is known to be spent.
        unseen: what must be reckoned with since counters were last seen, at the last known rate.
        falls_out: what leaves the window before all of it is another one, soonest first; empty of
            a window that ends.

    """

    policy: str
    budget: Budget
    span: Span
    spend: Amount
    now: datetime
    falls_out: tuple[FallsOut, ...] = ()
    unseen: Decimal = ZERO

    @cached_property
    def remaining(self) -> Amount:
        """Limit less spend, and less what is not seen yet; negative when the limit was passed."""
        return self.budget.limit - Amount(self.spend.value + self.unseen, self.spend.unit)

    @property
    def is_rolling(self) -> bool:
        """Its window moves on with time, and never ends."""
        return isinstance(self.budget.window, RollingWindow)

    @property
    def ends_at(self) -> datetime | None:
        """When its window ends, if it does."""
        return None if self.is_rolling else self.span.end

    @property
    def time_left(self) -> timedelta:
        """From now to the window's end; of a rolling one, until nothing of now is in it."""
        return self.span.length if self.is_rolling else self.span.end - self.now

    def planned_until(self, at: datetime) -> datetime:
        """Return how far a plan reaches that is made *at* an instant inside the window."""
        return at + self.span.length if self.is_rolling else self.span.end

    @cached_property
    def bounds(self) -> tuple[Bound, ...]:
        """
        What may be spent by when, soonest first; a value is negative where it was passed already.

        Of a window that ends that is one bound. Of a rolling one each moment before something falls
        out is another, and the last one lies where all that is in the window is of later than now.
        """
        left, found = self.remaining.value, []
        for each in self.falls_out:
            found.append(Bound(each.after, left))
            left += each.value
        return (*found, Bound(self.time_left, left))

    @property
    def is_exhausted(self) -> bool:
        """Nothing remains of what is known: what is only reckoned with ends nothing."""
        return self.spend.value >= self.budget.limit.value

    @property
    def used_percent(self) -> int:
        """Spend as whole percent of the limit, rounded down."""
        return int(self.spend.value * 100 // self.budget.limit.value)
