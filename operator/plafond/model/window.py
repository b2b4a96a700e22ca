"""
The spans that budgets cover.

Calendar windows follow the wall clock of their time zone, so a day may last 23 or 25 hours. All
instants are aware datetimes in UTC; only the calculation of a calendar's edges is local.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo


class Period(StrEnum):
    """How often a calendar window starts anew."""

    HOURLY = "Hourly"
    DAILY = "Daily"
    WEEKLY = "Weekly"
    MONTHLY = "Monthly"
    QUARTERLY = "Quarterly"
    YEARLY = "Yearly"

    @property
    def months(self) -> int:
        """How many months it lasts; 0 where it does not consist of months."""
        return {Period.MONTHLY: 1, Period.QUARTERLY: 3, Period.YEARLY: 12}.get(self, 0)


class Span(NamedTuple):
    """A half-open stretch of time: from *start* up to, but without, *end*."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long the span lasts."""
        return self.end - self.start

    def contains(self, instant: datetime) -> bool:
        """Say whether *instant* lies inside."""
        return self.start <= instant < self.end


@dataclass(frozen=True, slots=True)
class CalendarWindow:
    """An hour, day, week (from Monday), month, quarter or year in a time zone."""

    period: Period
    time_zone: str = "UTC"

    def span_at(self, now: datetime) -> Span:
        """Return the window that *now* lies in."""
        return _calendar_span(self.period, self.time_zone, now)


@dataclass(frozen=True, slots=True)
class FixedWindow:
    """One stretch of time; it limits nothing before its start or after its end."""

    start: datetime
    duration: timedelta

    def span_at(self, now: datetime) -> Span | None:
        """Return the window if *now* lies in it."""
        span = Span(self.start, self.start + self.duration)
        return span if span.contains(now) else None


@dataclass(frozen=True, slots=True)
class RollingWindow:
    """The latest *duration*, whenever it is looked at: it never ends, and never begins anew."""

    duration: timedelta

    def span_at(self, now: datetime) -> Span:
        """Return the window that ends *now*."""
        return Span(now - self.duration, now)


Window = CalendarWindow | FixedWindow | RollingWindow

_UNITS = (
    ("h", timedelta(hours=1)),
    ("m", timedelta(minutes=1)),
    ("s", timedelta(seconds=1)),
    ("ms", timedelta(milliseconds=1)),
)


def as_written(length: timedelta) -> str:
    """Return *length* as a policy writes it, such as 24h or 1h30m."""
    parts = []
    for name, unit in _UNITS:
        count, length = divmod(length, unit)
        parts += [f"{count}{name}"] if count else []
    return "".join(parts) or "0s"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# In one pass, all budgets of a period and zone have the same window.
@lru_cache(maxsize=1024)
def _calendar_span(period: Period, time_zone: str, now: datetime) -> Span:
    zone = ZoneInfo(time_zone)
    local = now.astimezone(zone)
    if period is Period.HOURLY:
        return _hour(now.astimezone(UTC), local)
    first = _first_day(local, period)
    after = _next_first_day(first, period)
    return Span(_midnight(first, zone), _midnight(after, zone))


def _hour(now: datetime, local: datetime) -> Span:
    # Hours are counted in elapsed time: a wall-clock hour that repeats is two windows. They lie as
    # in standard time, because where clocks move by half an hour they would overlap otherwise.
    offset = (local.utcoffset() or timedelta(0)) - (local.dst() or timedelta(0))
    into = (now - _EPOCH + offset) % timedelta(hours=1)
    return Span(now - into, now - into + timedelta(hours=1))


def _first_day(local: datetime, period: Period) -> datetime:
    day = datetime(local.year, local.month, local.day)  # noqa: DTZ001 - a calendar date, not an instant
    if period is Period.WEEKLY:
        return day - timedelta(days=day.weekday())
    if not period.months:
        return day
    # Quarters and years begin in January: the month before is a whole number of them.
    return day.replace(month=(day.month - 1) // period.months * period.months + 1, day=1)


def _next_first_day(first: datetime, period: Period) -> datetime:
    if period.months:
        years, month = divmod(first.month - 1 + period.months, 12)
        return first.replace(year=first.year + years, month=month + 1)
    return first + timedelta(days=7 if period is Period.WEEKLY else 1)


def _midnight(day: datetime, zone: ZoneInfo) -> datetime:
    return day.replace(tzinfo=zone).astimezone(UTC)
