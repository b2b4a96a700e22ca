"""What people do without a pacing engine: the rules of thumb to beat."""

from dataclasses import dataclass
from decimal import Decimal

from plafond.simulate.play import Moment, Verdict
from plafond.simulate.world import SECONDS_PER_HOUR, STEP_S, Model


@dataclass(frozen=True, slots=True)
class Unconstrained:
    """Nothing limits the autoscaler."""

    def decide(self, moment: Moment) -> Verdict:
        """Let it have what it asks for."""
        return Verdict(None, moment.wish, moment.wish)


@dataclass(frozen=True, slots=True)
class UntilGone:
    """The autoscaler runs free until the money is gone; then everything is off."""

    budget: Decimal

    def decide(self, moment: Moment) -> Verdict:
        """Let it have what it asks for, or nothing."""
        return _capped(moment, None if moment.spent < self.budget else 0)


@dataclass(frozen=True, slots=True)
class Static:
    """A `maxReplicas` that lasts to the end of the window if all of it is used."""

    budget: Decimal
    seconds: int
    model: Model

    @property
    def most(self) -> int:
        """The replicas that the budget carries all the time, at least one."""
        hours = Decimal(self.seconds) / SECONDS_PER_HOUR
        return max(1, int(self.budget / (hours * self.model.price)))

    def decide(self, moment: Moment) -> Verdict:
        """Cut what it asks for, always at the same height."""
        return _capped(moment, self.most if moment.spent < self.budget else 0)


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """What remains, spread evenly over the time that is left."""

    budget: Decimal
    seconds: int
    model: Model

    def decide(self, moment: Moment) -> Verdict:
        """Cut what it asks for at the rate that lasts to the end."""
        remaining = self.budget - moment.spent
        if remaining <= 0:
            return _capped(moment, 0)
        at = moment.step * STEP_S
        left = Decimal(self.seconds - at) / SECONDS_PER_HOUR
        return _capped(moment, int(remaining / (left * self.model.price_at(at))))


def _capped(moment: Moment, ceiling: int | None) -> Verdict:
    asked = moment.wish if ceiling is None else min(moment.wish, ceiling)
    return Verdict(ceiling, asked, moment.wish)
