"""
How long requests take, beside how long they may.

A latency is no amount of work: it says that there are too few replicas for what they have, and by
about how much, not how much there is. So it asks as an autoscaler would, and what it says last is
how full replicas may run.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from plafond.model.gap import Gap
from plafond.model.meters import Meter, MeterReading, PodKey
from plafond.model.policy import LatencyTarget

# An HPA, too, doubles at most, unless told otherwise: a queue that builds up makes requests slower
# by far more than there is more work.
MOST_AT_ONCE = 2.0


@dataclass(frozen=True, slots=True)
class Latency:
    """
    What is known of the latency of one workload.

    Attributes:
        seen: ready pods that answered requests; *blind*: the others.
        late: how long those took, in parts of how long they may.
        is_whole: the meter did not fail, so nobody else may have waited.

    """

    seen: int = 0
    blind: int = 0
    late: float = 0.0
    is_whole: bool = True

    @classmethod
    def of(
        cls, wanted: LatencyTarget, pods: Sequence[PodKey], meters: Mapping[Meter, MeterReading]
    ) -> Self:
        """Return what *meters* say of the ready *pods* of a workload, by their keys."""
        reading = meters.get(wanted.meter, MeterReading())
        seconds = _by_pod(reading, pods)
        blind = len(pods) - len(seconds)
        if not seconds:
            return cls(0, blind, is_whole=reading.gap is None)
        served = _by_pod(meters.get(Meter.TOKENS_PER_SECOND, MeterReading()), pods)
        late = _mean(seconds, served) / wanted.target.total_seconds()
        return cls(len(seconds), blind, late, reading.gap is None)

    @property
    def need(self) -> float:
        """The replicas that it asks for, beside those that nobody sees."""
        return self.seen * min(MOST_AT_ONCE, self.late)

    @property
    def spared(self) -> float:
        """With fewer replicas requests would take too long; infinitely many where they do."""
        if self.late > 1.0:
            return math.inf
        ready = self.seen + self.blind
        # Where nobody asks anything, nobody waits; where it cannot be read, somebody may.
        least = self.need + self.blind if self.seen else 0.0
        return least if self.is_whole else max(least, float(ready))


def unread(wanted: LatencyTarget, meters: Mapping[Meter, MeterReading]) -> Gap:
    """Return why no latency is known."""
    gap = meters.get(wanted.meter, MeterReading(gap=Gap(f"{wanted.meter} is not configured"))).gap
    return gap or Gap(f"no ready pod reports {wanted.meter}")


def _by_pod(reading: MeterReading, pods: Sequence[PodKey]) -> dict[PodKey, float]:
    return {pod: reading.values[pod] for pod in pods if pod in reading.values}


def _mean(seconds: Mapping[PodKey, float], served: Mapping[PodKey, float]) -> float:
    # Of all pods, not of the slowest: more replicas do not mend one that is sick. By the tokens
    # that each serves, because where few are answered few have waited.
    weights = [served.get(pod, 0.0) for pod in seconds]
    if min(weights) <= 0:
        weights = [1.0] * len(weights)
    weighted = (value * each for value, each in zip(seconds.values(), weights, strict=True))
    return math.fsum(weighted) / math.fsum(weights)
