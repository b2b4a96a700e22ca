"""Fewer points that look the same, and the value of a series anywhere: a page stays small."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from plafond.page.axes import is_drawable
from plafond.page.parts import Series

GROUPS = 200

Point = tuple[float, float | None]


def cleaned(series: Series) -> list[Point]:
    """Return the points in order of their place; a value without a place is a gap."""
    placed = [(x, y if is_drawable(y) else None) for x, y in series.points if is_drawable(x)]
    return sorted(placed, key=lambda point: point[0])


def thinned(points: Sequence[Point]) -> list[Point]:
    """
    Return at most five points for each of 200 groups of neighbours.

    The first, last, lowest and highest of a group stay, and a gap: nothing else could be seen.
    """
    if len(points) <= GROUPS:
        return list(points)
    edges = [len(points) * number // GROUPS for number in range(GROUPS + 1)]
    kept: list[Point] = []
    for start, end in pairwise(edges):
        kept += _telling(points[start:end])
    return kept


def value_at(points: Sequence[Point], x: float, *, is_step: bool) -> float | None:
    """Return what a line through *points* shows at *x*: None outside of it, and in a gap."""
    after = bisect_right(points, x, key=lambda point: point[0])
    if after == 0 or x > points[-1][0]:
        return None
    left, before = points[after - 1]
    if is_step or before is None or left == x:
        return before
    right, later = points[after]
    if later is None:
        return None
    part = (x - left) / (right - left)
    return before * (1 - part) + later * part


def _telling(group: Sequence[Point]) -> list[Point]:
    values = [(y, index) for index, (_, y) in enumerate(group) if y is not None]
    gaps = [index for index, (_, y) in enumerate(group) if y is None]
    kept = {0, len(group) - 1, *gaps[:1]}
    if values:
        kept |= {min(values)[1], max(values)[1]}
    return [group[index] for index in sorted(kept)]
