"""
The simulated world as the operator would observe it: one namespace, one Deployment, its pods.

It builds snapshots and carries out plans. What the core decides is none of its business.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, auto

from plafond.decide.plan import (
    Action,
    ClearCeilings,
    ClearQuota,
    Plan,
    ScaleTo,
    SetCeilings,
    SetQuota,
)
from plafond.model.autoscaler import Autoscaler
from plafond.model.capacity import Node, PriceSheet
from plafond.model.memory import NamespaceRecord
from plafond.model.meters import Meter, MeterReading, PodKey
from plafond.model.policy import CostPolicy
from plafond.model.snapshot import Namespace, Quota, Snapshot
from plafond.model.workload import Pod, Workload, WorkloadId
from plafond.simulate.world import STEP_S, Fleet, Replica

NODE = "simulated"


@dataclass(frozen=True, slots=True)
class Scene:
    """
    What does not change during a run: the policy and prices, and what a replica asks for.

    *start* is the window's first instant; *node_labels* are those that the price sheet selects.
    """

    start: datetime
    policy: CostPolicy
    sheets: tuple[PriceSheet, ...]
    workload: WorkloadId
    requests: Mapping[str, Decimal]
    node_labels: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    termination_grace: timedelta = timedelta(seconds=30)

    def instant(self, step: int) -> datetime:
        """Return when *step* begins."""
        return self.start + timedelta(seconds=step * STEP_S)


class Stage(Enum):
    """What a replica does, as its pod shows it."""

    READY = auto()
    STARTING = auto()
    ENDING = auto()
    CANCELLED = auto()


@dataclass(slots=True)
class Cluster:
    """The API server's part of the world: what was written, and which pods there are."""

    scene: Scene
    replicas: int
    record: NamespaceRecord
    namespace: Namespace = field(init=False)
    is_count_ours: bool = False
    ready: tuple[PodKey, ...] = ()
    _known: dict[tuple[int, Stage], Pod] = field(default_factory=dict)
    _pods: tuple[Pod, ...] = ()
    _workload: Workload = field(init=False)
    _seen: int = -1

    def __post_init__(self) -> None:
        scene = self.scene
        self.namespace = Namespace(scene.workload.namespace, "simulated")
        self._workload = Workload(
            scene.workload,
            "simulated",
            "1",
            scene.start - timedelta(days=30),
            self.replicas,
            scene.requests,
            scene.labels,
            scene.labels,
            termination_grace=scene.termination_grace,
        )

    @property
    def ceiling(self) -> int | None:
        """The most replicas that the API server lets through; None without a ceiling."""
        return self.namespace.limiting.get(self.scene.workload)

    def look(self, fleet: Fleet, step: int) -> None:
        """Bring pods up to date with *fleet*."""
        if fleet.version != self._seen:
            self._seen = fleet.version
            before = self._known
            # A replica to which nothing happened is seen as the same pod again.
            self._known = {
                which: before.get(which) or self._pod(replica, which[-1], step)
                for which, replica in _staged(fleet)
            }
            self._pods = tuple(self._known.values())
            self.ready = tuple(pod.key for pod in self._pods if pod.is_ready)

    def snapshot(
        self,
        step: int,
        meters: Mapping[Meter, MeterReading],
        autoscaler: Autoscaler | None = None,
    ) -> Snapshot:
        """Return all facts at the beginning of *step*."""
        scene, name = self.scene, self.namespace.name
        return Snapshot(
            scene.instant(step),
            policies=(scene.policy,),
            sheets=scene.sheets,
            namespaces={name: self.namespace},
            nodes={NODE: Node(NODE, scene.node_labels, scene.requests)},
            pods=self._pods,
            workloads=(self._current(autoscaler),),
            meters=meters,
            records={name: self.record},
        )

    def _current(self, autoscaler: Autoscaler | None) -> Workload:
        known = self._workload
        if known.replicas != self.replicas or known.autoscaler != autoscaler:
            self._workload = replace(
                known,
                replicas=self.replicas,
                autoscaler=autoscaler,
                is_count_ours=self.is_count_ours,
            )
        return self._workload

    def carry_out(self, plan: Plan, record: NamespaceRecord) -> int:
        """Write what *plan* says; return the count that is asked for then."""
        self.record = record
        for part in plan.parts:
            for action in part.actions:
                self._write(action)
        return self.replicas

    def _write(self, action: Action) -> None:
        match action:
            case SetCeilings():
                self.namespace = replace(self.namespace, ceilings=action.ceilings, why=action.why)
            case ClearCeilings():
                self.namespace = replace(self.namespace, ceilings=None, why=None)
            case SetQuota():
                hard = {name: Decimal(most) for name, most in action.hard.items()}
                self.namespace = replace(
                    self.namespace, quota=Quota("simulated", hard, is_ours=True)
                )
            case ClearQuota():
                self.namespace = replace(self.namespace, quota=None)
            case ScaleTo():
                ceiling = self.ceiling
                self.replicas = action.after if ceiling is None else min(action.after, ceiling)
                self.is_count_ours = True

    def _pod(self, replica: Replica, stage: Stage, step: int) -> Pod:
        scene, name = self.scene, f"{self.scene.workload.name}-{replica.serial}"
        return Pod(
            name,
            scene.workload.namespace,
            name,
            scene.requests,
            scene.workload,
            NODE,
            scene.instant(replica.since),
            scene.instant(replica.due) if stage is Stage.READY else None,
            scene.instant(step - 1) if stage is Stage.CANCELLED else None,
            is_terminating=stage is Stage.ENDING,
        )


def _staged(fleet: Fleet) -> Iterator[tuple[tuple[int, Stage], Replica]]:
    stages = (
        (Stage.READY, fleet.ready),
        (Stage.STARTING, fleet.starting),
        (Stage.ENDING, fleet.ending),
        (Stage.CANCELLED, fleet.cancelled),
    )
    for stage, replicas in stages:
        for replica in replicas:
            yield (replica.serial, stage), replica
