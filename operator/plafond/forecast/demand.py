"""
Demand samples: how much work there is, as far as it can be seen.

Work is counted in replicas that would run at their target utilization, because that is the one unit
that GPU utilization, queues and an autoscaler's wish have in common.
"""

import math
from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple, Self

from plafond.forecast.latency import Latency, unread
from plafond.model.gap import Gap
from plafond.model.meters import Meter, MeterReading, PodKey
from plafond.model.policy import Scaling
from plafond.model.workload import Pod, WorkloadId

# A target that is not a percentage (so many requests per replica) is what a replica carries at this
# utilization: the headroom that engines need to keep latency flat.
DEFAULT_TARGET_PERCENT = 70
SATURATED_PERCENT = 95.0
# Ratios are of floats: 3.0000000000000004 replicas are three.
EPSILON = 1e-9


class DemandSample(NamedTuple):
    """
    How much work a workload has now.

    Attributes:
        need: replicas at target utilization, fractional.
        target_percent: that utilization.
        source: the meter it was read from.
        is_censored: only a lower bound, because supply was the limit.
        is_waiting: requests wait.
        is_partial: a meter that was asked for failed, so there may be more.
        blind_pods: ready pods that were not seen; they may carry up to their target.
        is_offered: measured before the replicas, so it shows also what they do not serve.
        spared: with fewer replicas than these its requests would take too long; infinitely many
            where they do already.

    """

    need: float
    target_percent: int
    source: str
    is_censored: bool = False
    is_waiting: bool = False
    blind_pods: int = 0
    is_partial: bool = False
    is_offered: bool = False
    spared: float = 0.0

    def replicas_at(self, utilization_percent: int, unused: float = 0.0) -> int:
        """Return the replicas that carry this work at *utilization_percent*, but for *unused*."""
        return replicas_for(self.need * self.target_percent, utilization_percent, unused)


def replicas_for(percents: float, utilization_percent: int, unused: float = 0.0) -> int:
    """Return the replicas that carry *percents* of one's work together, but for *unused*."""
    return math.ceil(percents / utilization_percent - unused - EPSILON)


def sample_demand(
    scaling: Scaling,
    workload: WorkloadId,
    pods: Iterable[Pod],
    meters: Mapping[Meter, MeterReading],
    *,
    was_waiting: bool,
) -> DemandSample | Gap:
    """
    Return the highest demand that any configured signal shows, or a gap when none can be read.

    *pods* are the ready ones of *workload*; *was_waiting*: requests waited the time before.
    """
    sight = _Sight.of(workload, tuple(pods), meters)
    waiting = sight.total(Meter.WAITING_REQUESTS)
    is_waiting = isinstance(waiting, float) and waiting > 0
    wanted = scaling.latency
    latency = None if wanted is None else Latency.of(wanted, sight.pods, meters)
    samples = _samples(scaling, sight, waiting, latency)
    seen = [s for s in samples if isinstance(s, DemandSample)]
    if not seen:
        return next(
            (s for s in samples if isinstance(s, Gap)), Gap("no scaling signal is configured")
        )
    # What is not seen by one signal may be what another one sees.
    best = max(seen, key=lambda s: s.need + s.blind_pods)
    censored = is_waiting and was_waiting if isinstance(waiting, float) else sight.is_saturated
    if any(s.is_offered for s in seen):
        censored = False
    return best._replace(
        is_censored=censored,
        is_waiting=is_waiting,
        is_partial=sight.has_failed(scaling),
        spared=0.0 if latency is None else latency.spared,
    )


