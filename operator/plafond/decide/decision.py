"""A decision: a value that remembers how it came about."""

from collections.abc import Iterable
from typing import NamedTuple

from plafond.decide.reason import Reason
from plafond.model.workload import WorkloadClass, WorkloadId


class Move(NamedTuple):
    """One step of a replica count, and why."""

    reason: Reason
    before: int
    after: int

    @property
    def is_left_to_others(self) -> bool:
        """The count may rise to *before*, and an autoscaler does that by itself."""
        return self.reason is Reason.LEFT_TO_AUTOSCALER and self.after < self.before


class Decision(NamedTuple):
    """
    What becomes of one workload.

    Attributes:
        observed_replicas: what its spec asks for now.
        recommended_replicas: what demand asks for, before money.
        desired_replicas: the outcome.
        ceiling: the most that it may have now; None when nothing limits it.
        moves: how the count came from observed to desired; each begins where the last ended.
        held: why it is kept at what runs, whether or not anything asked for another count.
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
        # Built by hand: nothing is made as often, and `_replace` takes thrice as long.
        return Decision(
            self.workload,
            self.workload_class,
            self.observed_replicas,
            replicas,
            self.recommended_replicas,
            self.ceiling,
            (*self.moves, Move(reason, self.desired_replicas, replicas)),
            self.held,
            self.limit,
        )

    @property
    def explanation(self) -> tuple[str, ...]:
        """The moves as they are remembered, each as `Reason:before:after`."""
        return tuple([f"{reason}:{before}:{after}" for reason, before, after in self.moves])

    @property
    def reason(self) -> Reason | None:
        """Who had the last word; None when nothing moved, or was kept from it."""
        return last_word(self.moves, self.held)


def last_word(moves: Iterable[Move], held: Reason | None) -> Reason | None:
    """Return the reason of *moves*, or of the hold in which they end."""
    # Stabilization only delays, and what an autoscaler has yet to do itself explains no limit: a
    # hold outlasts the one, and what caps it the other.
    said = [move.reason for move in moves if not move.is_left_to_others]
    is_delayed = not said or said[-1] is Reason.STABILIZED
    if is_delayed and held is not None:
        return held
    return said[-1] if said else None
