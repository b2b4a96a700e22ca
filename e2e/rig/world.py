"""The fleet's state between two ticks: demand, engines, and the counters of each pod. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from e2e.rig.engine import Cohort, EngineState, Profile, gpu_utilization_percent, step
from e2e.rig.pods import EnginePod

# vLLM's own bounds for the time to the first token.
BUCKETS = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    20.0, 40.0, 80.0, 160.0, 640.0, 2560.0,
)  # fmt: skip
# And for the time to the last one.
LATENCY_BUCKETS = (
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0,
    480.0, 960.0, 1920.0, 7680.0,
)  # fmt: skip


@dataclass(frozen=True)
class Demand:
    """What is asked of one workload, and what its engine is like."""

    requests_per_second: float = 0.0
    profile: Profile = field(default_factory=Profile)


@dataclass(frozen=True)
class PodMeters:
    """What one pod's engine and GPUs show; the counters begin with the pod."""

    pod: EnginePod
    profile: Profile
    gpu_utilization_percent: float = 0.0
    running: float = 0.0
    waiting: float = 0.0
    served: float = 0.0
    first_token_seconds_sum: float = 0.0
    first_token_counts: tuple[float, ...] = (0.0,) * (len(BUCKETS) + 1)
    latency_seconds_sum: float = 0.0
    latency_counts: tuple[float, ...] = (0.0,) * (len(LATENCY_BUCKETS) + 1)


@dataclass(frozen=True)
class World:
    """Everything the fleet exporter knows; a tick returns the next one."""

    demand: Mapping[str, Demand] = field(default_factory=dict)
    engines: Mapping[str, EngineState] = field(default_factory=dict)
    meters: Mapping[str, PodMeters] = field(default_factory=dict)

    def with_demand(self, workload: str, demand: Demand) -> "World":
        """Return this world with another demand for one workload."""
        return replace(self, demand={**self.demand, workload: demand})

    def tick(self, pods: Iterable[EnginePod], dt: float) -> "World":
        """Return the world *dt* seconds later, served by *pods*."""
        by_workload = _grouped(pods)
        engines, meters = {}, {}
        for workload in sorted({*self.demand, *by_workload}):
            demand = self.demand.get(workload, Demand())
            serving = by_workload.get(workload, [])
            before = self.engines.get(workload, EngineState())
            after = step(before, demand.profile, demand.requests_per_second, len(serving), dt)
            engines[workload] = after
            for pod in serving:
                shown = self.meters.get(pod.uid, PodMeters(pod, demand.profile))
                meters[pod.uid] = _share(shown, after, demand.profile, len(serving))
        return replace(self, engines=engines, meters=meters)


def _grouped(pods: Iterable[EnginePod]) -> dict[str, list[EnginePod]]:
    groups: dict[str, list[EnginePod]] = {}
    for pod in pods:
        groups.setdefault(pod.workload, []).append(pod)
    return groups


def _share(shown: PodMeters, engine: EngineState, profile: Profile, replicas: int) -> PodMeters:
    """Return one replica's meters after its equal part of what the engine did."""
    first = _after(engine, profile.first_token_seconds, replicas)
    last = _after(engine, profile.service_seconds, replicas)
    return replace(
        shown,
        profile=profile,
        gpu_utilization_percent=gpu_utilization_percent(profile, engine.running, replicas),
        running=engine.running / replicas,
        waiting=engine.waiting / replicas,
        served=shown.served + sum(part.requests for part in first),
        first_token_seconds_sum=shown.first_token_seconds_sum + _seconds(first),
        first_token_counts=_counted(shown.first_token_counts, first, BUCKETS),
        latency_seconds_sum=shown.latency_seconds_sum + _seconds(last),
        latency_counts=_counted(shown.latency_counts, last, LATENCY_BUCKETS),
    )


def _after(engine: EngineState, seconds: float, replicas: int) -> list[Cohort]:
    """Return one replica's part of what was served, so many *seconds* after it had waited."""
    return [
        Cohort(each.requests / replicas, each.waited_seconds + seconds)
        for each in engine.served_now
    ]


def _seconds(parts: list[Cohort]) -> float:
    return sum(part.requests * part.waited_seconds for part in parts)


def _counted(
    counts: tuple[float, ...], parts: list[Cohort], finite: tuple[float, ...]
) -> tuple[float, ...]:
    """Return cumulative histogram counts with *parts* added; the last bound is infinity."""
    bounds = (*finite, float("inf"))
    return tuple(
        count + sum(part.requests for part in parts if part.waited_seconds <= bound)
        for count, bound in zip(counts, bounds, strict=True)
    )
