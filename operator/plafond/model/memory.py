"""
What a decision needs from the past and cannot see in the world.

It is kept in the ledger's object, is read into the snapshot and written back, so a restart changes
nothing. Everything here could be lost without harm to a ceiling; wanted counts are the exception,
which is why a first one is written down before the first write that depends on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from plafond.model.ledger import Ledger
from plafond.model.money import ByUnit
from plafond.model.workload import WorkloadId


@dataclass(frozen=True, slots=True)
class Recommended:
    """A recommendation of the past, for scale-down stabilization."""

    at: datetime
    replicas: int


@dataclass(frozen=True, slots=True)
class WorkloadMemory:
    """
    What is remembered of one workload in one policy set.

    Attributes:
        wanted_replicas: the count before our first write, or a later one that others chose.
        ceiling: the ceiling decided last.
        recommendations: the ones that may still hold a scale-down back, oldest first.
        price: the last plausible price of a replica per hour, by unit.
        priced_requests: the resource requests that this was the price of.
        was_waiting: requests waited in the sample before.
        probed_at: when demand beyond what can be seen was last probed for, by doubling.
        probe: what that probe recommended.
        bound_at: when the ceiling last was below the recommendation.
        raised_at: when the ceiling was last raised after it had bound.
        funded_floor: replicas of the floor that the budget carried.
        floor_dropped_at: when it last carried fewer than before.
        explanation: the last decision's moves, as `Reason:before:after`.

    """

    wanted_replicas: int | None = None
    ceiling: int | None = None
    recommendations: tuple[Recommended, ...] = ()
    price: ByUnit = field(default_factory=dict)
    priced_requests: Mapping[str, Decimal] = field(default_factory=dict)
    was_waiting: bool = False
    probed_at: datetime | None = None
    probe: int | None = None
    bound_at: datetime | None = None
    raised_at: datetime | None = None
    funded_floor: int | None = None
    floor_dropped_at: datetime | None = None
    explanation: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenPod:
    """A pod whose cost has been counted up to the ledger's `as_of`, at these hourly rates."""

    rates: ByUnit
    is_managed: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """
    What is remembered of one namespace.

    Attributes:
        sets: per policy set (its key) and workload.
        open_pods: by pod uid.
        start_delays: from scheduled to ready, of the latest pods, oldest first.

    """

    sets: Mapping[str, Mapping[WorkloadId, WorkloadMemory]] = field(default_factory=dict)
    open_pods: Mapping[str, OpenPod] = field(default_factory=dict)
    start_delays: tuple[timedelta, ...] = ()


@dataclass(frozen=True, slots=True)
class NamespaceRecord:
    """One namespace's ledger and memory, as they are checkpointed together."""

    ledger: Ledger = field(default_factory=Ledger)
    memory: Memory = field(default_factory=Memory)
