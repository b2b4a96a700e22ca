"""A recommendation: how many replicas a workload should have if money were no object, and why."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from plafond.decide.probing import GENTLE_FACTORS
from plafond.decide.reason import Reason
from plafond.forecast.demand import EPSILON, DemandSample, replicas_for
from plafond.model.gap import Gap
from plafond.model.memory import WorkloadMemory

FULL_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of a recommendation: how many, and why."""

    replicas: int
    reason: Reason


class Squeezing(NamedTuple):
    """
    Replicas by how full they run.

    Attributes:
        percents: of one's work, all together.
        target_percent: the utilization below which nothing is squeezed.

    """

    percents: float
    target_percent: int
    least: int
    most: int

    def at(self, utilization_percent: int, unused: float = 0.0) -> int:
        """
        Return the replicas that carry the work at *utilization_percent*.

        A last replica that would be used for less than the part *unused* is left out.
        """
        full = max(self.target_percent, utilization_percent)
        return min(self.most, max(self.least, replicas_for(self.percents, full, unused)))

    def within(self, least: int, most: int) -> "Squeezing":
        """Return the same, but never fewer than *least*, nor more than *most*."""
        # The least outranks the most.
        least, most = max(least, self.least), max(least, min(most, self.most))
        return Squeezing(self.percents, self.target_percent, least, most)


@dataclass(frozen=True, slots=True)
class Recommendation:
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
    memory: WorkloadMemory
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

    def squeezed_to(self, utilization_percent: int) -> int:
        """Return the replicas that carry the demand of this moment at *utilization_percent*."""
        return self.squeezing.at(utilization_percent)

    @property
    def squeezing(self) -> Squeezing:
        """The replicas that carry the demand of this moment, by how full they run."""
        most, probe = self.replicas, self.memory.probe
        if self.sample is None or self.gap is not None:
            return Squeezing(0.0, FULL_PERCENT, most, most)
        # Ready pods that were not seen are no headroom: each may carry up to its target.
        need, least = self.sample.need + self.sample.blind_pods, self.least
        if probe is not None:
            need = max(need, float(probe))
            # Run fuller, two full replicas would be no double of one, and never come to it.
            least = max(least, probe) if self.memory.probes > len(GENTLE_FACTORS) else least
        percent = self.sample.target_percent
        return Squeezing(need * percent, percent, least, most)
