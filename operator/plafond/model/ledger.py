"""
The ledger: what a namespace spent and demanded, by time. Budgets are views on it.

It knows nothing of policies, so renaming or re-creating one changes nothing that was spent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class Fact(StrEnum):
    """What a series of the ledger records."""

    SPEND = "spend"  # every pod of the namespace
    UNMANAGED = "unmanaged"  # the part that the first policy set may not scale
    DEMAND = "demand"  # what the recommended replicas would have cost
    CENSORED = "censored"  # the part of it that is a lower bound, because supply was the limit


# Pods that belong to no workload that may be scaled: those of Jobs, and bare ones.
OTHERS = "others"


class SeriesKey(NamedTuple):
    """
    Which series: what it records, in which unit, and of which workload.

    Attributes:
        workload: as kubectl writes it, `deployments.apps/name`; empty for the whole namespace.

    """

    fact: Fact
    unit: str
    workload: str = ""


class Bucket(NamedTuple):
    """How much accrued in a stretch of time."""

    start: datetime
    length: timedelta
    value: Decimal

    @property
    def end(self) -> datetime:
        """Where the next bucket may begin."""
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything that accrued up to *as_of*; series are ordered by time and without overlap."""

    as_of: datetime | None = None
    series: Mapping[SeriesKey, tuple[Bucket, ...]] = field(default_factory=dict)
