"""One run through a window: who governs says how many replicas there may be, step by step."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol

from plafond.simulate.errors import SimulationError
from plafond.simulate.world import (
    SECONDS_PER_HOUR,
    STEP_S,
    Autoscaler,
    Eyes,
    Fleet,
    Model,
    Sight,
    Window,
)

# Who is told how many of how many steps are done.
Progress = Callable[[int, int], None]
STEPS_PER_WORD = 240
# As many pods as Kubernetes is made for in one cluster; each is played by itself.
MOST_REPLICAS = 150_000


class Moment(NamedTuple):
    """
    Everything that a governor may know at the beginning of a step.

    *wish* is what the autoscaler asks for; *spent* is money, up to now.
    """

    step: int
    sight: Sight
    wish: int
    fleet: Fleet
    spent: Decimal


class Verdict(NamedTuple):
    """
    What a governor says for one step.

    *ceiling* is the most replicas there may be, None without limit; *replicas* what shall be asked
    for; *recommended* what demand asks for, before money.
    """

    ceiling: int | None
    replicas: int
    recommended: int


class Governor(Protocol):
    """Whoever limits what runs."""

    def decide(self, moment: Moment) -> Verdict:
        """Say what there may be from now on."""


class Step(NamedTuple):
    """What happened in one step; tokens a second, and what its replicas cost."""

    offset_s: int
    demand: float
    recommended: int
    ceiling: int | None
    replicas: int
    ready: int
    served: float
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Run:
    """A whole window, as it was played; *starts* counts the replicas that were started."""

    steps: tuple[Step, ...]
    starts: int

    @property
    def spent(self) -> Decimal:
        """What it cost."""
        return sum((step.cost for step in self.steps), Decimal(0))

    @property
    def served_tokens(self) -> float:
        """The tokens that were served."""
        return sum(step.served for step in self.steps) * STEP_S

    @property
    def offered_tokens(self) -> float:
        """The tokens that were asked for."""
        return sum(step.demand for step in self.steps) * STEP_S

    @property
    def dark_minutes(self) -> float:
        """How long there was demand and nobody ready."""
        return sum(step.demand > 0 and step.ready == 0 for step in self.steps) * STEP_S / 60

    @property
    def minutes_below_demand(self) -> float:
        """How long less was served than was asked for."""
        return sum(step.served < step.demand for step in self.steps) * STEP_S / 60


def play(window: Window, model: Model, governor: Governor, progress: Progress | None = None) -> Run:
    """Play *window* under *governor*; replicas of its first bin's wish are ready from the start."""
    _refuse_out_of_reach(window, model)
    initial = model.wish(window.demand(0))
    fleet, eyes = Fleet.running(model, initial), Eyes.opened(window, model, initial)
    autoscaler = Autoscaler(model)
    spent, starts, steps = Decimal(0), 0, []
    for step in range(window.steps):
        sight = eyes.look(step)
        fleet.settle(step)
        wish = autoscaler.wish(step, sight)
        verdict = governor.decide(Moment(step, sight, wish, fleet, spent))
        starts += fleet.scale(verdict.replicas, step)
        done = _step(window, model, (fleet, verdict), step)
        spent += done.cost
        steps.append(done)
        eyes.note(done.served, done.ready)
        if progress is not None and step % STEPS_PER_WORD == 0:
            progress(step, window.steps)
    return Run(tuple(steps), starts)


def _refuse_out_of_reach(window: Window, model: Model) -> None:
    peak = max(window.tokens_per_s[window.first : window.last], default=0.0)
    # Compared as a float: it may be infinite, of which there is no whole number.
    if peak / model.target > MOST_REPLICAS:
        takes = f"{peak / model.target:.3g} replicas of {model.tokens_per_s:.3g} tokens/s"
        sentence = (
            f"expected demand that {MOST_REPLICAS:,} replicas serve, which no cluster exceeds; "
            f"its peak takes {takes}: give a larger --replica-tokens-per-s"
        )
        raise SimulationError(sentence)


def _step(window: Window, model: Model, what: tuple[Fleet, Verdict], step: int) -> Step:
    fleet, verdict = what
    offset, ready = step * STEP_S, len(fleet.ready)
    demand = window.demand(offset)
    return Step(
        offset,
        demand,
        verdict.recommended,
        verdict.ceiling,
        fleet.paid,
        ready,
        min(demand, ready * model.tokens_per_s),
        fleet.paid * model.price_at(offset) * STEP_S / SECONDS_PER_HOUR,
    )
