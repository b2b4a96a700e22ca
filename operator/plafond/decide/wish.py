"""What a target should have, before money, and how few replicas do when they run fuller."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from plafond.account.account import WorkloadAccount
from plafond.decide.recommendation import FULL_PERCENT, Recommendation, Squeezing
from plafond.model.money import ByUnit

# Beyond this, an engine that is just busy cannot be told from one that drowns.
HIGHEST_UTILIZATION_PERCENT = 95
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
        needed: what its demand needs, by how full it runs.
        spared: as *needed*, but with as many at least as let requests be answered in time.

    """

    target: WorkloadAccount
    recommendation: Recommendation
    replicas: int
    floor: int
    fullest_percent: int = field(init=False, compare=False)
    needed: Squeezing = field(init=False, compare=False)
    spared: Squeezing = field(init=False, compare=False)

    def __post_init__(self) -> None:
        # A plan tries many percentages; these are the same at all of them.
        needed = self.recommendation.squeezing.within(self.floor, self.replicas)
        spared = needed.within(min(self.replicas, self.recommendation.spared), needed.most)
        object.__setattr__(self, "fullest_percent", self._fullest_percent())
        object.__setattr__(self, "needed", needed)
        object.__setattr__(self, "spared", spared)

    def squeezed_to(self, utilization_percent: int) -> int:
        """Return the replicas it has when they run at *utilization_percent*, or at its limit."""
        fullest = min(utilization_percent, self.fullest_percent)
        unused = 0.0 if self.fullest_percent < FULL_PERCENT else self._unused(fullest)
        return self.spared.at(fullest, unused)

    def squeezed(self, utilization_percent: int) -> Squeezed:
        """Return what it has at *utilization_percent*, or at its limit, and what of it it needs."""
        fullest = min(utilization_percent, self.fullest_percent)
        unused = 0.0 if self.fullest_percent < FULL_PERCENT else self._unused(fullest)
        return Squeezed(self.needed.at(fullest, unused), self.spared.at(fullest, unused))

    def _fullest_percent(self) -> int:
        limit = self.target.targeted.class_rule.utilization_limit_percent
        sample = self.recommendation.sample
        # What is offered is seen also where it is not served: then full replicas hide nothing.
        is_seen = sample is not None and sample.is_offered
        return limit if is_seen else min(limit, HIGHEST_UTILIZATION_PERCENT)

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
        if sample is None or not sample.is_offered:
            return 0.0
        room = max(1, FULL_PERCENT - sample.target_percent)
        return LEAST_USED * max(0, fullest - sample.target_percent) / room
