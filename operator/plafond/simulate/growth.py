"""
What many more users would cost: a generated population with the shape of a trace.

A few power users ask for as much as forty others each. Everybody's demand follows the trace's hours
and is bursty on its own; so a small population is rougher than a large one, and needs more headroom
and more starts for the same work. Costs are those of the benchmark's autoscaler without a limit.
"""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from plafond.simulate.baselines import Unconstrained
from plafond.simulate.play import play
from plafond.simulate.world import Model, Window

POWER_USER = 40
# One user in fifty is a power user.
POWER_SHARE = 0.02
# How bursty one user is in a bin: the variance of demand around its mean of 1.
BURSTINESS = 25.0
SEED = 6
# Within this, costs per token count as flat.
FLAT = Decimal("0.02")


@dataclass(frozen=True, slots=True)
class Population:
    """How many people ask, and how often; *requests_per_s* is the mean of all of them."""

    users: int
    requests_per_s: float


@dataclass(frozen=True, slots=True)
class Scale:
    """What a population *times* as large costs over the window."""

    times: float
    users: int
    requests: float
    tokens: float
    mean_replicas: float
    peak_replicas: int
    cost: Decimal

    @property
    def per_user(self) -> Decimal:
        """Money per user."""
        return self.cost / self.users

    @property
    def per_request(self) -> Decimal:
        """Money per request."""
        return self.cost / Decimal(self.requests) if self.requests else Decimal(0)

    @property
    def per_million_tokens(self) -> Decimal:
        """Money per million tokens."""
        return self.cost / Decimal(self.tokens / 1e6) if self.tokens else Decimal(0)


def scale_of(times: float, population: Population, window: Window, model: Model) -> Scale:
    """Play *population* grown *times*, in the shape of *window*."""
    users = max(1, round(population.users * times))
    factor = users / population.users
    demand = _demand(factor, users, window)
    grown = Window(demand, window.bin_s, 0, len(demand))
    run = play(grown, model, Unconstrained())
    counts = [step.replicas for step in run.steps]
    return Scale(
        times,
        users,
        population.requests_per_s * factor * grown.seconds,
        run.offered_tokens,
        sum(counts) / len(counts),
        max(counts),
        run.spent,
    )


def flat_from(scales: tuple[Scale, ...]) -> float:
    """Return the smallest scale from which on a token costs what it costs at the largest."""
    last = scales[-1].per_million_tokens
    flat = scales[-1].times
    for scale in reversed(scales):
        if last and abs(scale.per_million_tokens / last - 1) > FLAT:
            break
        flat = scale.times
    return flat


def _demand(factor: float, users: int, window: Window) -> tuple[float, ...]:
    """Return demand in the shape of *window*: the sum of everybody's own bursts."""
    rng = np.random.default_rng(SEED)
    shape = np.array(window.tokens_per_s[window.first : window.last]) * factor
    power = max(1, round(users * POWER_SHARE))
    weights = (users - power, 1), (power, POWER_USER)
    whole = sum(count * weight for count, weight in weights)
    noise = np.zeros(len(shape))
    for count, weight in weights:
        if count:
            # A sum of independent bursts of one kind is again one of that kind.
            bursts = rng.gamma(count / BURSTINESS, BURSTINESS / count, len(shape))
            noise += bursts * count * weight / whole
    return tuple((shape * noise).tolist())
