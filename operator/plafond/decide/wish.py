"""What a target should have, before money, and how few replicas do when they run fuller."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from plafond.account.account import WorkloadAccount
from plafond.decide.recommendation import Recommendation
from plafond.model.money import ByUnit

# Beyond this, an engine that is just busy cannot be told from one that drowns.
HIGHEST_UTILIZATION_PERCENT = 95
FULL_PERCENT = 100
# At full price of money, a replica is run that is used for at least this part.
LEAST_USED = 0.5
MILLI = Decimal("0.001")


class Squeezed(NamedTuple):
    """
    The replicas of a target that runs fuller.

    Attributes:
        needed: what its demand needs then.
        spared: as *needed*, but with as many at least as let requests be answered in time.

    """

    needed: int
    spared: int


@dataclass(frozen=True, slots=True)
class Wish:
    """
    One target with what it should have, and the part of it that is promised.

    Attributes:
        fullest_percent: the utilization that it never passes.
        least: with fewer its requests would take too long, however full it runs.

    """

    target: WorkloadAccount
    recommendation: Recommendation
    replicas: int
    floor: int
    fullest_percent: int = field(init=False, compare=False)
    least: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        # A plan tries many percentages; these are the same at all of them.
        limit = self.target.targeted.class_rule.utilization_limit_percent
        sample = self.recommendation.sample
        # What is offered is seen also where it is not served: then full replicas hide nothing.
        is_seen = sample is not None and sample.is_offered
        fullest = limit if is_seen else min(limit, HIGHEST_UTILIZATION_PERCENT)
        object.__setattr__(self, "fullest_percent", fullest)
        object.__setattr__(self, "least", min(self.replicas, self.recommendation.spared))

    def squeezed_to(self, utilization_percent: int) -> int:
        """Return the replicas it has when they run at *utilization_percent*, or at its limit."""
        return max(self.least, self._needed_at(utilization_percent))

    def squeezed(self, utilization_percent: int) -> Squeezed:
        """Return what it has at *utilization_percent*, or at its limit, and what of it it needs."""
        needed = self._needed_at(utilization_percent)
        return Squeezed(needed, max(self.least, needed))

    def _needed_at(self, utilization_percent: int) -> int:
        fullest = min(utilization_percent, self.fullest_percent)
        needed = self.recommendation.squeezed_to(fullest, self._unused(fullest))
        return max(self.floor, min(self.replicas, needed))

    @property
    def demand(self) -> ByUnit:
        """What its demand would cost per hour at its target utilization, replicas undivided."""
        sample = self.recommendation.sample
        replicas = Decimal(self.replicas)
        if sample is not None:
            replicas = Decimal(sample.need + sample.blind_pods).quantize(MILLI)
        return {unit: price * replicas for unit, price in self.target.known_price.items()}

    @property
    def is_censored(self) -> bool:
        """Its demand is a lower bound, because its replicas are saturated."""
        sample = self.recommendation.sample
        return sample is not None and sample.is_censored

    @property
    def target_percent(self) -> int | None:
        """The utilization that its demand is reckoned at; None of a count that nobody measured."""
        sample = self.recommendation.sample
        return None if sample is None else sample.target_percent

    def _unused(self, fullest: int) -> float:
        # Where replicas may run full, one that would be used for less than half is not worth its
        # price when money is short; the price of money rises with utilization.
        sample = self.recommendation.sample
        if sample is None or not sample.is_offered or self.fullest_percent < FULL_PERCENT:
            return 0.0
        room = max(1, FULL_PERCENT - sample.target_percent)
        return LEAST_USED * max(0, fullest - sample.target_percent) / room
