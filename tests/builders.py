"""
Real values with good defaults, one builder per noun of the model.

A builder takes what a test is about and fills in the rest, so that a test shows nothing else. Money
is written as text (`"4.00"`), durations as timedeltas, instants relative to `NOW`.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tests.possible import refuse_impossible

from plafond.model.autoscaler import Autoscaler, Basis, MetricReading
from plafond.model.budget import Budget, OnExhausted
from plafond.model.capacity import CapacityType, Node, NodePrice, PriceSheet
from plafond.model.labels import LabelSelector, Operator, Requirement
from plafond.model.memory import Memory, NamespaceRecord, WorkloadMemory
from plafond.model.meters import Meter, MeterReading, PodKey
from plafond.model.money import Amount
from plafond.model.policy import (
    Ceilings,
    ClassRule,
    CostPolicy,
    LatencyTarget,
    Mode,
    Scaling,
    Target,
)
from plafond.model.settings import Settings
from plafond.model.snapshot import Namespace, Snapshot
from plafond.model.window import CalendarWindow, FixedWindow, Period, RollingWindow
from plafond.model.workload import (
    DisruptionBudget,
    Pod,
    Workload,
    WorkloadClass,
    WorkloadId,
)

NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)  # a Monday, at noon
TEAM = "team-a"
GPU = "nvidia.com/gpu"
EUR = "EUR"
SETTINGS = Settings()
PASS = SETTINGS.timing.evaluation_period
SECOND, MINUTE, HOUR, DAY = (
    timedelta(seconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
)


def money(text: str | int) -> Decimal:
    return Decimal(text)


def quantities(**amounts: str | int) -> dict[str, Decimal]:
    """Resource quantities; `gpu=1` is one NVIDIA GPU."""
    return {GPU if name == "gpu" else name: Decimal(n) for name, n in amounts.items()}


def workload_id(name: str = "llm", namespace: str = TEAM, kind: str = "Deployment") -> WorkloadId:
    return WorkloadId(namespace, kind, name)


def workload(name: str = "llm", replicas: int = 1, **more: object) -> Workload:
    """One GPU per replica, a day old; `tier="hot"` is short for that label."""
    labels = {"tier": more.pop("tier")} if "tier" in more else {}
    defaults = {
        "id": workload_id(name, more.pop("namespace", TEAM), more.pop("kind", "Deployment")),
        "uid": f"uid-{name}",
        "resource_version": "1",
        "created_at": NOW - DAY,
        "replicas": replicas,
        "requests": quantities(gpu=1),
        "labels": labels,
    }
    return Workload(**{**defaults, **more})


def disruption_budget(least: int, name: str = "available", **labels: str) -> DisruptionBudget:
    """Demands *least* available pods of those with *labels*; of all of team-a without any."""
    return DisruptionBudget(TEAM, name, LabelSelector(labels), least)


def hpa(desired: int | None = None, **more: object) -> Autoscaler:
    """An HPA of which nothing but its desired count is known, unless *more* says so."""
    return Autoscaler("HorizontalPodAutoscaler", "scaler", desired, **more)


def total(average: str | int | Decimal, target: str | int | Decimal = 6) -> MetricReading:
    """A total that each replica has *average* of, and should have *target* of."""
    return MetricReading(Basis.REPLICA, Decimal(average), Decimal(target))


LLM = workload_id()


def pod(name: str = "llm-0", owner: WorkloadId | None = LLM, **more: object) -> Pod:
    """Scheduled an hour before `NOW` on node `n1` with one GPU, and ready since."""
    defaults = {
        "uid": f"uid-{name}",
        "namespace": TEAM if owner is None else owner.namespace,
        "name": name,
        "requests": quantities(gpu=1),
        "owner": owner,
        "node": "n1",
        "scheduled_at": NOW - HOUR,
        "ready_at": NOW - HOUR + MINUTE,
    }
    return Pod(**{**defaults, **more})


def pods_of(of: Workload, count: int | None = None, **more: object) -> tuple[Pod, ...]:
    """One ready pod per replica of *of*, or *count* of them."""
    return tuple(
        pod(
            f"{of.id.name}-{index}",
            of.id,
            **{"requests": of.requests, **more},
        )
        for index in range(of.replicas if count is None else count)
    )


def node(name: str = "n1", **labels: str) -> Node:
    return Node(name, labels, quantities(gpu=8, cpu=64))


def node_price(name: str = "any", selects: Mapping[str, str] | None = None, **prices: str):
    selector = LabelSelector(selects or {})
    return NodePrice(name, selector, CapacityType.ON_DEMAND, quantities(**prices))


def sheet(*entries: NodePrice, **more: object) -> PriceSheet:
    """4.00 EUR per GPU-hour on any node, unless *entries* say otherwise."""
    defaults = {
        "name": "prices",
        "currency": EUR,
        "valid_from": NOW - 90 * DAY,
        "nodes": entries or (node_price(gpu="4.00"),),
    }
    return PriceSheet(**{**defaults, **more})


def calendar(period: Period = Period.MONTHLY, zone: str = "UTC") -> CalendarWindow:
    return CalendarWindow(period, zone)


def fixed(start: datetime = NOW - HOUR, duration: timedelta = 10 * HOUR) -> FixedWindow:
    """Nine hours are left of it at `NOW`."""
    return FixedWindow(start, duration)


def rolling(duration: timedelta = 24 * HOUR) -> RollingWindow:
    return RollingWindow(duration)


def budget(limit: str | int = "1000", **more: object) -> Budget:
    """So many EUR for `fixed()`, after which funded floors stay."""
    unit = more.pop("unit", EUR)
    defaults = {
        "name": "launch",
        "limit": Amount(Decimal(limit), unit),
        "window": fixed(),
        "on_exhausted": OnExhausted.KEEP_FLOORS,
    }
    return Budget(**{**defaults, **more})


def class_rule(name: WorkloadClass = WorkloadClass.WARM, floor: int = 1, **more: object):
    """A class for the workloads labelled with its name in lower case."""
    selector = more.pop("selector", LabelSelector({"tier": name.value.lower()}))
    return ClassRule(name, selector, floor, **more)


def no_floors() -> tuple[ClassRule, ...]:
    """The three classes, none of which promises anything."""
    return tuple(class_rule(each, floor=0) for each in WorkloadClass)


def concurrency(per_replica: int = 10, **more: object) -> Scaling:
    return Scaling(concurrency_target_per_replica=Decimal(per_replica), **more)


def in_time(seconds: float = 2, scaling: Scaling | None = None) -> Scaling:
    """Follow the latency of 95 % of the requests, beside what *scaling* follows."""
    wanted = LatencyTarget(Meter.LATENCY_P95, seconds * timedelta(seconds=1))
    return replace(scaling or Scaling(), latency=wanted)


def utilization(percent: int = 70, **more: object) -> Scaling:
    return Scaling(gpu_utilization_target_percent=percent, **more)


def policy(name: str = "limits", **more: object) -> CostPolicy:
    """Enforced in EUR on every accelerator Deployment of team-a, without any limit; confirmed."""
    if "cost_per_hour" in more:
        more["ceilings"] = Ceilings(cost_per_hour=Decimal(more.pop("cost_per_hour")))
    defaults = {
        "namespace": TEAM,
        "name": name,
        "uid": f"uid-{name}",
        "generation": 1,
        "mode": Mode.ENFORCE,
        "currency": EUR,
        # The brake has tests of its own; what is confirmed acts at once.
        "is_confirmed": True,
    }
    return CostPolicy(**{**defaults, **more})


def target(name: str | None = None, kind: str = "Deployment", **labels: str) -> Target:
    return Target("apps", kind, name, LabelSelector(labels) if labels else None)


def requires(key: str, *values: str) -> Requirement:
    return Requirement(key, Operator.IN, frozenset(values))


def reading(**values: float) -> MeterReading:
    """What one meter reads of pods in team-a; `llm_0=3` is pod llm-0."""
    return MeterReading(
        {PodKey(TEAM, name.replace("_", "-")): float(value) for name, value in values.items()}
    )


def readings(pods: tuple[Pod, ...], **per_pod: float) -> dict[Meter, MeterReading]:
    """The same for every pod: `gpu=` percent, `running=`, `waiting=` requests, `p95=` seconds."""
    meters = {
        "gpu": Meter.GPU_UTILIZATION,
        "running": Meter.RUNNING_REQUESTS,
        "waiting": Meter.WAITING_REQUESTS,
        "p95": Meter.LATENCY_P95,
    }
    keys = [PodKey(each.namespace, each.name) for each in pods]
    return {
        meters[name]: MeterReading({key: float(value) for key in keys})
        for name, value in per_pod.items()
    }


def record(memory: Mapping[WorkloadId, WorkloadMemory] | None = None, key: str = "Enforce"):
    """A namespace's record that remembers *memory* of its workloads, and spent nothing so far."""
    return NamespaceRecord(memory=Memory(sets={key: memory} if memory else {}))


def namespace(name: str = TEAM, **ceilings: int) -> Namespace:
    """A namespace; *ceilings* are those in force, by Deployment."""
    in_force = {workload_id(each, name): most for each, most in ceilings.items()}
    return Namespace(name, f"uid-{name}", in_force or None)


def snapshot(**more: object) -> Snapshot:
    """Node n1, a price sheet and the namespace team-a; refuses what cannot be."""
    defaults = {
        "now": NOW,
        "sheets": (sheet(),),
        "namespaces": {TEAM: namespace()},
        "nodes": {"n1": node()},
    }
    made = Snapshot(**{**defaults, **more})
    refuse_impossible(made)
    return made
