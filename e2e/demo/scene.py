"""What stands on the stage: two workloads of different class, their prices, and one budget."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from e2e.rig.demand import Recording, read_recording
from e2e.rig.engine import Kind, Profile
from e2e.rig.nodes import GPU_NODES, Node
from e2e.world import deployment, fixed_budget, policy

NAMESPACE = "inference"
RECORDING = Path(__file__).parents[1] / "rig" / "demand" / "two-days.csv"
HOURS = 48
PRICE = Decimal("4.10")
# What share of an unlimited autoscaler's cost the budget is.
BUDGET_SHARE = Decimal("0.65")
UTILIZATION_TARGET_PERCENT = 70
CONCURRENCY_TARGET = 6


@dataclass(frozen=True)
class Workload:
    """One inference Deployment: its class, its engine, and what a replica carries at its target."""

    name: str
    workload_class: str
    profile: Profile
    per_replica: float
    floor: int

    def replicas_for(self, requests_per_second: float) -> int:
        """Return the replicas that carry this demand at their target."""
        return max(1, math.ceil(requests_per_second / self.per_replica - 1e-9))


# Eight chats at once per replica, two seconds each; six of them are the target: 3 a second.
CHAT = Workload("chat", "Hot", Profile(queue_timeout_seconds=5.0), CONCURRENCY_TARGET / 2.0, 2)
# Four embeddings at once keep a GPU at 100 %, half a second each: at 70 % that is 5.6 a second.
EMBED = Workload(
    "embed",
    "Warm",
    Profile(
        Kind.EMBEDDING, service_seconds=0.5, concurrency_per_replica=4, queue_timeout_seconds=5
    ),
    4 / 0.5 * UTILIZATION_TARGET_PERCENT / 100,
    1,
)
WORKLOADS = (CHAT, EMBED)


@dataclass(frozen=True)
class Scene:
    """The play: how long an hour of the recording lasts, and what follows from it."""

    seconds_per_hour: float

    @property
    def factor(self) -> int:
        """How many times faster than the recording time runs."""
        return round(3600 / self.seconds_per_hour)

    @property
    def lasts(self) -> timedelta:
        """The length of the whole play."""
        return timedelta(seconds=HOURS * self.seconds_per_hour)

    @property
    def price_per_gpu_hour(self) -> Decimal:
        """The price in played time: an hour costs *factor* times more, sums are those of 48 h."""
        return PRICE * self.factor

    @property
    def unlimited_cost(self) -> Decimal:
        """What an autoscaler without a limit spends: demand at its target, with no delay at all."""
        replica_hours = sum(
            workload.replicas_for(rate)
            for workload in WORKLOADS
            for rate in hourly_demand(workload.name)
        )
        return replica_hours * PRICE

    @property
    def limit(self) -> Decimal:
        """The budget."""
        return (self.unlimited_cost * BUDGET_SHARE).quantize(Decimal(10))

    def objects(self, start: datetime) -> list[dict[str, Any]]:
        """Return everything that a platform team would apply."""
        budget = fixed_budget(str(self.limit), start, self.lasts)
        classes = [
            {
                "name": w.workload_class,
                "selector": {"matchLabels": {"app.kubernetes.io/name": w.name}},
                "minReplicas": w.floor,
            }
            for w in WORKLOADS
        ]
        scaling = {
            "gpuUtilization": {"targetPercent": UTILIZATION_TARGET_PERCENT},
            "concurrency": {"targetPerReplica": str(CONCURRENCY_TARGET)},
            "scaleDownStabilization": f"{max(1, round(2 * self.seconds_per_hour))}s",
        }
        limits = {"currency": "EUR", "budgets": [budget], "classes": classes, "scaling": scaling}
        return [policy(NAMESPACE, "two-days", **limits)]


def workloads() -> list[dict[str, Any]]:
    """Return the namespace and its Deployments."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    return [namespace, *(_deployment(workload) for workload in WORKLOADS)]


def hourly_demand(name: str) -> tuple[float, ...]:
    """Return the recorded requests per second of one workload, one per hour."""
    return recording().steps[name].requests_per_second


def recording() -> Recording:
    """Return two days of real demand."""
    return read_recording(RECORDING)


def nodes() -> Iterable[Node]:
    """Return the machines under the pods: six with eight GPUs each."""
    extra = (Node(f"h100-extra-{n}", GPU_NODES[0].labels, GPU_NODES[0].gpus) for n in range(2))
    return (*GPU_NODES, *extra)


def _deployment(workload: Workload) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": workload.name}
    first = workload.replicas_for(hourly_demand(workload.name)[0])
    return deployment(NAMESPACE, workload.name, first, labels=labels)
