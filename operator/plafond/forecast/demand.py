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


class Signals(NamedTuple):
    """What one *scaling* looks at; *is_partial*: a meter that it needs failed as a whole."""

    scaling: Scaling
    meters: Mapping[Meter, MeterReading]
    is_partial: bool

    @classmethod
    def of(cls, scaling: Scaling, meters: Mapping[Meter, MeterReading]) -> Self:
        """Return what *scaling* looks at in *meters*."""
        # A meter that merely does not know some pods is not meant for their kind of engine.
        readings = [meters.get(meter) for meter in _needed(scaling)]
        return cls(scaling, meters, any(each is not None and each.gap for each in readings))

    def sample(
        self, workload: WorkloadId, pods: Iterable[Pod], *, was_waiting: bool
    ) -> DemandSample | Gap:
        """
        Return the highest demand that any configured signal shows, or a gap when none can be read.

        *pods* are the ready ones of *workload*; *was_waiting*: requests waited the time before.
        """
        keys = [pod.key for pod in pods]
        sight = _Sight.of(workload, keys, self.meters)
        wanted = self.scaling.latency
        latency = None if wanted is None else Latency.of(wanted, keys, self.meters)
        found = (
            _by_concurrency(self.scaling, sight),
            _by_utilization(self.scaling, sight),
            _by_tokens(self.scaling, sight),
            _by_latency(self.scaling, sight, latency),
        )
        seen = [sample for sample in found if isinstance(sample, DemandSample)]
        if not seen:
            gaps = (gap for gap in found if isinstance(gap, Gap))
            return next(gaps, Gap("no scaling signal is configured"))
        # What is not seen by one signal may be what another one sees.
        best = max(seen, key=lambda s: s.need + s.blind_pods) if len(seen) > 1 else seen[0]
        is_waiting = isinstance(sight.waiting, float) and sight.waiting > 0
        censored = is_waiting and was_waiting
        if isinstance(sight.waiting, Gap):
            censored = sight.is_saturated
        if not (censored or is_waiting or self.is_partial or latency):
            return best
        return best._replace(
            is_censored=censored and not any(s.is_offered for s in seen),
            is_waiting=is_waiting,
            is_partial=self.is_partial,
            spared=0.0 if latency is None else latency.spared,
        )


def _needed(scaling: Scaling) -> list[Meter]:
    needed = []
    if scaling.gpu_utilization_target_percent is not None:
        needed.append(Meter.GPU_UTILIZATION)
    if scaling.concurrency_target_per_replica is not None:
        needed += [Meter.RUNNING_REQUESTS, Meter.WAITING_REQUESTS]
    if scaling.tokens_per_second_target_per_replica is not None:
        needed += [Meter.TOKENS_PER_SECOND, Meter.OFFERED_TOKENS_PER_SECOND]
    if scaling.latency is not None:
        needed.append(scaling.latency.meter)
    return needed


class _Sight(NamedTuple):
    """
    The meters, narrowed to one workload's ready pods.

    Attributes:
        waiting: the requests that wait.
        busy: the utilization of each GPU that is seen.

    """

    workload: WorkloadId
    keys: list[PodKey]
    meters: Mapping[Meter, MeterReading]
    waiting: float | Gap
    busy: list[float] | Gap

    @classmethod
    def of(
        cls, workload: WorkloadId, keys: list[PodKey], meters: Mapping[Meter, MeterReading]
    ) -> Self:
        """Return what *meters* say of the ready pods of *workload*, which have these *keys*."""
        waiting = _seen(Meter.WAITING_REQUESTS, keys, meters)
        return cls(
            workload,
            keys,
            meters,
            waiting if isinstance(waiting, Gap) else math.fsum(waiting),
            _seen(Meter.GPU_UTILIZATION, keys, meters),
        )

    def seen(self, meter: Meter) -> list[float] | Gap:
        return _seen(meter, self.keys, self.meters)

    @property
    def offered(self) -> float | None:
        """Return the tokens a second that arrive for it, where anybody measures that."""
        reading = self.meters.get(Meter.OFFERED_TOKENS_PER_SECOND, MeterReading())
        key = PodKey(self.workload.namespace, self.workload.name)
        return reading.values.get(key) if reading.gap is None else None

    def blind(self, seen: list[float]) -> int:
        return len(self.keys) - len(seen)

    @property
    def is_saturated(self) -> bool:
        if isinstance(self.busy, Gap):
            return False
        return math.fsum(self.busy) / len(self.busy) >= SATURATED_PERCENT


def _seen(
    meter: Meter, keys: list[PodKey], meters: Mapping[Meter, MeterReading]
) -> list[float] | Gap:
    reading = meters.get(meter)
    if reading is None:
        return _not_configured(meter)
    values = reading.values
    found = [values[key] for key in keys if key in values]
    return found or reading.gap or Gap(f"no ready pod reports {meter}")


@cache
def _not_configured(meter: Meter) -> Gap:
    return Gap(f"{meter} is not configured")


def _by_concurrency(scaling: Scaling, sight: _Sight) -> DemandSample | Gap | None:
    per_replica = scaling.concurrency_target_per_replica
    if per_replica is None:
        return None
    running = sight.seen(Meter.RUNNING_REQUESTS)
    if isinstance(running, Gap):
        return running
    waiting = 0.0 if isinstance(sight.waiting, Gap) else sight.waiting
    return DemandSample(
        (math.fsum(running) + waiting) / float(per_replica),
        DEFAULT_TARGET_PERCENT,
        "concurrency",
        blind_pods=sight.blind(running),
    )


def _by_utilization(scaling: Scaling, sight: _Sight) -> DemandSample | Gap | None:
    target = scaling.gpu_utilization_target_percent
    if target is None:
        return None
    if isinstance(sight.busy, Gap):
        return sight.busy
    need = math.fsum(sight.busy) / target
    # An engine with a queue keeps its GPU near 100 % whenever any request runs: there utilization
    # says "more" only together with requests that wait.
    if isinstance(sight.waiting, float) and sight.waiting <= 0:
        need = min(need, float(len(sight.keys)))
        if scaling.concurrency_target_per_replica is not None and sight.is_saturated:
            return None
    return DemandSample(need, target, "gpuUtilization", blind_pods=sight.blind(sight.busy))


def _by_tokens(scaling: Scaling, sight: _Sight) -> DemandSample | Gap | None:
    per_replica = scaling.tokens_per_second_target_per_replica
    if per_replica is None:
        return None
    if sight.offered is not None:
        need = sight.offered / float(per_replica)
        return DemandSample(need, DEFAULT_TARGET_PERCENT, "offeredTokensPerSecond", is_offered=True)
    served = sight.seen(Meter.TOKENS_PER_SECOND)
    if isinstance(served, Gap):
        return served
    return DemandSample(
        math.fsum(served) / float(per_replica),
        DEFAULT_TARGET_PERCENT,
        "tokensPerSecond",
        blind_pods=sight.blind(served),
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
