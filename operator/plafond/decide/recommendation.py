"""A recommendation: how many replicas a workload should have if money were no object, and why."""

import math
from datetime import datetime
from typing import NamedTuple, Self

from plafond.decide.probing import GENTLE_FACTORS
from plafond.decide.reason import Reason
from plafond.forecast.demand import EPSILON, DemandSample, replicas_for
from plafond.model.gap import Gap
from plafond.model.memory import Recommended, WorkloadMemory

FULL_PERCENT = 100
# Beyond this, an engine that is just busy cannot be told from one that drowns.
HIGHEST_UTILIZATION_PERCENT = 95
# At full price of money, a replica is run that is used for at least this part.
LEAST_USED = 0.5


class Step(NamedTuple):
    """One stage of a recommendation: how many, and why."""

    replicas: int
    reason: Reason


class Squeezing(NamedTuple):
    """
    Replicas by how full they run.

    Attributes:
        percents: of one's work, all together.
        target_percent: the utilization below which nothing is squeezed.
        fullest_percent: the one that is never passed.
        is_lean: replicas may run full, so that one which is used for little is left out.

    """

    percents: float
    target_percent: int
    least: int
    most: int
    fullest_percent: int = FULL_PERCENT
    is_lean: bool = False

    def at(self, utilization_percent: int) -> int:
        """Return the replicas that carry the work at *utilization_percent*, or at the fullest."""
        percents, target, least, most, fullest, is_lean = self
        full = max(target, min(utilization_percent, fullest))
        unused = _unused(target, full) if is_lean else 0.0
        return min(most, max(least, replicas_for(percents, full, unused)))


def _unused(target_percent: int, utilization_percent: int) -> float:
    # Where replicas may run full, one that would be used for less than half is not worth its
    # price when money is short; the price of money rises with utilization.
    room = max(1, FULL_PERCENT - target_percent)
    return LEAST_USED * (utilization_percent - target_percent) / room


class DemandMemory(NamedTuple):
    """The part of what is remembered of a workload that is about its demand."""

    recommendations: tuple[Recommended, ...]
    was_waiting: bool = False
    probed_at: datetime | None = None
    probe: int | None = None
    probes: int = 0

    @classmethod
    def of(cls, memory: WorkloadMemory, recommendations: tuple[Recommended, ...]) -> Self:
        """Return what *memory* holds of it, but for the *recommendations*."""
        return cls(
            recommendations, memory.was_waiting, memory.probed_at, memory.probe, memory.probes
        )


class Recommendation(NamedTuple):
    """
    How many replicas a workload should have if money were no object.

    Attributes:
        steps: how it came about; the last one is the outcome.
        sample: the demand behind it, if it was read.
        gap: why demand is unknown; then nothing may be raised.
        memory: what to remember for the next time.
        least: running fuller, it never has fewer than these.

    """

    steps: tuple[Step, ...]
    sample: DemandSample | None
    gap: Gap | None
    memory: DemandMemory
    least: int = 1

    @property
    def replicas(self) -> int:
        """The outcome."""
        return self.steps[-1].replicas

    @property
    def spared(self) -> int:
        """Running fuller leaves it so many: with fewer its requests would take too long."""
        if self.sample is None:
            return 0
        if self.sample.spared >= self.replicas:
            return self.replicas
        return math.ceil(self.sample.spared - EPSILON)

    def squeezing(
        self, limit_percent: int = FULL_PERCENT, floor: int = 0, most: int | None = None
    ) -> Squeezing:
        """
        Return the replicas that carry the demand of this moment, by how full they run.

        They are never fewer than *floor*; *most* is all that is asked for, its floor and class
        considered.
        """
        sample, probe, least = self.sample, self.memory.probe, self.least
        most = self.replicas if most is None else most
        # What is offered is seen also where it is not served: then full replicas hide nothing.
        is_seen = sample is not None and sample.is_offered
        fullest = limit_percent if is_seen else min(limit_percent, HIGHEST_UTILIZATION_PERCENT)
        if sample is None or self.gap is not None:
            return Squeezing(0.0, FULL_PERCENT, most, most, fullest)
        # Ready pods that were not seen are no headroom: each may carry up to its target.
        need = sample.need + sample.blind_pods
        if probe is not None:
            need = max(need, float(probe))
            # Run fuller, two full replicas would be no double of one, and never come to it.
            least = max(least, probe) if self.memory.probes > len(GENTLE_FACTORS) else least
        percent = sample.target_percent
        is_lean = is_seen and fullest >= FULL_PERCENT
        return Squeezing(need * percent, percent, max(floor, least), most, fullest, is_lean)
