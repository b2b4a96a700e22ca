"""Workloads, their pods, and the classes that say how much each matters when money is short."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from plafond.model.autoscaler import Autoscaler
from plafond.model.labels import LabelSelector, Requirement
from plafond.model.meters import PodKey


class WorkloadClass(StrEnum):
    """How much a workload matters; declared in the order in which money is given."""

    HOT = "Hot"
    WARM = "Warm"
    COLD = "Cold"

    def __init__(self, _: str) -> None:
        # Position in the order of funding; 0 is first.
        self.rank = len(type(self).__members__)


# A tuple, because a pass looks a hundred things up by each of them.
class WorkloadId(NamedTuple):
    """A scale target's reference in the cluster; the order is the tie-break of every decision."""

    namespace: str
    kind: str
    name: str
    group: str = "apps"

    @property
    def resource(self) -> str:
        """The `resource.group` that kubectl uses, as in `deployments.apps`."""
        return f"{self.kind.lower()}s.{self.group}"

    def __str__(self) -> str:
        return f"{self.kind.lower()}s.{self.group}/{self.name}"


@dataclass(frozen=True, slots=True)
class Surge:
    """Pods that a rollout may run beyond the replicas: so many, or so many percent of them."""

    count: int = 0
    percent: int = 0

    def of(self, replicas: int) -> int:
        """Return how many of *replicas* may run twice."""
        # Whatever a strategy allows, a rollout never makes more new pods than there are replicas.
        return min(replicas, max(self.count, -(-replicas * self.percent // 100)))


@dataclass(frozen=True, slots=True)
class Workload:
    """
    A thing we may scale, as the API server has it.

    *is_count_ours* says that our field manager wrote `spec.replicas` last: any other count was
    chosen by somebody else. *loses_volumes* says that a lower count deletes volumes.
    """

    id: WorkloadId
    uid: str
    resource_version: str
    created_at: datetime
    replicas: int
    requests: Mapping[str, Decimal]
    labels: Mapping[str, str] = field(default_factory=dict)
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    node_requirements: tuple[Requirement, ...] = ()
    termination_grace: timedelta = timedelta(seconds=30)
    surge: Surge = field(default_factory=Surge)
    loses_volumes: bool = False
    is_count_ours: bool = False
    is_ignored: bool = False
    is_terminating: bool = False
    autoscaler: Autoscaler | None = None


@dataclass(frozen=True, slots=True)
class DisruptionBudget:
    """A PodDisruptionBudget: how many of the pods that *selector* matches are to be available."""

    namespace: str
    name: str
    selector: LabelSelector
    min_available: int

    def covers(self, workload: Workload) -> bool:
        """Say whether it is about the pods of *workload*."""
        return workload.id.namespace == self.namespace and self.selector.matches(
            workload.pod_labels
        )


@dataclass(frozen=True, slots=True)
class Pod:
    """
    A pod and its life.

    Attributes:
        requests: its effective resource requests in base units.
        scheduled_at: when it began to cost.
        ended_at: when it stopped: its phase became terminal, or its absence was observed.
        is_running: it is scheduled and has not ended; a terminating pod costs until it is gone.
        is_ready: it serves.
        key: how series name it.

    """

    uid: str
    namespace: str
    name: str
    requests: Mapping[str, Decimal]
    owner: WorkloadId | None = None
    node: str | None = None
    scheduled_at: datetime | None = None
    ready_at: datetime | None = None
    ended_at: datetime | None = None
    is_terminating: bool = False
    # What follows from the others is settled once: a pod is looked at in many passes.
    is_running: bool = field(init=False, repr=False, compare=False)
    is_ready: bool = field(init=False, repr=False, compare=False)
    key: PodKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        is_running = self.scheduled_at is not None and self.ended_at is None
        is_ready = is_running and self.ready_at is not None and not self.is_terminating
        object.__setattr__(self, "is_running", is_running)
        object.__setattr__(self, "is_ready", is_ready)
        object.__setattr__(self, "key", PodKey(self.namespace, self.name))
