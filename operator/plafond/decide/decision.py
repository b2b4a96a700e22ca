"""A decision: a value that remembers how it came about."""

from dataclasses import dataclass, replace

from plafond.decide.reason import Reason
from plafond.model.workload import WorkloadClass, WorkloadId


@dataclass(frozen=True, slots=True)
class Move:
    """One step of a replica count, and why."""

    reason: Reason
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Decision:
    """
    What becomes of one workload.

    Attributes:
        observed_replicas: what its spec asks for now.
        recommended_replicas: what demand asks for, before money.
        desired_replicas: the outcome.
        ceiling: the most that it may have now; None when nothing limits it.
        moves: how the count came from observed to desired; each begins where the last ended.
        held: why it could not be lowered, whether or not anything asked for that.
        limit: the limit that keeps it from what demand asks for, as `policy/budget`.

    """

    workload: WorkloadId
    workload_class: WorkloadClass
    observed_replicas: int
    desired_replicas: int
    recommended_replicas: int = 0
    ceiling: int | None = None
    moves: tuple[Move, ...] = ()
    held: Reason | None = None
    limit: str | None = None

    def moved_to(self, replicas: int, reason: Reason) -> "Decision":
        """Return this decision at *replicas*, recording *reason* if that is a move."""
        if replicas == self.desired_replicas:
            return self
        move = Move(reason, before=self.desired_replicas, after=replicas)
        return replace(self, desired_replicas=replicas, moves=(*self.moves, move))

    @property
    def explanation(self) -> tuple[str, ...]:
        """The moves as they are remembered, each as `Reason:before:after`."""
        return tuple(f"{move.reason}:{move.before}:{move.after}" for move in self.moves)

    @property
    def reason(self) -> Reason | None:
        """Who had the last word; None when nothing moved, or was kept from it."""
        return self.moves[-1].reason if self.moves else self.held
