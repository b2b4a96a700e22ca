"""All facts at one instant. Nothing after it reads the world, or the clock, until the next pass."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from operator import attrgetter
from typing import TypeVar

from plafond.model.admission import Admission
from plafond.model.capacity import Node, PriceSheet
from plafond.model.history import Histories, Past
from plafond.model.memory import NamespaceRecord
from plafond.model.meters import Meter, MeterReading
from plafond.model.policy import CostPolicy, InvalidPolicy
from plafond.model.workload import DisruptionBudget, Pod, Workload, WorkloadId

# A count as high as the API allows: what is listed with it may be scaled, and is not limited.
NO_CEILING = 2**31 - 1
# All annotations of an object share 256 KiB; the admission policies were measured far above this.
MOST_CEILING_BYTES = 32 * 1024

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Quota:
    """The ResourceQuota that bears our name; *is_ours* says whether we made it."""

    uid: str
    hard: Mapping[str, Decimal]
    is_ours: bool


@dataclass(frozen=True, slots=True)
class Namespace:
    """
    A namespace, what our annotations on it say, and our quota in it.

    *ceilings* is None when the annotation is absent; *unreadable* holds its text when it cannot be
    understood.
    """

    name: str
    uid: str = ""
    ceilings: Mapping[WorkloadId, int] | None = None
    why: str | None = None
    unreadable: str | None = None
    quota: Quota | None = None
    is_terminating: bool = False
    created_at: datetime | None = None

    @property
    def limiting(self) -> Mapping[WorkloadId, int]:
        """The ceilings in force that limit anything."""
        found = (self.ceilings or {}).items()
        return {workload: most for workload, most in found if most < NO_CEILING}


@dataclass(frozen=True)
class Snapshot:
    """
    What a pass knows.

    Attributes:
        admission: what the API server was seen to do with writes that it must not carry out.
        watched_since: from when on everything in the cluster has been seen.
        history: what our counters said before that, by namespace, where it was asked for.

    """

    now: datetime
    policies: tuple[CostPolicy, ...] = ()
    invalid: tuple[InvalidPolicy, ...] = ()
    sheets: tuple[PriceSheet, ...] = ()
    namespaces: Mapping[str, Namespace] = field(default_factory=dict)
    nodes: Mapping[str, Node] = field(default_factory=dict)
    pods: tuple[Pod, ...] = ()
    workloads: tuple[Workload, ...] = ()
    disruption_budgets: tuple[DisruptionBudget, ...] = ()
    meters: Mapping[Meter, MeterReading] = field(default_factory=dict)
    records: Mapping[str, NamespaceRecord] = field(default_factory=dict)
    admission: Admission = field(default_factory=Admission)
    watched_since: datetime | None = None
    history: Histories = field(default_factory=dict)

    @cached_property
    def policy_names(self) -> frozenset[tuple[str, str]]:
        """Namespace and name of every policy that exists, understood or not."""
        understood = ((policy.namespace, policy.name) for policy in self.policies)
        return frozenset((*understood, *((p.namespace, p.name) for p in self.invalid)))

    @cached_property
    def _unread(self) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for policy in self.invalid:
            found[policy.namespace].add(policy.name)
        return {namespace: frozenset(names) for namespace, names in found.items()}

    def unread(self, namespace: str) -> frozenset[str]:
        """Return the names of the policies of *namespace* that cannot be understood."""
        return self._unread.get(namespace, frozenset())

    @cached_property
    def _budgets_of(self) -> Mapping[str, list[DisruptionBudget]]:
        return _by_namespace(self.disruption_budgets, attrgetter("namespace"))

    @cached_property
    def _workloads_of(self) -> Mapping[str, list[Workload]]:
        return _by_namespace(self.workloads, attrgetter("id.namespace"))

    def disruption_budgets_of(self, namespace: str) -> Sequence[DisruptionBudget]:
        """Return the disruption budgets of *namespace*."""
        return self._budgets_of.get(namespace, ())

    def workloads_of(self, namespace: str) -> Sequence[Workload]:
        """Return the workloads of *namespace*."""
        return self._workloads_of.get(namespace, ())

    def past_of(self, namespace: str) -> Past:
        """Return what may be known of *namespace* from before it was looked at."""
        found = self.namespaces.get(namespace)
        created_at = None if found is None else found.created_at
        return Past(created_at, self.watched_since, self.history.get(namespace))

    def is_in_doubt(self, namespace: str) -> bool:
        """Say whether a policy of *namespace* cannot be understood: what it limits is unknown."""
        return namespace in self._unread


def _by_namespace(items: Iterable[Item], of: Callable[[Item], str]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        found[of(item)].append(item)
    return found
