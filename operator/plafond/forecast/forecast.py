"""
Unconstrained demand from now to a window's end, and how wrong that may be.

Each of the latest days is taken as equally likely to come again, hour by hour, at the level that
simple exponential smoothing of the days' means has reached. Smoothing also says how wrong it was,
day by day, and from that follows how far off the mean of the days to come may be (Hyndman,
Koehler, Ord and Snyder, "Forecasting with Exponential Smoothing", 2008, chapter 6). Demand moves by
factors: what may come instead is so many times as high, or as low. Growth is carried on only where
the days show it beyond doubt.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from plafond.forecast.day_profile import HOURS_A_DAY, Floats, Profile

# Half of yesterday's surprise is believed: a new level is followed within days, a spike forgotten.
SMOOTHING = 0.4
# So much of a surprise that is yet to come is feared to stay. The level believes less of each, as
# most pass; but a tenant that leaves stays away. An error that believes as much as the level is too
# small: nearly half of what came lay outside of it, where a third should.
LASTING = 0.8
# Before there are errors to learn from, a day is thought to be this much off; it counts as so many.
PRIOR_ERROR = 0.25
PRIOR_DAYS = 2
LARGEST_ERROR = 0.5
# Growth counts where it is so many times its own standard error, over at least so many days.
CERTAIN_GROWTH = 4.0
LEAST_DAYS_OF_GROWTH = 6
# However steep it was: work is refused for the sake of what is forecast.
MOST_GROWTH = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """
    The hourly rates that demand may have, and for how many hours each of them is expected.

    Attributes:
        rates: what demand would cost per hour at target utilization.
        hours: the weight of each; together the hours until the end.
        error: the standard error of the total's logarithm: about the part that it is off by.
        passing_error: the same if of a surprise to come no more stays than the level believes.
        at: of which hour of the day each rate is; the first one begins now.

    """

    rates: Floats
    hours: Floats
    error: float
    passing_error: float
    at: NDArray[np.int_]

    @property
    def total(self) -> float:
        """What all demand until the end would cost."""
        return float(self.rates @ self.hours)

    def scaled(self, factor: float) -> "Forecast":
        """Return the same shape, *factor* times as high."""
        return replace(self, rates=self.rates * factor)

    def off_by(self, errors: float) -> "Forecast":
        """Return the future that is so many standard errors dearer, or cheaper below zero."""
        return self.scaled(factor(errors * self.error))

    def passing(self, errors: float) -> "Forecast":
        """Return the same future if surprises to come pass."""
        return self.scaled(factor(errors * self.passing_error))

    def cost(self, floor: float) -> float:
        """Return what it costs to carry all of it, and never less than *floor* an hour."""
        return float(np.maximum(self.rates, floor) @ self.hours)

    def cost_up_to(self, level: float, floor: float) -> float:
        """Return what it costs to carry it up to *level*, and never less than *floor* an hour."""
        return float(np.maximum(np.minimum(self.rates, level), floor) @ self.hours)

    def hours_for(self, money: float, floor: float, beside: float) -> float:
        """Return for how many hours *money* carries all of it, and *beside* an hour besides."""
        known = np.bincount(self.at, minlength=HOURS_A_DAY)
        costs = np.bincount(self.at, np.maximum(self.rates, floor), HOURS_A_DAY)
        # As in the forecast, hours of the day of which nothing is known are like the others.
        others = self.cost(floor) / self.hours.sum()
        day = np.where(known > 0, costs / np.maximum(known, 1), others) + beside
        if money <= 0 or day.sum() <= 0:
            return 0.0 if money <= 0 else math.inf
        days, rest = divmod(money, float(day.sum()))
        upto = np.cumsum(day)
        hour = min(int(np.searchsorted(upto, rest)), HOURS_A_DAY - 1)
        return days * HOURS_A_DAY + hour + 1 - float(upto[hour] - rest) / float(day[hour] or 1.0)

    def level(self, money: float, floor: float) -> float | None:
        """Return the rate at which *money* lasts if more is refused; None if all is carried."""
        if self.cost(floor) <= money:
            return None
        order = np.argsort(self.rates)
        rates, hours = np.maximum(self.rates[order], floor), self.hours[order]
        # What it costs when the level is each of the rates in turn: below it all, above it hours.
        below = np.concatenate(([0.0], np.cumsum(rates * hours)[:-1]))
        beyond = np.cumsum(hours[::-1])[::-1]
        index = int(np.searchsorted(below + rates * beyond, money))
        index = min(index, len(rates) - 1)
        return max(floor, float((money - below[index]) / max(beyond[index], 1e-12)))


def factor(logarithm: float) -> float:
    """Return how many times as high a future is: it may be three times, but never below nothing."""
    return math.exp(logarithm)


def forecast_of(profile: Profile, hours: float) -> Forecast:
    """Return the forecast for the next *hours* (more than none) that *profile* gives rise to."""
    shape, days = profile.hours, profile.days
    level, error = _smoothed(days)
    known = np.isfinite(shape)
    mean = float(shape[known].mean())
    level *= _growth(days, hours / HOURS_A_DAY)
    height = level / mean if mean > 0 else 1.0
    expected = _occurrences(hours) / np.maximum(known.sum(axis=0), 1)
    weights = np.broadcast_to(expected, shape.shape)[known]
    if weights.sum() <= 0:
        weights = np.ones_like(weights)
    # Hours of the day of which nothing is known at all are taken to be like the others.
    weights = weights * (hours / weights.sum())
    ahead, at = hours / HOURS_A_DAY, np.broadcast_to(np.arange(HOURS_A_DAY), shape.shape)
    return Forecast(
        shape[known] * height,
        weights,
        _mean_error(error, ahead, LASTING),
        _mean_error(error, ahead, SMOOTHING),
        at[known],
    )


def _occurrences(hours: float) -> Floats:
    """Return how often each hour of the day, counted from now, lies in the next *hours*."""
    whole, rest = divmod(hours, HOURS_A_DAY)
    found: Floats = whole + np.clip(rest - np.arange(HOURS_A_DAY), 0.0, 1.0)
    return found


def _smoothed(days: Floats) -> tuple[float, float]:
    """Return the level that *days* come to, and the error of one day as a part of it."""
    level, squares = float(days[0]), 0.0
    for day in days[1:]:
        surprise = float(day) - level
        squares += surprise * surprise
        level += SMOOTHING * surprise
    if level <= 0:
        return level, PRIOR_ERROR
    relative = squares / (level * level)
    known = PRIOR_DAYS * PRIOR_ERROR**2 + relative
    return level, math.sqrt(known / (PRIOR_DAYS + len(days) - 1))


def _mean_error(error: float, days: float, stays: float) -> float:
    """Return the error of the mean of *days* to come, where one day is off by *error*."""
    # Every surprise on the way also moves the days after it, by as much of it as *stays*.
    ahead = 1.0 + stays * np.arange(max(1, math.ceil(days)))
    return min(LARGEST_ERROR, error * math.sqrt(float(ahead @ ahead)) / len(ahead))


def _growth(days: Floats, ahead: float) -> float:
    """Return the factor by which the mean of the days *ahead* is above the level of now."""
    if len(days) < LEAST_DAYS_OF_GROWTH or days.min() <= 0:
        return 1.0
    at = np.arange(len(days)) - (len(days) - 1) / 2
    logs = np.log(days)
    slope = float(at @ logs / (at @ at))
    rest = logs - logs.mean() - slope * at
    doubt = math.sqrt(float(rest @ rest) / (len(days) - 2) / float(at @ at))
    if abs(slope) <= CERTAIN_GROWTH * doubt:
        return 1.0
    # The smoothed level lags behind; and growth is believed for as long as it was seen.
    lag, reach = (1 - SMOOTHING) / SMOOTHING, min(ahead / 2, float(len(days)))
    found = slope * (lag + reach)
    return math.exp(max(-math.log(MOST_GROWTH), min(found, math.log(MOST_GROWTH))))
