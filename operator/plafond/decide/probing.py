"""How demand is looked for that cannot be seen, because its replicas are full: by probes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from plafond.model.settings import Timing

# Who cannot see how much demand there is asks for twice what is ready, and again.
PROBE_FACTOR = 2.0
# Most jumps are small, and what is bought to find out is paid for when money is short.
GENTLE_FACTORS = (1.1, 1.2, 1.8)
# While work is refused, all that follow are as gentle as the last of these.
GENTLE_PROBES = 2


@dataclass(frozen=True, slots=True)
class Probing:
    """
    How demand is looked for that cannot be seen.

    Attributes:
        delay: a probe needs so long to show its effect.
        timing: how often is looked, and ceilings are raised.
        pressure: how dear money is: 0 where every headroom can be paid for, 1 where none can.
        is_refused: money is too short for all demand, so that some of it is refused.

    """

    delay: timedelta
    timing: Timing
    pressure: float = 0.0
    is_refused: bool = False

    def factor(self, number: int) -> float:
        """Return the factor on what is ready of the probe that follows *number* others."""
        # Where work is refused, what doubling finds would be refused too. Else later ones double
        # whatever it costs, so that no demand stays hidden for long.
        step = min(number, GENTLE_PROBES - 1) if self.is_refused else number
        gentle = GENTLE_FACTORS[step] if step < len(GENTLE_FACTORS) else PROBE_FACTOR
        return PROBE_FACTOR - (PROBE_FACTOR - gentle) * self.pressure

    def wait(self, number: int) -> timedelta:
        """Return how long the last of *number* probes is given to show its effect."""
        # What is seen may still be of the time before. Where a probe takes longer than a ceiling
        # waits, one look more is cheaper than another probe.
        is_long = self.delay > 2 * self.timing.raise_interval
        is_patient = is_long and self.pressure > 0 and number <= len(GENTLE_FACTORS)
        return self.delay + self.timing.evaluation_period if is_patient else self.delay

    def began(self, probed: datetime | None, raised: datetime | None) -> datetime | None:
        """Return when the last probe began to have an effect; *raised*: its ceiling rose then."""
        # One that had to wait for its ceiling shows nothing before that rose, which is soon; what
        # rose later did so for another reason.
        if probed is not None and raised is not None:
            waited = timedelta(0) <= raised - probed < self.timing.raise_interval
            return raised if waited else probed
        return probed


def probe_delay(timing: Timing, start_delays: tuple[timedelta, ...]) -> timedelta:
    """Return how long a probe needs to show its effect: the pods' start, then the metrics."""
    known = sorted(start_delays)
    start = known[(9 * (len(known) - 1) + 9) // 10] if known else timing.default_start_delay
    return max(timing.probe_interval, start + timing.observation_lag)
