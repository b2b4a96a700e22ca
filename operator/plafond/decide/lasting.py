"""
Rates that a budget's money lasts at, and when it would be gone at another one.

Where several bounds hold (a rolling window has one for each moment before something falls out of
it) the strictest one counts. What cannot be changed that fast anyway is not reckoned any shorter: a
replica too many for a second is no reason to end all of them.
"""

from datetime import timedelta
from decimal import Decimal

from plafond.model.budget import BudgetPosition
from plafond.model.money import MICROSECONDS_PER_HOUR, ZERO, accrued, hourly

_INSTANT = timedelta(microseconds=1)


def lasting_rate(position: BudgetPosition, at_least: timedelta = _INSTANT) -> Decimal:
    """Return the largest rate that keeps every bound; none is taken for closer than *at_least*."""
    return min(
        hourly(max(bound.value, ZERO), max(bound.within, at_least)) for bound in position.bounds
    )


def lasting_rate_for(
    position: BudgetPosition, horizon: timedelta, at_least: timedelta = _INSTANT
) -> Decimal:
    """Return the largest rate that keeps every bound until *horizon*, and says nothing beyond."""
    rates = []
    for bound in position.bounds:
        within = max(min(bound.within, horizon), at_least)
        rates.append(hourly(max(bound.value, ZERO), within))
        if bound.within >= horizon:
            break
    return min(rates)


def rate_in_turns(
    position: BudgetPosition, replica: Decimal, turn: timedelta, at_least: timedelta = _INSTANT
) -> Decimal:
    """
    Return the largest rate for a *turn*, if one *replica* less than what lasts follows it.

    Replicas are whole: where 1.7 of them last, two run in turn with one, and not one for ever.
    """
    lasting = lasting_rate(position, at_least)
    after = max(lasting - replica, ZERO)
    rates = [lasting + replica]
    for bound in position.bounds:
        within = max(bound.within, at_least)
        left = max(bound.value, ZERO) - accrued(after, max(within - turn, timedelta(0)))
        rates.append(hourly(left, min(within, turn)))
    return max(lasting, min(rates))


def gone_after(position: BudgetPosition, rate: Decimal) -> timedelta | None:
    """Return when a bound is reached at *rate* from now on; None where none ever is."""
    for bound in position.bounds:
        left = max(bound.value, ZERO)
        if accrued(rate, bound.within) > left:
            return timedelta(microseconds=int(left * MICROSECONDS_PER_HOUR / rate))
    return None