class _Sight(NamedTuple):
    """The meters, narrowed to one workload's ready pods."""

    workload: WorkloadId
    pods: tuple[Pod, ...]
    keys: tuple[PodKey, ...]
    meters: Mapping[Meter, MeterReading]

    @classmethod
    def of(
        cls, workload: WorkloadId, pods: tuple[Pod, ...], meters: Mapping[Meter, MeterReading]
    ) -> Self:
        """Return what *meters* say of the ready *pods* of *workload*."""
        return cls(workload, pods, tuple([pod.key for pod in pods]), meters)

    def values(self, meter: Meter) -> list[float]:
        reading = self.meters.get(meter)
        seen = {} if reading is None else reading.values
        return [seen[key] for key in self.keys if key in seen] if seen else []

    def total(self, meter: Meter) -> float | Gap:
        values = self.values(meter)
        if values:
            return math.fsum(values)
        reading = self.meters.get(meter)
        if reading is None:
            return _not_configured(meter)
        return reading.gap or Gap(f"no ready pod reports {meter}")

    def has_failed(self, scaling: Scaling) -> bool:
        """Say whether a meter that *scaling* needs failed as a whole."""
        # A meter that merely does not know these pods is not meant for their kind of engine.
        needed = []
        if scaling.gpu_utilization_target_percent is not None:
            needed.append(Meter.GPU_UTILIZATION)
        if scaling.concurrency_target_per_replica is not None:
            needed += [Meter.RUNNING_REQUESTS, Meter.WAITING_REQUESTS]
        if scaling.tokens_per_second_target_per_replica is not None:
            needed += [Meter.TOKENS_PER_SECOND, Meter.OFFERED_TOKENS_PER_SECOND]
        if scaling.latency is not None:
            needed.append(scaling.latency.meter)
        readings = [self.meters.get(meter) for meter in needed]
        return bool([each for each in readings if each is not None and each.gap is not None])

    @property
    def offered(self) -> float | None:
        """Return the tokens a second that arrive for it, where anybody measures that."""
        reading = self.meters.get(Meter.OFFERED_TOKENS_PER_SECOND, MeterReading())
        key = PodKey(self.workload.namespace, self.workload.name)
        return reading.values.get(key) if reading.gap is None else None

    def blind(self, meter: Meter) -> int:
        return len(self.pods) - len(self.values(meter))

    @property
    def is_saturated(self) -> bool:
        values = self.values(Meter.GPU_UTILIZATION)
        return bool(values) and math.fsum(values) / len(values) >= SATURATED_PERCENT


@cache
def _not_configured(meter: Meter) -> Gap:
    return Gap(f"{meter} is not configured")


def _samples(
    scaling: Scaling, sight: _Sight, waiting: float | Gap, latency: Latency | None
) -> list[DemandSample | Gap]:
    found = (
        _by_concurrency(scaling, sight, waiting),
        _by_utilization(scaling, sight, waiting),
        _by_tokens(scaling, sight),
        _by_latency(scaling, sight, latency),
    )
    return [sample for sample in found if sample is not None]


def _by_concurrency(
    scaling: Scaling, sight: _Sight, waiting: float | Gap
) -> DemandSample | Gap | None:
    per_replica = scaling.concurrency_target_per_replica
    if per_replica is None:
        return None
    running = sight.total(Meter.RUNNING_REQUESTS)
    if isinstance(running, Gap):
        return running
    requests = running + (waiting if isinstance(waiting, float) else 0.0)
    return DemandSample(
        requests / float(per_replica),
        DEFAULT_TARGET_PERCENT,
        "concurrency",
        blind_pods=sight.blind(Meter.RUNNING_REQUESTS),
    )


def _by_utilization(
    scaling: Scaling, sight: _Sight, waiting: float | Gap
) -> DemandSample | Gap | None:
    target = scaling.gpu_utilization_target_percent
    if target is None:
        return None
    busy = sight.total(Meter.GPU_UTILIZATION)
    if isinstance(busy, Gap):
        return busy
    need = busy / target
    # An engine with a queue keeps its GPU near 100 % whenever any request runs: there utilization
    # says "more" only together with requests that wait.
    if isinstance(waiting, float) and waiting <= 0:
        need = min(need, float(len(sight.pods)))
        if scaling.concurrency_target_per_replica is not None and sight.is_saturated:
            return None
    return DemandSample(
        need, target, "gpuUtilization", blind_pods=sight.blind(Meter.GPU_UTILIZATION)
    )


def _by_tokens(scaling: Scaling, sight: _Sight) -> DemandSample | Gap | None:
    per_replica = scaling.tokens_per_second_target_per_replica
    if per_replica is None:
        return None
    if sight.offered is not None:
        need = sight.offered / float(per_replica)
        return DemandSample(need, DEFAULT_TARGET_PERCENT, "offeredTokensPerSecond", is_offered=True)
    served = sight.total(Meter.TOKENS_PER_SECOND)
    if isinstance(served, Gap):
        return served
    return DemandSample(
        served / float(per_replica),
        DEFAULT_TARGET_PERCENT,
        "tokensPerSecond",
        blind_pods=sight.blind(Meter.TOKENS_PER_SECOND),
    )


def _by_latency(
    scaling: Scaling, sight: _Sight, latency: Latency | None
) -> DemandSample | Gap | None:
    if latency is None or scaling.latency is None:
        return None
    if not latency.seen:
        return unread(scaling.latency, sight.meters)
    source = scaling.latency.meter
    return DemandSample(latency.need, DEFAULT_TARGET_PERCENT, source, blind_pods=latency.blind)
