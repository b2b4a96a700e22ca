"""What a target should have, before money, and how few replicas do when they run fuller."""

from decimal import Decimal
from typing import NamedTuple, Self

from plafond.account.account import WorkloadAccount
from plafond.decide.recommendation import Recommendation, Squeezing

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


class Wish(NamedTuple):
    """
    One target with what it should have, and the part of it that is promised.

    Attributes:
        needed: what its demand needs, by how full it runs.
        spared: as *needed*, but with as many at least as let requests be answered in time.
        in_force: its ceiling now; None when it has none.
        is_priced: every limit can be reckoned for it.

    """

    target: WorkloadAccount
    recommendation: Recommendation
    replicas: int
    floor: int
    needed: Squeezing
    spared: Squeezing
    in_force: int | None
    is_priced: bool

    @classmethod
    def of(
        cls,
        target: WorkloadAccount,
        recommendation: Recommendation,
        floor: int,
        in_force: int | None,
        *,
        is_priced: bool,
    ) -> Self:
        """Return what *target* should have by *recommendation*, its class and its *floor*."""
        rule, replicas = target.targeted.class_rule, recommendation.replicas
        if rule.max_replicas is not None:
            replicas = min(replicas, rule.max_replicas)
        replicas = max(replicas, floor)
        needed = recommendation.squeezing(rule.utilization_limit_percent, floor, replicas)
        in_time = min(replicas, recommendation.spared)
        spared = needed._replace(least=in_time) if in_time > needed.least else needed
        return cls(target, recommendation, replicas, floor, needed, spared, in_force, is_priced)

    def squeezed(self, utilization_percent: int) -> Squeezed:
        """Return what it has at *utilization_percent*, or at its limit, and what of it it needs."""
        spared = self.spared.at(utilization_percent)
        if self.spared is self.needed:
            return Squeezed(spared, spared)
        return Squeezed(self.needed.at(utilization_percent), spared)

    @property
    def work(self) -> Decimal:
        """The replicas that its demand would take at its target utilization, undivided."""
        sample = self.recommendation.sample
        if sample is None:
            return Decimal(self.replicas)
        return Decimal(sample.need + sample.blind_pods).quantize(MILLI)

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
