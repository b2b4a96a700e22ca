"""
What a page is made of: plain values with names and units, and no word about how they are drawn.

Numbers are `float` here, also those of money: a page draws sums that were counted elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

# A value that could not be had is None: the line is interrupted there, it does not fall to zero.
Points = Sequence[tuple[float, float | None]]


class Stroke(StrEnum):
    """How a series is drawn; each is told from the others without colour."""

    SOLID = "solid"
    DASHED = "dashed"
    DOTTED = "dotted"
    DASH_DOT = "dash-dot"
    AREA = "area"


@dataclass(frozen=True)
class Series:
    """One line of a chart; with *is_step* a value holds until the next one."""

    name: str
    points: Points
    stroke: Stroke = Stroke.SOLID
    is_step: bool = False


@dataclass(frozen=True)
class Band:
    """A stretch of the horizontal axis during which something was so."""

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Marker:
    """A moment, and what happened then."""

    at: float
    label: str


@dataclass(frozen=True)
class Axis:
    """What an axis counts; ticks stand at multiples of *tick_every* where that is legible."""

    name: str
    tick_every: float | None = None


@dataclass(frozen=True)
class Chart:
    """Series over one horizontal axis; the vertical one includes zero."""

    title: str
    text: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    bands: tuple[Band, ...] = ()
    markers: tuple[Marker, ...] = ()


@dataclass(frozen=True)
class Table:
    """Rows of text under a heading; columns in *numeric* are set to the right."""

    title: str
    text: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Figure:
    """One number that sums up, with its unit, and what it says."""

    value: str
    label: str


@dataclass(frozen=True)
class Section:
    """Charts and tables that belong together, under one heading."""

    title: str
    parts: tuple[Chart | Table, ...]


@dataclass(frozen=True)
class Page:
    """A whole page; *remark* is its last line."""

    title: str
    lead: str
    figures: tuple[Figure, ...] = ()
    sections: tuple[Section, ...] = ()
    remark: str = ""
