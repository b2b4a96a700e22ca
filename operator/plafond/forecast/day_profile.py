"""
Demand of the past as the ledger has it, laid out in days and hours back from now.

The ledger's buckets are fine, hourly or daily by age; here all are read through one cumulative
curve, so that none of that shows. What was not recorded is NaN, never zero.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey

HOUR = timedelta(hours=1)
HOURS_A_DAY = 24
# The shape of a day is taken from the latest week, so that every weekday counts once.
SHAPE_DAYS = 7
MOST_DAYS = 28
# An hour, or a day, of which less was recorded says too little.
LEAST_COVERED = 0.5
# How much of what an hour of the day was is believed to be how it always is.
LEARNED = 0.2

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """
    What demand would have cost per hour, at target utilization.

    Attributes:
        hours: one row for each of the latest days, the oldest first; column 0 is the hour of the
            day that begins now. NaN where nothing is known.
        days: the mean of each day, the oldest first, without those of which nothing is known.

    """

    hours: Floats
    days: Floats


def profile_of(ledger: Ledger, unit: str, now: datetime) -> Profile | None:
    """Return the profile of demand in *unit* before *now*; None with less than a day of it."""
    buckets = ledger.series.get(SeriesKey(Fact.DEMAND, unit), ())
    if not buckets:
        return None
    known = (now - buckets[0].start) / HOUR
    days = min(MOST_DAYS, int(known // HOURS_A_DAY))
    if days < 1:
        return None
    hourly = _hourly(ledger, unit, now, days)
    covered = np.isfinite(hourly).mean(axis=1) >= LEAST_COVERED
    if not covered[-SHAPE_DAYS:].any():
        return None
    return Profile(hourly[-SHAPE_DAYS:], np.nanmean(hourly[covered], axis=1))


def _hourly(ledger: Ledger, unit: str, now: datetime, days: int) -> Floats:
    """Return the mean rate of each hour before *now*, one row a day, the oldest first."""
    begin = now - days * HOURS_A_DAY * HOUR
    shape = days, HOURS_A_DAY
    amounts, covered = _by_hour(ledger.series[SeriesKey(Fact.DEMAND, unit)], begin, days)
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = np.where(covered < LEAST_COVERED, np.nan, amounts / covered).reshape(shape)
        censored = ledger.series.get(SeriesKey(Fact.CENSORED, unit), ())
        if not censored:
            return rates
        part = _by_hour(censored, begin, days)[0] / amounts
    return _uncensored(rates, np.nan_to_num(np.clip(part, 0.0, 1.0)).reshape(shape))


def _uncensored(rates: Floats, censored: Floats) -> Floats:
    """
    Return *rates*, where the part *censored* of them is only a lower bound.

    What was hidden is taken to be what that hour of the day was known to be before, unless more was
    seen: saturated hours never make demand look smaller than it was.
    """
    found, expected = [rates[0]], rates[0]
    for seen, part in zip(rates[1:], censored[1:], strict=True):
        row = seen + part * np.nan_to_num(np.maximum(expected - seen, 0.0))
        found.append(row)
        learned = np.where(np.isnan(expected), row, expected + LEARNED * (row - expected))
        expected = np.where(np.isnan(row), expected, learned)
    return np.array(found)


def _by_hour(buckets: tuple[Bucket, ...], begin: datetime, days: int) -> tuple[Floats, Floats]:
    """Return what accrued in each hour from *begin* on, and the part of it that was recorded."""
    recent = buckets[bisect_right(buckets, begin, key=attrgetter("end")) :]
    starts = np.array([(start - begin) / HOUR for start, _, _ in recent])
    ends = np.array([(start + length - begin) / HOUR for start, length, _ in recent])
    values = np.array([float(value) for _, _, value in recent])
    marks = np.arange(days * HOURS_A_DAY + 1, dtype=np.float64)
    if not recent:
        return np.zeros(len(marks) - 1), np.zeros(len(marks) - 1)
    # Both ends of each bucket: between buckets nothing was recorded, and the curves stand still.
    at = np.column_stack((starts, ends)).ravel()
    amount = np.cumsum(np.column_stack((np.zeros_like(values), values)).ravel())
    time = np.cumsum(np.column_stack((np.zeros_like(values), ends - starts)).ravel())
    return np.diff(np.interp(marks, at, amount)), np.diff(np.interp(marks, at, time))
