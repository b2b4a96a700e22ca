"""A recommendation: how many replicas a workload should have if money were no object, and why."""

import math
from dataclasses import dataclass

from plafond.decide.probing import GENTLE_FACTORS
from plafond.decide.reason import Reason
from plafond.forecast.demand import EPSILON, DemandSample, replicas_for
from plafond.model.gap import Gap
from plafond.model.memory import WorkloadMemory


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of a recommendation: how many, and why."""

    replicas: int
    reason: Reason


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

    def squeezed_to(self, utilization_percent: int, unused: float = 0.0) -> int:
        """
        Return the replicas that carry the demand of this moment at *utilization_percent*.

        A last replica that would be used for less than the part *unused* is left out.
        """
        if self.sample is None or self.gap is not None:
            return self.replicas
        full = max(self.sample.target_percent, utilization_percent)
        # Ready pods that were not seen are no headroom: each may carry up to its target.
        need = self.sample.need + self.sample.blind_pods
        if self.memory.probe is not None:
            need = max(need, float(self.memory.probe))
        replicas = replicas_for(need * self.sample.target_percent, full, unused)
        # Run fuller, two replicas that are full would be no double of one, and never come to it.
        if self.memory.probe is not None and self.memory.probes > len(GENTLE_FACTORS):
            replicas = max(replicas, self.memory.probe)
        return min(self.replicas, max(self.least, replicas))
