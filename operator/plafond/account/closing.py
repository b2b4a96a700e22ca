"""
What of a ledger is finished, and may be put away: the past, single days, whole months.

A bucket belongs to the day in which it starts, so nothing is cut, and nothing is counted twice:
what is split here is joined to exactly what it was.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from plafond.account.ledger import (
    DAY,
    EPOCH,
    HOUR,
    HOURLY_FOR,
    MOST_WORKLOADS,
    WORKLOADS_FINE_FOR,
)
from plafond.model.ledger import OTHERS, Bucket, Ledger, SeriesKey
from plafond.model.memory import NamespaceRecord
from plafond.model.money import ZERO
from plafond.model.window import Span

Series = Mapping[SeriesKey, tuple[Bucket, ...]]


def past_until(as_of: datetime) -> datetime:
    """Return the start of the hour that is not over yet: what began before it is finished."""
    # Whatever merges with age does so when an hour begins, so the past changes once an hour.
    return EPOCH + _cell(as_of, HOUR) * HOUR


def split(ledger: Ledger, at: datetime) -> tuple[Ledger, Ledger]:
    """Return what of the whole namespace starts before *at*, and everything else."""
    older, newer = {}, {}
    for key, buckets in ledger.series.items():
        first = 0 if key.workload else _first_from(buckets, at)
        newer[key] = buckets[first:]
        if first:
            older[key] = buckets[:first]
    return Ledger(None, older), Ledger(ledger.as_of, newer)


def joined(older: Ledger, newer: Ledger) -> Ledger:
    """Return what `split` has split."""
    series = dict(newer.series)
    for key, buckets in older.series.items():
        series[key] = (*buckets, *series.get(key, ()))
    return Ledger(newer.as_of, series)


def reach(ledger: Ledger) -> Span | None:
    """Return from the first to the last that *ledger* holds; None where that is nothing."""
    held = [buckets for buckets in ledger.series.values() if buckets]
    if not held:
        return None
    return Span(min(each[0].start for each in held), max(each[-1].end for each in held))


def without_past(record: NamespaceRecord, until: datetime) -> NamespaceRecord:
    """
    Return *record*, of which everything before *until* is lost.

    It is counted from then on only: history is asked for what was before, as it is where a whole
    ledger was lost.
    """
    memory = record.memory
    lost = replace(
        memory,
        counted_since=max(until, memory.counted_since or until),
        complete_from=max(until, memory.complete_from or until),
        searched_from=max(until, memory.searched_from or until),
    )
    return replace(record, memory=lost)


def finished_day(as_of: datetime) -> Span:
    """Return the last day of which also the workloads are known by whole hours."""
    # Buckets become hours at the first pass of an hour.
    end = _day(as_of - WORKLOADS_FINE_FOR - HOUR)
    return Span(end - DAY, end)


def day_of(ledger: Ledger, day: Span) -> Ledger:
    """Return what *ledger* holds of *day*, the workloads included, by hour."""
    inside = {
        key: buckets[_first_from(buckets, day.start) : _first_from(buckets, day.end)]
        for key, buckets in ledger.series.items()
    }
    return Ledger(None, {key: _merged(found, HOUR) for key, found in inside.items() if found})


def finished_months(as_of: datetime) -> datetime:
    """Return the end of the last month of which every day is kept by day alone."""
    return month_of(as_of - HOURLY_FOR).start


def month_of(instant: datetime) -> Span:
    """Return the month, in UTC, that *instant* lies in."""
    start = _day(instant).replace(day=1)
    return Span(start, (start + 31 * DAY).replace(day=1))


def by_day(days: Iterable[Ledger]) -> Ledger:
    """Return what *days*, in order, hold together, day by day; of workloads the dearest."""
    series: dict[SeriesKey, tuple[Bucket, ...]] = defaultdict(tuple)
    for day in days:
        for key, buckets in day.series.items():
            series[key] += _merged(buckets, DAY)
    return Ledger(None, _bounded(series))


def _bounded(series: Series) -> dict[SeriesKey, tuple[Bucket, ...]]:
    """Return *series*, of the workloads in each unit those that cost most, the rest as one."""
    kept = {key: buckets for key, buckets in series.items() if not key.workload}
    for unit in sorted({key.unit for key in series}):
        here = [key for key in series if key.workload and key.unit == unit]
        named = [key for key in here if key.workload != OTHERS]
        own = set(sorted(named, key=lambda key: (-_total(series[key]), key))[:MOST_WORKLOADS])
        kept |= {key: series[key] for key in here if key in own}
        rest = [bucket for key in here if key not in own for bucket in series[key]]
        if rest:
            key = here[0]._replace(workload=OTHERS)
            kept[key] = _merged(tuple(sorted(rest, key=lambda bucket: bucket.start)), DAY)
    return kept


def _total(buckets: tuple[Bucket, ...]) -> Decimal:
    return sum((bucket.value for bucket in buckets), ZERO)


def _merged(buckets: tuple[Bucket, ...], grain: timedelta) -> tuple[Bucket, ...]:
    """Return *buckets*, those that start in the same stretch of *grain* as one."""
    merged: list[Bucket] = []
    for bucket in buckets:
        last = merged[-1] if merged else None
        if last is not None and _cell(last.start, grain) == _cell(bucket.start, grain):
            end = max(last.end, bucket.end)
            merged[-1] = Bucket(last.start, end - last.start, last.value + bucket.value)
        else:
            merged.append(bucket)
    return tuple(merged)


def _first_from(buckets: tuple[Bucket, ...], at: datetime) -> int:
    return bisect_left(buckets, at, key=lambda bucket: bucket.start)


def _day(instant: datetime) -> datetime:
    return EPOCH + _cell(instant, DAY) * DAY


def _cell(instant: datetime, grain: timedelta) -> int:
    return (instant - EPOCH) // grain
