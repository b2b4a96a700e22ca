"""
The world that a simulation plays in: demand in bins, and replicas that take time to start and end.

Time goes in steps of 15 s. A replica that starts or ends is paid and serves nothing; what is not
served is lost; whatever can be seen is seen late.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from plafond.simulate.observing import Observe

STEP_S = 15
SECONDS_PER_HOUR = 3600
STEPS_PER_HOUR = SECONDS_PER_HOUR // STEP_S
# What an autoscaler that follows demand leaves free, as engines need it to answer in time.
TARGET_UTILIZATION = 0.7
# Ratios are of floats: 3.0000000000000004 replicas are three.
EPSILON = 1e-9
# At this part of what ready replicas could serve, demand may be anything above.
SATURATED = 0.95
# Who only sees what is served has to ask for more to find out whether there is more.
PROBE = 2.0


@dataclass(frozen=True, slots=True)
class Model:
    """
    How replicas behave, and what they cost; times in seconds, prices per replica-hour.

    Attributes:
        tokens_per_s: what a ready replica serves.
        believed_tokens_per_s: what its target is computed from; other than the truth if misjudged.
        later_price: what a replica costs from *changes_at_s* (into the window) on.

    """

    tokens_per_s: float
    price: Decimal = Decimal("3.00")
    start_s: int = 120
    end_s: int = 30
    lag_s: int = 30
    stabilization_s: int = 300
    observe: Observe = Observe.OFFERED
    believed_tokens_per_s: float | None = None
    later_price: Decimal | None = None
    changes_at_s: int = 0

    @property
    def target(self) -> float:
        """The tokens a second at which an autoscaler wants a replica to run."""
        return TARGET_UTILIZATION * (self.believed_tokens_per_s or self.tokens_per_s)

    def price_at(self, offset_s: int) -> Decimal:
        """Return what a replica-hour costs *offset_s* into the window."""
        is_later = self.later_price is not None and offset_s >= self.changes_at_s
        return self.later_price if is_later and self.later_price is not None else self.price

    def wish(self, tokens_per_s: float) -> int:
        """Return the replicas that an unconstrained autoscaler asks for, at least one."""
        return max(1, math.ceil(tokens_per_s / self.target - EPSILON))


@dataclass(frozen=True, slots=True)
class Window:
    """The bins of *tokens_per_s* from *first* up to, but without, *last*; those before: history."""

    tokens_per_s: tuple[float, ...]
    bin_s: int
    first: int
    last: int

    @property
    def seconds(self) -> int:
        """How long it lasts."""
        return (self.last - self.first) * self.bin_s

    @property
    def steps(self) -> int:
        """How many steps it lasts."""
        return self.seconds // STEP_S

    def demand(self, offset_s: int) -> float:
        """Return the demand *offset_s* into the window; what is before all bins is the first."""
        index = self.first + offset_s // self.bin_s
        return self.tokens_per_s[max(0, index)]

    @property
    def history(self) -> "Window":
        """Everything before, as a window of its own."""
        return Window(self.tokens_per_s, self.bin_s, 0, self.first)


class Sight(NamedTuple):
    """
    What can be seen now, which is how things were some time ago; tokens a second.

    *capacity* is what the replicas could serve that were ready then.
    """

    offered: float
    served: float
    capacity: float

    @property
    def is_saturated(self) -> bool:
        """Supply was the limit, so demand may have been anything above."""
        return self.served >= SATURATED * self.capacity


@dataclass(slots=True)
class Replica:
    """One replica; *due* is the step in which what it does now, starting or ending, is over."""

    serial: int
    since: int
    due: int


@dataclass(slots=True)
class Fleet:
    """
    The replicas there are. The one thing here that changes: a world has a state.

    Attributes:
        version: counts changes, so that others need not look for them.
        cancelled: replicas that were given up in the last step before they were ready.

    """

    start_steps: int
    end_steps: int
    ready: list[Replica] = field(default_factory=list)
    starting: list[Replica] = field(default_factory=list)
    ending: list[Replica] = field(default_factory=list)
    cancelled: list[Replica] = field(default_factory=list)
    version: int = 0
    born: int = 0

    @classmethod
    def running(cls, model: Model, replicas: int) -> "Fleet":
        """Return a fleet of so many ready replicas."""
        fleet = cls(model.start_s // STEP_S, model.end_s // STEP_S)
        fleet.ready = [Replica(serial, 0, 0) for serial in range(replicas)]
        fleet.born = replicas
        return fleet

    @property
    def asked(self) -> int:
        """The replicas that are asked for: ready or starting."""
        return len(self.ready) + len(self.starting)

    @property
    def paid(self) -> int:
        """All that cost: ready, starting or ending."""
        return len(self.ready) + len(self.starting) + len(self.ending)

    def settle(self, step: int) -> None:
        """Let what is due by *step* become ready, or be gone."""
        if self.starting and self.starting[0].due <= step:
            self.ready += [each for each in self.starting if each.due <= step]
            self.starting = [each for each in self.starting if each.due > step]
            self.version += 1
        if self.ending and self.ending[0].due <= step:
            self.ending = [each for each in self.ending if each.due > step]
            self.version += 1

    def scale(self, replicas: int, step: int) -> int:
        """Ask for *replicas* from *step* on; return how many are started."""
        if self.cancelled:
            self.cancelled = []
            self.version += 1
        change = replicas - self.asked
        if change == 0:
            return 0
        self.version += 1
        if change > 0:
            self._start(change, step)
            return change
        # What does not serve yet goes first, the latest before the others.
        for _ in range(-change):
            if self.starting:
                self.cancelled.append(self.starting.pop())
            else:
                last = self.ready.pop()
                self.ending.append(Replica(last.serial, last.since, step + self.end_steps))
        self.ending = [each for each in self.ending if each.due > step]
        return 0

    def _start(self, replicas: int, step: int) -> None:
        serials = range(self.born, self.born + replicas)
        self.starting += [Replica(serial, step, step + self.start_steps) for serial in serials]
        self.born += replicas
        if self.start_steps == 0:
            self.settle(step)


@dataclass(slots=True)
class Eyes:
    """Whatever watches the world: it sees demand and service as they were *lag_s* ago."""

    window: Window
    model: Model
    past: deque[tuple[float, float]] = field(default_factory=deque)

    @classmethod
    def opened(cls, window: Window, model: Model, ready: int) -> "Eyes":
        """Return eyes at the window's start, before which *ready* replicas served all there was."""
        served = window.demand(-STEP_S)
        capacity = ready * model.tokens_per_s
        length = model.lag_s // STEP_S + 1
        return cls(window, model, deque([(served, capacity)] * length))

    def look(self, step: int) -> Sight:
        """Return what can be seen at the beginning of *step*."""
        offered = self.window.demand(step * STEP_S - self.model.lag_s)
        return Sight(offered, *self.past[0])

    def note(self, served: float, ready: int) -> None:
        """Remember what *ready* replicas served in the step that is over."""
        self.past.append((served, ready * self.model.tokens_per_s))
        self.past.popleft()


@dataclass(slots=True)
class Autoscaler:
    """An HPA without tolerance: the highest wish of the stabilization window and of now."""

    model: Model
    recent: deque[tuple[int, int]] = field(default_factory=deque)

    def wish(self, step: int, sight: Sight) -> int:
        """Return what it asks for in *step*, whatever it got before."""
        now = self.model.wish(self.load(sight))
        # Only what is higher than everything after it can ever be the maximum of the window.
        while self.recent and self.recent[-1][1] <= now:
            self.recent.pop()
        self.recent.append((step, now))
        while self.recent[0][0] < step - self.model.stabilization_s // STEP_S:
            self.recent.popleft()
        return self.recent[0][1]

    def load(self, sight: Sight) -> float:
        """Return the tokens a second that it goes by."""
        if self.model.observe is Observe.OFFERED:
            return sight.offered
        return sight.served * (PROBE if sight.is_saturated else 1.0)
