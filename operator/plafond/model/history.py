"""
What our own counters said before now, as far as Prometheus has kept it.

A counter belongs to one process of the operator: it begins at zero with each of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from plafond.model.gap import Gap


@dataclass(frozen=True, slots=True)
class Point:
    """The highest that a counter stood at in the step that ends *at* then."""

    at: datetime
    value: Decimal


@dataclass(frozen=True, slots=True)
class Counter:
    """What one process counted of a namespace in one unit, oldest first; steps may be missing."""

    unit: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class History:
    """
    A namespace's counters at the ends of steps that begin at *since*.

    Attributes:
        begins: when the first point of any namespace is; what was before is not kept anywhere.
        lag: how much later a point shows what was spent: a pass and a scrape lie in between.

    """

    since: datetime
    step: timedelta
    begins: datetime | None = None
    counters: tuple[Counter, ...] = ()
    lag: timedelta = timedelta(0)


Histories = Mapping[str, History | Gap]


@dataclass(frozen=True, slots=True)
class Past:
    """
    What may be known of a namespace from before it was looked at.

    Attributes:
        created_at: when it came to be; another one of its name may have been there before.
        watched_since: from when on everything in the cluster has been seen.
        history: what its counters said; None where nobody asked.

    """

    created_at: datetime | None = None
    watched_since: datetime | None = None
    history: History | Gap | None = None


@dataclass(frozen=True, slots=True)
class Untold:
    """
    A part of an open window of which nobody knows what it cost.

    Attributes:
        why: what keeps history from being read; None where it was read and does not reach back.
        is_awaited: history may still be read, and until then nothing is raised.

    """

    since: datetime
    until: datetime
    why: Gap | None = field(default=None)
    is_awaited: bool = False
