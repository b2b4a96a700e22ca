"""What the play came to, by the audit log and the fleet's own counters: sums, then sentences."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from e2e.demo.clamps import Clamp, clamps
from e2e.demo.play import Play
from e2e.demo.scene import NAMESPACE, WORKLOADS
from e2e.rig.lifetimes import PodLifetime, spend
from e2e.world import GPU


@dataclass(frozen=True)
class Outcome:
    """The sums at the end."""

    limit: Decimal
    unlimited: Decimal
    spent_at: Callable[[datetime], float]
    spent: float
    offered: float
    served: float
    dead_seconds: float
    tried: tuple[str, ...]
    clamps: tuple[Clamp, ...]

    @property
    def spent_percent(self) -> float:
        """How much of the limit was spent."""
        return 100 * self.spent / float(self.limit)

    @property
    def cost_percent(self) -> float:
        """What it cost, compared with no limit at all."""
        return 100 * self.spent / float(self.unlimited)

    @property
    def served_percent(self) -> float:
        """How many of the requests were served."""
        return 100 * self.served / self.offered if self.offered else 0.0

    @property
    def clamped(self) -> int:
        """How many writes got less than they asked for."""
        return sum(each.times for each in self.clamps if not each.is_refused)

    def sentences(self) -> list[str]:
        """Return one sentence per fact."""
        return [
            (
                f"Spent {self.spent:.0f} EUR of the limit of {self.limit} EUR "
                f"({self.spent_percent:.1f} %), by the audit log."
            ),
            (
                "An ideal autoscaler without a limit would spend "
                f"{self.unlimited:.0f} EUR on it (computed)."
            ),
            (
                f"Served {self.served:.0f} of {self.offered:.0f} requests "
                f"({self.served_percent:.0f} %) for {self.cost_percent:.0f} % of that."
            ),
            (
                f"The operator was dead for {self.dead_seconds:.0f} s; "
                f"meanwhile {'; '.join(self.tried)}."
            ),
            (
                f"The API server clamped {self.clamped} writes that asked for more than "
                "a ceiling allowed."
            ),
        ]


def outcome(play: Play) -> Outcome:
    """Return the sums of a play that is over."""
    scene, writes = play.scene, play.rig.audit.writes()
    spent_at = _spent_at(play)
    served = play.rig.fleet.served()
    mine = [served[f"{NAMESPACE}/{w.name}"] for w in WORKLOADS]
    return Outcome(
        limit=scene.limit,
        unlimited=scene.unlimited_cost,
        spent_at=spent_at,
        spent=spent_at(play.start + scene.lasts),
        offered=sum(s.offered for s in mine),
        served=sum(s.served for s in mine),
        dead_seconds=play.killed_for.total_seconds(),
        tried=tuple(play.tried),
        clamps=tuple(clamps(writes, play.start, play.why_at)),
    )


def _spent_at(play: Play) -> Callable[[datetime], float]:
    lives = play.rig.audit.pod_lifetimes(NAMESPACE)
    price = Fraction(play.scene.price_per_gpu_hour)

    def hourly(life: PodLifetime) -> Fraction:
        return life.requests.get(GPU, Fraction()) * price

    return lambda instant: float(spend(lives, hourly, play.start, instant))
