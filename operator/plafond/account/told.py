"""
What counters in Prometheus tell of a stretch of time: so much in each step, as far as is known.

A counter that falls belongs to a process that began anew. Between two processes nothing is told,
and the steps in which one ended or began are told only in part.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from plafond.model.history import Counter, History, Point
from plafond.model.money import ZERO, elapsed_microseconds
from plafond.model.window import Span

# Where samples are missing for longer, the process may have been another one in between.
LONGEST_SILENCE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Told:
    """What accrued in a step; *in_part*: perhaps only in a part of it."""

    span: Span
    value: Decimal
    in_part: bool


def told(history: History, unit: str, before: datetime) -> tuple[tuple[Told, ...], ...]:
    """Return what is told of *unit*, up to *before*: stretches without a hole, oldest first."""
    values: dict[int, Decimal] = {}
    whole: set[int] = set()
    for counter in (each for each in history.counters if each.unit == unit):
        found = _by_step(counter, history)
        whole |= {step for step, (_, in_part) in found.items() if not in_part}
        for step, (value, _) in found.items():
            values[step] = values.get(step, ZERO) + value
    steps = [
        each
        for step in sorted(values)
        for each in _cut(Told(_span(step, history), values[step], step not in whole), before)
    ]
    return tuple(_runs(steps))


def units(histories: Iterable[Counter]) -> list[str]:
    """Return every unit that something is told of."""
    return sorted({counter.unit for counter in histories})


def _span(step: int, history: History) -> Span:
    start = history.since + step * history.step - history.lag
    return Span(start, start + history.step)


def _runs(steps: Iterable[Told]) -> Iterator[tuple[Told, ...]]:
    run: list[Told] = []
    for each in steps:
        if run and run[-1].span.end != each.span.start:
            yield tuple(run)
            run = []
        run.append(each)
    if run:
        yield tuple(run)


def _cut(found: Told, before: datetime) -> tuple[Told, ...]:
    span = found.span
    if span.end <= before:
        return (found,)
    if span.start >= before:
        return ()
    inside = Span(span.start, before)
    share = elapsed_microseconds(inside.length)
    value = found.value * share / elapsed_microseconds(span.length)
    return (Told(inside, value, in_part=True),)


def _by_step(counter: Counter, history: History) -> dict[int, tuple[Decimal, bool]]:
    """Return by step the increase, and whether a process ended or began in it."""
    found: dict[int, tuple[Decimal, bool]] = {}
    for step, value, in_part in _increases(counter, history):
        if step >= 0:
            before, was_in_part = found.get(step, (ZERO, False))
            found[step] = (before + value, was_in_part or in_part)
    return found


def _increases(counter: Counter, history: History) -> Iterator[tuple[int, Decimal, bool]]:
    points = counter.points
    # The first points of all may be the first that Prometheus still keeps: of no use but as a base.
    if points and history.begins is not None and points[0].at > history.begins:
        yield from _begun(points[0], history)
    for before, after in pairwise(points):
        if after.value < before.value:
            yield _step(before, history), ZERO, True
            yield from _begun(after, history)
        else:
            yield from _continued(before, after, history)
    if points:
        yield _step(points[-1], history), ZERO, True


def _begun(point: Point, history: History) -> Iterator[tuple[int, Decimal, bool]]:
    yield _step(point, history), point.value, True


def _continued(
    before: Point, after: Point, history: History
) -> Iterator[tuple[int, Decimal, bool]]:
    count = (after.at - before.at) // history.step
    is_silent = after.at - before.at > max(LONGEST_SILENCE, history.step)
    for step in range(_step(after, history) - count + 1, _step(after, history) + 1):
        yield step, (after.value - before.value) / count, is_silent


def _step(point: Point, history: History) -> int:
    """Return which step ends at *point*."""
    return (point.at - history.since) // history.step - 1
