"""
`SpendLedger`: what a namespace has spent and what the operator remembers; only it writes it.

One is written again and again, and is the only one with a memory. What is finished is in others,
which are closed: they are made, and deleted, and never changed. What was spent is laid out for
people, who may read it. It stays small because buckets of one length that follow one another share
a run; the bounds keep a whole object below what etcd takes.
"""

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from plafond.api.fields import Instant, Model, ObjectName, listed_by, listed_whole, rule, rules

MAX_SERIES: Final = 32
MAX_RUNS: Final = 4096
MAX_VALUES: Final = 262_144
MAX_WORKLOAD_SERIES: Final = 4096
MAX_WORKLOAD_RUNS: Final = 128
MAX_MEMORY: Final = 524_288


class Run(Model):
    """Amounts of stretches of time that follow one another and last equally long."""

    start: Instant
    """When the first stretch starts."""
    length_seconds: Annotated[str, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?$", max_length=16)]
    """How long each stretch lasts."""
    values: Annotated[str, Field(max_length=MAX_VALUES)]
    """What accrued in each stretch: decimal numbers, separated by spaces."""


class Series(Model):
    """One fact in one unit over time."""

    fact: Literal["Spend", "Unmanaged", "Demand", "Censored"]
    """
    What is counted: Spend is every pod of the namespace, Unmanaged the part of it that no enforced
    policy may scale, Demand what the recommended replicas would have cost, Censored the part of
    that which is a lower bound, because replicas were saturated.
    """
    unit: Annotated[str, Field(pattern=r"^([A-Z]{3}|gpuHours|tokens)$", max_length=8)]
    """What the amounts are in: a currency, gpuHours or tokens."""
    runs: Annotated[list[Run], Field(max_length=MAX_RUNS)] = Field(json_schema_extra=listed_whole())
    """The amounts, oldest first."""


class WorkloadSeries(Model):
    """What one workload spent in one unit, lately."""

    workload: Annotated[str, Field(min_length=1, max_length=300)]
    """
    Which one, as kubectl writes it; others are the pods of Jobs and those without an owner, and
    workloads that are too many to be listed.
    """
    unit: Annotated[str, Field(pattern=r"^([A-Z]{3}|gpuHours|tokens)$", max_length=8)]
    """What the amounts are in: a currency, gpuHours or tokens."""
    runs: Annotated[list[Run], Field(max_length=MAX_WORKLOAD_RUNS)] = Field(
        json_schema_extra=listed_whole()
    )
    """The amounts, oldest first, rounded to nine digits after the point."""


class Continued(Model):
    """The closed ledger that holds what is older."""

    name: ObjectName
    """What it is called."""
    until: Instant
    """Up to when it holds something; were it lost, so much would be unknown."""


class Closed(Model):
    """The stretch of time of which a ledger that is never changed again holds something."""

    since: Instant
    """When it begins."""
    until: Instant
    """When it ends."""


class SpendLedgerSpec(Model):
    """Facts about the namespace, and the operator's memory of its last decisions."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.memory) != has(self.closed)",
                "exactly one of memory and closed is needed: what is closed has no memory",
            ),
            rule(
                "!has(self.continues) || !has(self.closed)",
                "continues has no place in a closed ledger",
            ),
        )
    )

    as_of: Instant | None = None
    """Up to when everything below is counted."""
    continues: Continued | None = None
    """
    Where the older part of series is, which counts like what is here; no other closed ledger does.
    """
    closed: Closed | None = None
    """Says that this ledger is finished, and what stretch of time it is about."""
    series: Annotated[list[Series], Field(max_length=MAX_SERIES)] = Field(
        json_schema_extra=listed_by("fact", "unit")
    )
    """What was spent and demanded."""
    workloads: Annotated[list[WorkloadSeries], Field(max_length=MAX_WORKLOAD_SERIES)] = Field(
        default_factory=list, json_schema_extra=listed_by("workload", "unit")
    )
    """
    What each workload spent: in the last 36 hours, of two hours in stretches of five minutes; in a
    closed ledger in each of its hours, or days.
    """
    memory: Annotated[str, Field(max_length=MAX_MEMORY)] | None = None
    """What the operator remembers of its decisions, as JSON; not for other programs."""
