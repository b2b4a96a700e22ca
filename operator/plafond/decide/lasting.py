"""
Rates that a budget's money lasts at, and when it would be gone at another one.

Where several bounds hold (a rolling window has one for each moment before something falls out of
it) the strictest one counts. Whatever is decided is felt only after a while, and until then what
ran goes on: so a bound has to carry it for as much longer. Without that, all would have to end at
once where money is short for a second. The last bound needs none of it: it is always far away.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from plafond.model.budget import BudgetPosition
from plafond.model.money import MICROSECONDS_PER_HOUR, ZERO, accrued, hourly

_AT_ONCE = timedelta(0)


def lasting_rate(position: BudgetPosition, felt_after: timedelta = _AT_ONCE) -> Decimal:
    """Return the largest rate that keeps every bound."""
    *bounds, last = position.bounds
    rates = [hourly(max(last.value, ZERO), max(last.within, felt_after))]
    rates += [hourly(max(each.value, ZERO), each.within + felt_after) for each in bounds]
    return min(rates)


def lasting_rate_for(
    position: BudgetPosition, horizon: timedelta, felt_after: timedelta = _AT_ONCE
) -> Decimal:
    """Return the largest rate that keeps every bound until *horizon*, and says nothing beyond."""
    rates = []
    for bound in position.bounds:
        left, is_last = max(bound.value, ZERO), bound.within >= position.time_left
        if is_last or bound.within >= horizon:
            rates.append(hourly(left, max(min(bound.within, horizon), felt_after)))
            break
        rates.append(hourly(left, bound.within + felt_after))
    return min(rates)


def rate_in_turns(
    position: BudgetPosition, turn: timedelta, felt_after: timedelta, whole: "Whole"
) -> Decimal:
    """
    Return the largest rate for a *turn*, if only the *whole* replicas that last follow it.

    Where 1.7 replicas last, two run in turn with one, and not one for ever.
    """
    lasting = lasting_rate(position, felt_after)
    after = whole.within(lasting)
    *bounds, last = position.bounds
    stretches = [(each.value, each.within + felt_after) for each in bounds]
    rates = [lasting + whole.replica]
    for value, within in (*stretches, (last.value, max(last.within, felt_after))):
        left = max(value, ZERO) - accrued(after, max(within - turn, timedelta(0)))
        rates.append(hourly(left, min(within, turn)))
    return max(lasting, min(rates))


@dataclass(frozen=True, slots=True)
class Whole:
    """What a *replica* costs, of which there are whole ones, *beside* what runs in any case."""

    replica: Decimal
    beside: Decimal = ZERO

    def within(self, rate: Decimal) -> Decimal:
        """Return what as many as fit into *rate* cost, with what runs beside them."""
        if self.replica <= 0 or rate <= self.beside:
            return rate
        return rate - (rate - self.beside) % self.replica


def gone_after(position: BudgetPosition, rate: Decimal) -> timedelta | None:
    """Return when a bound is reached at *rate* from now on; None where none ever is."""
    for bound in position.bounds:
        left = max(bound.value, ZERO)
        if accrued(rate, bound.within) > left:
            return timedelta(microseconds=int(left * MICROSECONDS_PER_HOUR / rate))
    return None
