"""
Writing into the ledger, and reading budgets' spend out of it.

Fine buckets lie on a grid and are cut at the edges of the windows in force, so that a window's
spend is a sum of whole buckets. With age they merge into hours and then days, never across an edge.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from plafond.model.ledger import OTHERS, Bucket, Fact, Ledger, SeriesKey
from plafond.model.money import MICROSECONDS_PER_HOUR, TOKENS, ZERO, elapsed_microseconds, hourly
from plafond.model.window import Span

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FINE_FOR = timedelta(hours=26)
HOURLY_FOR = timedelta(days=8)
# However long the windows in force are: tomorrow's policy may cover a longer one.
KEPT_FOR = timedelta(days=400)
COARSEST_FINE_GRAIN = timedelta(minutes=5)
FINE_BUCKETS_PER_WINDOW = 300


# Of single workloads: for whoever asks where the money went, not for budgets, which need no less
# than the whole namespace. So they are rounded, and bounded in number and in time.
WORKLOADS_FINE_FOR = timedelta(hours=1)
# Until the day that it is of has been put away, also where that is tried half a day late.
WORKLOADS_KEPT_FOR = timedelta(hours=36)
MOST_WORKLOADS = 300
WORKLOADS_PRECISION = Decimal("1e-9")
ONE = Decimal(1)
# What is seen, not reckoned.
COUNTED = frozenset({Fact.SPEND, Fact.UNMANAGED})


class Charge(NamedTuple):
    """A constant hourly rate over a stretch of time, for one series."""

    key: SeriesKey
    span: Span
    rate: Decimal


_start_of, _end_of, _value_of = attrgetter("start"), attrgetter("end"), attrgetter("value")


class Grid(NamedTuple):
    """How buckets lie: the fine grain, and the edges (ordered) that no bucket crosses."""

    grain: timedelta
    edges: tuple[datetime, ...] = ()
    fine_for: timedelta = FINE_FOR
    kept_for: timedelta = KEPT_FOR

    def of(self, key: SeriesKey) -> "Grid":
        """Return how the buckets of *key* lie."""
        return WORKLOADS_GRID if key.workload else self

    def cell(self, instant: datetime, grain: timedelta) -> Span:
        """Return the bucket of *grain* that *instant* falls into."""
        start = EPOCH + (instant - EPOCH) // grain * grain
        end = start + grain
        after = bisect_left(self.edges, instant)
        if after < len(self.edges) and self.edges[after] == instant:
            after += 1
        if after:
            start = max(start, self.edges[after - 1])
        if after < len(self.edges):
            end = min(end, self.edges[after])
        return Span(start, end)

    def cell_at_age(self, instant: datetime, now: datetime) -> Span:
        """Return the bucket for *instant* as coarse as its age allows, and no coarser."""
        age = now - instant
        for grain, fresh_for in ((DAY, HOURLY_FOR), (HOUR, self.fine_for)):
            # A bucket ends after every instant in it, so it is younger still.
            if age >= fresh_for and now - (cell := self.cell(instant, grain)).end >= fresh_for:
                return cell
        return self.cell(instant, self.grain)


WORKLOADS_GRID = Grid(COARSEST_FINE_GRAIN, fine_for=WORKLOADS_FINE_FOR, kept_for=WORKLOADS_KEPT_FOR)


def grid_for(
    spans: Iterable[Span], evaluation_period: timedelta, rolling: Iterable[timedelta] = ()
) -> Grid:
    """Return the grid for the windows in force; those that are *rolling* have no edges."""
    return _grid(tuple(spans), evaluation_period, tuple(rolling))


# In one pass, most namespaces have the same windows, and charge for the same stretch.
@lru_cache(maxsize=256)
def _grid(
    spans: tuple[Span, ...], evaluation_period: timedelta, rolling: tuple[timedelta, ...]
) -> Grid:
    shortest = min((*(span.length for span in spans), *rolling), default=DAY)
    grain = max(evaluation_period, min(COARSEST_FINE_GRAIN, shortest / FINE_BUCKETS_PER_WINDOW))
    edges = sorted({span.start for span in spans} | {span.end for span in spans})
    # Fine buckets are for the windows that need them: of short ones there would be too many.
    return Grid(grain, tuple(edges), fine_for=min(FINE_FOR, 2 * shortest))


def recorded(ledger: Ledger, charges: Iterable[Charge], now: datetime, grid: Grid) -> Ledger:
    """Return *ledger* with *charges* added and its old facts made coarser."""
    pieces = _pieces(charges, now, grid)
    series = dict(ledger.series)
    own, of_workloads = _current(ledger.as_of, grid), _current(ledger.as_of, WORKLOADS_GRID)
    for key, values in _bounded(pieces, series).items():
        cell = of_workloads if key.workload else own
        series[key] = _deposited(series.get(key, ()), values, (ledger.as_of, cell))
    if ledger.as_of is None or now - EPOCH >= (ledger.as_of - EPOCH) // HOUR * HOUR + HOUR:
        found = {key: _compacted(buckets, now, grid.of(key)) for key, buckets in series.items()}
        series = {key: buckets for key, buckets in found.items() if buckets or not key.workload}
    # A clock that steps back is waited for: what was counted is not counted again.
    return Ledger(now if ledger.as_of is None else max(now, ledger.as_of), series)


def _pieces(charges: Iterable[Charge], now: datetime, grid: Grid) -> dict[SeriesKey, "_Pieces"]:
    pieces: dict[SeriesKey, _Pieces] = {}
    cuts: dict[tuple[Span, bool], _Cut] = {}
    for charge in charges:
        key, span, _ = charge
        which = span, bool(key.workload)
        cut = cuts.get(which)
        if cut is None:
            cut = cuts[which] = _cut(span, grid.of(key), now)
        into = pieces.setdefault(key, {})
        for piece, value in _values(charge, cut):
            into[piece] = into[piece] + value if piece in into else value
    return {key: _rounded(into) if key.workload else into for key, into in pieces.items()}


def _rounded(pieces: "_Pieces") -> "_Pieces":
    return {piece: value.quantize(WORKLOADS_PRECISION) for piece, value in pieces.items()}


def _bounded(
    pieces: Mapping[SeriesKey, "_Pieces"], series: Mapping[SeriesKey, tuple[Bucket, ...]]
) -> Mapping[SeriesKey, "_Pieces"]:
    """Return *pieces* with the workloads that are too many as one."""
    if not any(key.workload and key not in series for key in pieces):
        return pieces
    known = {key.workload for key in series}
    found: dict[SeriesKey, _Pieces] = {}
    for key in sorted(pieces):
        if not key.workload:
            found[key] = pieces[key]
            continue
        if key.workload not in known and len(known) < MOST_WORKLOADS:
            known.add(key.workload)
        kept = key if key.workload in known else key._replace(workload=OTHERS)
        into = found.setdefault(kept, {})
        for piece, value in pieces[key].items():
            into[piece] = into.get(piece, ZERO) + value
    return found


def spent(ledger: Ledger, key: SeriesKey, span: Span) -> Decimal:
    """Return what a series recorded inside *span*; a bucket only partly inside counts whole."""
    buckets = ledger.series.get(key, ())
    first = bisect_right(buckets, span.start, key=_end_of)
    after = bisect_left(buckets, span.end, key=_start_of)
    return sum(map(_value_of, reversed(buckets[first:after])), ZERO)


def mean_rates(
    ledger: Ledger, keys: Iterable[SeriesKey], now: datetime, back: timedelta
) -> dict[SeriesKey, Decimal]:
    """Return the mean hourly rate of each series over the last *back*; none without any facts."""
    # Where other series have facts and this one has none, nothing accrued: that is known, too.
    starts = [buckets[0].start for buckets in ledger.series.values() if buckets]
    begin = max(now - back, min(starts, default=now))
    if begin >= now:
        return {}
    span = Span(begin, now)
    return {
        key: hourly(spent(ledger, key, span), span.length) if key in ledger.series else ZERO
        for key in keys
    }


class _Piece(NamedTuple):
    at: datetime
    cell: Span


_Pieces = dict[_Piece, Decimal]
_Cut = tuple[tuple[_Piece, int], ...]


@lru_cache(maxsize=256)
def _cut(span: Span, grid: Grid, now: datetime) -> _Cut:
    """Return the pieces of buckets that *span* is, with how many microseconds each lasts."""
    found, at = [], span.start
    while at < span.end:
        cell = grid.cell_at_age(at, now)
        until = min(cell.end, span.end)
        found.append((_Piece(at, cell), elapsed_microseconds(until - at)))
        at = until
    return tuple(found)


def _values(charge: Charge, cut: _Cut) -> Iterable[tuple[_Piece, Decimal]]:
    rate = charge.rate
    if charge.key.unit == TOKENS and charge.key.fact in COUNTED:
        return _wholes(rate, cut)
    return [(piece, rate * each / MICROSECONDS_PER_HOUR) for piece, each in cut]


def _wholes(rate: Decimal, cut: _Cut) -> Iterator[tuple[_Piece, Decimal]]:
    # There are no parts of a token: all pieces of a charge together are as many as were counted.
    elapsed, before = 0, ZERO
    for piece, microseconds in cut:
        elapsed += microseconds
        upto = (rate * elapsed / MICROSECONDS_PER_HOUR).quantize(ONE)
        if upto != before:
            yield piece, upto - before
        before = upto


@lru_cache(maxsize=256)
def _current(as_of: datetime | None, grid: Grid) -> Span | None:
    return None if as_of is None else grid.cell(as_of, grid.grain)


def _closed(
    buckets: tuple[Bucket, ...], as_of: datetime | None, cell: Span | None
) -> tuple[Bucket, ...]:
    # A bucket that the grid would now end elsewhere holds nothing after as_of: it ends there, so
    # that a window which opens inside it does not count what came before.
    if not buckets or as_of is None or cell is None:
        return buckets
    last = buckets[-1]
    end = last.end
    if not last.start < as_of < end or (cell.end == end and cell.start < as_of):
        return buckets
    return (*buckets[:-1], Bucket(last.start, as_of - last.start, last.value))


def _deposited(
    buckets: tuple[Bucket, ...], pieces: "_Pieces", reached: tuple[datetime | None, Span | None]
) -> tuple[Bucket, ...]:
    """Return *buckets* with *pieces*; *reached* is the ledger's last entry, and its bucket now."""
    buckets = _closed(buckets, *reached)
    # Nearly always only the last bucket grows: leave the others as they are.
    if buckets and len(pieces) == 1:
        (((at, _), value),) = pieces.items()
        start, length, held = buckets[-1]
        if start <= at < start + length:
            return (*buckets[:-1], Bucket(start, length, held + value))
    first = min(piece.at for piece in pieces)
    keep = bisect_right(buckets, first, key=_end_of)
    tail = list(buckets[keep:])
    for piece in sorted(pieces):
        _deposit(tail, piece, pieces[piece])
    if keep and tail and tail[0].start < buckets[keep - 1].end:
        start = buckets[keep - 1].end
        tail[0] = Bucket(start, tail[0].end - start, tail[0].value)
    return (*buckets[:keep], *tail)


def _deposit(buckets: list[Bucket], piece: _Piece, value: Decimal) -> None:
    index = bisect_right(buckets, piece.at, key=_end_of)
    if index < len(buckets) and buckets[index].start <= piece.at:
        old = buckets[index]
        buckets[index] = Bucket(old.start, old.length, old.value + value)
        return
    start = max(piece.cell.start, buckets[index - 1].end) if index else piece.cell.start
    end = min(piece.cell.end, buckets[index].start) if index < len(buckets) else piece.cell.end
    buckets.insert(index, Bucket(start, end - start, value))


def _compacted(buckets: tuple[Bucket, ...], now: datetime, grid: Grid) -> tuple[Bucket, ...]:
    merged: list[Bucket] = []
    for bucket in buckets:
        if now - bucket.end > grid.kept_for:
            continue
        cell = grid.cell_at_age(bucket.start, now)
        if merged and merged[-1].start >= cell.start and bucket.end <= cell.end:
            last = merged[-1]
            merged[-1] = Bucket(last.start, bucket.end - last.start, last.value + bucket.value)
        else:
            merged.append(bucket)
    return tuple(merged)
