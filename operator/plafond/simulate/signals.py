"""
What the meters say of the simulated replicas, in the core's own words.

The meters are late, as everything that can be seen; what is counted by pod is spread over the
replicas that are ready now, so that none of them is a blind spot.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from plafond.model.autoscaler import Autoscaler, Basis, MetricReading
from plafond.model.gap import Gap
from plafond.model.meters import Meter, MeterReading, PodKey
from plafond.model.policy import Scaling
from plafond.simulate.observing import Observe
from plafond.simulate.play import Moment
from plafond.simulate.world import STEP_S, TARGET_UTILIZATION, Model, Sight

# An HPA's averages are whole thousandths.
MILLI = 1000
Meters = Mapping[Meter, MeterReading]


def benchmark_scaling(model: Model) -> Scaling:
    """Return the scaling under which the core recommends what the model's autoscaler asks for."""
    return Scaling(tokens_per_second_target_per_replica=Decimal(repr(model.target)))


def benchmark_meters(
    sight: Sight, workload: PodKey, ready: tuple[PodKey, ...], model: Model
) -> Meters:
    """Return what the meters say when demand is seen as *model* says."""
    if model.observe is Observe.OFFERED:
        offered = MeterReading({workload: sight.offered})
        return {Meter.OFFERED_TOKENS_PER_SECOND: offered}
    if not ready:
        return {Meter.TOKENS_PER_SECOND: MeterReading(gap=Gap("no replica is ready"))}
    busy = 100.0 * sight.served / sight.capacity if sight.capacity else 0.0
    return {
        Meter.TOKENS_PER_SECOND: MeterReading(dict.fromkeys(ready, sight.served / len(ready))),
        Meter.GPU_UTILIZATION: MeterReading(dict.fromkeys(ready, min(busy, 100.0))),
    }


def policy_meters(
    sight: Sight, ready: tuple[PodKey, ...], scaling: Scaling, model: Model
) -> Meters:
    """Return what engines under this load would show: busy GPUs, requests, tokens they serve."""
    if not ready:
        return {}
    capacity = sight.capacity or len(ready) * model.tokens_per_s
    busy = 100.0 * min(1.0, sight.served / capacity)
    per_replica = float(scaling.concurrency_target_per_replica or 0) / TARGET_UTILIZATION
    requests = per_replica * sight.served / model.tokens_per_s
    waiting = per_replica * max(0.0, sight.offered - capacity) / model.tokens_per_s
    found = {Meter.GPU_UTILIZATION: dict.fromkeys(ready, busy)}
    if per_replica:
        found[Meter.RUNNING_REQUESTS] = dict.fromkeys(ready, requests / len(ready))
        found[Meter.WAITING_REQUESTS] = dict.fromkeys(ready, waiting / len(ready))
    if scaling.tokens_per_second_target_per_replica is not None:
        found[Meter.TOKENS_PER_SECOND] = dict.fromkeys(ready, sight.served / len(ready))
    return {meter: MeterReading(values) for meter, values in found.items()}


@dataclass(slots=True)
class TokenCounters:
    """The counters of tokens that replicas have shown so far; each begins and ends with its own."""

    counted: dict[PodKey, float] = field(default_factory=dict)

    def after_step(self, sight: Sight, ready: tuple[PodKey, ...]) -> Meters:
        """Return what they say after another step, in which *ready* replicas served alike."""
        each = sight.served * STEP_S / max(1, len(ready))
        self.counted = {key: self.counted.get(key, 0.0) + each for key in ready}
        return {Meter.TOKENS: MeterReading(self.counted)}


def hpa_of(moment: Moment, model: Model) -> Autoscaler:
    """Return the status of an HPA on tokens a second, without tolerance."""
    seen = moment.fleet.asked
    target = Decimal(math.ceil(MILLI * model.target))
    load = moment.sight.offered if model.observe is Observe.OFFERED else moment.sight.served
    average = Decimal(math.ceil(MILLI * load / max(seen, 1)))
    return Autoscaler(
        "HorizontalPodAutoscaler",
        "simulated",
        moment.wish,
        seen=seen,
        readings=(MetricReading(Basis.REPLICA, average, target),),
        rise_tolerance=Decimal(0),
        fall_tolerance=Decimal(0),
        remembers_for=timedelta(seconds=model.stabilization_s),
    )
