"""What scales a workload instead of us, and what it measured when it last looked."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

# The HPA's own defaults.
DEFAULT_TOLERANCE = Decimal("0.1")
DEFAULT_MEMORY = timedelta(minutes=5)


class Basis(StrEnum):
    """What a metric's value is counted by, which decides how replicas follow from it."""

    REPLICA = "Replica"  # a total, divided by replicas: External and Object, AverageValue
    READY_POD = "ReadyPod"  # a mean over pods: Resource, ContainerResource, Pods
    WORKLOAD = "Workload"  # one value for all of it: External and Object, Value


@dataclass(frozen=True, slots=True)
class MetricReading:
    """One metric of an autoscaler beside its target; *current* is None when it was not read."""

    basis: Basis
    current: Decimal | None
    target: Decimal
    is_percent: bool = False


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """
    What scales a workload instead of us.

    Attributes:
        desired: what its status says; None when it is switched off, or cannot say.
        is_limited: *desired* is as far as its policy lets it go now, and no wish.
        seen: the count that it saw when it measured.
        readings: what it measured; empty when its metrics are lost, or it did not look at them.
        least: its own lower bound; *most*: its own upper one.
        rise_tolerance: how far above its target it lets a metric be; *fall_tolerance*: below.
        remembers_for: for so long it keeps what it once wanted, whatever became of it.
        is_refused: its last write was refused.

    """

    kind: str
    name: str
    desired: int | None = None
    is_limited: bool = False
    seen: int = 0
    readings: tuple[MetricReading, ...] = ()
    least: int = 1
    most: int | None = None
    rise_tolerance: Decimal = DEFAULT_TOLERANCE
    fall_tolerance: Decimal = DEFAULT_TOLERANCE
    remembers_for: timedelta = DEFAULT_MEMORY
    is_refused: bool = False

    @property
    def stated_wish(self) -> int | None:
        """What its status says it wishes, where that can be believed."""
        return None if self.is_limited else self.desired
