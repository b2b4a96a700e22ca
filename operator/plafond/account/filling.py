"""
Filling a ledger from what our own counters said before it was counted.

What the ledger holds of that time is the cost of pods that were still there when somebody looked:
never too much, so the more of the two counts, stretch by stretch. The total of a window is exact to
the steps at its ends.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from plafond.account.ledger import Charge, Grid, recorded
from plafond.account.told import Told, told, units
from plafond.model.history import History
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.model.money import ZERO, elapsed_microseconds, hourly
from plafond.model.window import Span

Buckets = tuple[Bucket, ...]


def filled(ledger: Ledger, history: History, before: datetime, grid: Grid) -> Ledger:
    """Return *ledger* with what *history* tells of the time *before* it was counted."""
    as_of = ledger.as_of or before
    for unit in units(history.counters):
        key = SeriesKey(Fact.SPEND, unit)
        buckets = ledger.series.get(key, ())
        better = [
            each
            for run in told(history, unit, before)
            if _total(run) >= held(buckets, Span(run[0].span.start, run[-1].span.end))
            for each in run
            if not each.in_part or each.value > held(buckets, each.span)
        ]
        series = {**ledger.series, key: _without(buckets, [each.span for each in better])}
        charges = [
            Charge(key, each.span, hourly(each.value, each.span.length))
            for each in better
            if each.value
        ]
        ledger = recorded(Ledger(ledger.as_of, series), charges, as_of, grid)
    return ledger


def begins_at(history: History) -> datetime | None:
    """Return from when on *history* tells anything."""
    # The first point is only what later ones are compared with.
    return min((c.points[0].at for c in history.counters if c.points), default=None)


def held(buckets: Buckets, span: Span) -> Decimal:
    """Return what *buckets* hold of *span*; of one that lies in it partly, that part."""
    first = bisect_right(buckets, span.start, key=lambda bucket: bucket.end)
    total = ZERO
    for bucket in buckets[first:]:
        if bucket.start >= span.end:
            break
        total += _part(bucket, _overlap(bucket, span))
    return total


def _total(run: Iterable[Told]) -> Decimal:
    return sum((each.value for each in run), ZERO)


def _without(buckets: Buckets, spans: list[Span]) -> Buckets:
    """Return *buckets* without what they hold of *spans*, which are in order and apart."""
    left = []
    for bucket in buckets:
        first = bisect_right(spans, bucket.start, key=lambda span: span.end)
        gone = timedelta(0)
        for span in spans[first:]:
            if span.start >= bucket.end:
                break
            gone += _overlap(bucket, span)
        if gone < bucket.length:
            value = _part(bucket, bucket.length - gone)
            left.append(Bucket(bucket.start, bucket.length, value))
    return tuple(left)


def _overlap(bucket: Bucket, span: Span) -> timedelta:
    return max(timedelta(0), min(bucket.end, span.end) - max(bucket.start, span.start))


def _part(bucket: Bucket, length: timedelta) -> Decimal:
    if length == bucket.length:
        return bucket.value
    return bucket.value * elapsed_microseconds(length) / elapsed_microseconds(bucket.length)
