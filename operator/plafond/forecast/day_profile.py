"""
Demand of the past as the ledger has it, laid out in days and hours back from now.

The ledger's buckets are fine, hourly or daily by age; here all are read through one cumulative
curve, so that none of that shows. What was not recorded is NaN, never zero.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

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
    hourly = _hourly(buckets, now, days * HOURS_A_DAY).reshape(days, HOURS_A_DAY)
    covered = np.isfinite(hourly).mean(axis=1) >= LEAST_COVERED
    if not covered[-SHAPE_DAYS:].any():
        return None
    return Profile(hourly[-SHAPE_DAYS:], np.nanmean(hourly[covered], axis=1))


def _hourly(buckets: tuple[Bucket, ...], now: datetime, hours: int) -> Floats:
    """Return the mean rate of each of the *hours* before *now*, the oldest first."""
    begin = now - hours * HOUR
    recent = [bucket for bucket in buckets if bucket.end > begin]
    starts = np.array([(bucket.start - begin) / HOUR for bucket in recent])
    ends = np.array([(bucket.end - begin) / HOUR for bucket in recent])
    values = np.array([float(bucket.value) for bucket in recent])
    # Both ends of each bucket: between buckets nothing was recorded, and the curves stand still.
    at = np.column_stack((starts, ends)).ravel()
    amount = np.cumsum(np.column_stack((np.zeros_like(values), values)).ravel())
    time = np.cumsum(np.column_stack((np.zeros_like(values), ends - starts)).ravel())
    marks = np.arange(hours + 1, dtype=np.float64)
    covered = np.diff(np.interp(marks, at, time))
    with np.errstate(invalid="ignore", divide="ignore"):
        rates: Floats = np.diff(np.interp(marks, at, amount)) / covered
    rates[covered < LEAST_COVERED] = np.nan
    return rates
