"""All facts at one instant. Nothing after it reads the world, or the clock, until the next pass."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from plafond.model.capacity import Node, PriceSheet
from plafond.model.memory import NamespaceRecord
from plafond.model.meters import Meter, MeterReading
from plafond.model.policy import CostPolicy, InvalidPolicy
from plafond.model.workload import Pod, Workload, WorkloadId


@dataclass(frozen=True, slots=True)
class Namespace:
    """
    A namespace, and what our annotations on it say.

    *ceilings* is None when the annotation is absent; *unreadable* holds its text when it cannot be
    understood.
    """

    name: str
    uid: str = ""
    ceilings: Mapping[WorkloadId, int] | None = None
    why: str | None = None
    unreadable: str | None = None
    is_terminating: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a pass knows."""

    now: datetime
    policies: tuple[CostPolicy, ...] = ()
    invalid: tuple[InvalidPolicy, ...] = ()
    sheets: tuple[PriceSheet, ...] = ()
    namespaces: Mapping[str, Namespace] = field(default_factory=dict)
    nodes: Mapping[str, Node] = field(default_factory=dict)
    pods: tuple[Pod, ...] = ()
    workloads: tuple[Workload, ...] = ()
    meters: Mapping[Meter, MeterReading] = field(default_factory=dict)
    records: Mapping[str, NamespaceRecord] = field(default_factory=dict)

    def is_in_doubt(self, namespace: str) -> bool:
        """Say whether a policy of *namespace* cannot be understood: what it limits is unknown."""
        return any(policy.namespace == namespace for policy in self.invalid)
