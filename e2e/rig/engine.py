"""The pure model of an inference engine's replicas under load: a fluid, first in first out.

By Little's law, requests arriving at r per second that are served in s seconds keep r * s running.
More than the replicas can run at once must wait; whoever waited longer than the timeout leaves.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

EPSILON = 1e-9
BUSY_FLOOR_PERCENT = 95.0


class Kind(Enum):
    """How an engine's GPU utilization shows its load."""

    EMBEDDING = "embedding"
    LLM = "llm"


@dataclass(frozen=True)
class Profile:
    """What one workload's engine is like."""

    kind: Kind = Kind.LLM
    service_seconds: float = 2.0
    concurrency_per_replica: float = 8.0
    prompt_tokens: float = 500.0
    generation_tokens: float = 200.0
    queue_timeout_seconds: float = 30.0
    first_token_seconds: float = 0.05


@dataclass(frozen=True)
class Cohort:
    """Requests that arrived together and wait together."""

    requests: float
    waited_seconds: float


@dataclass(frozen=True)
class EngineState:
    """What runs and waits after a step; the counts are of everything since the beginning."""

    queue: tuple[Cohort, ...] = ()
    running: float = 0.0
    offered: float = 0.0
    served: float = 0.0
    dropped: float = 0.0
    served_now: tuple[Cohort, ...] = field(default=(), repr=False)

    @property
    def waiting(self) -> float:
        """Requests in the queue."""
        return sum(cohort.requests for cohort in self.queue)


def step(
    state: EngineState, profile: Profile, requests_per_second: float, ready_replicas: int, dt: float
) -> EngineState:
    """Return the state *dt* seconds later, under constant load on constantly many replicas."""
    arrived = requests_per_second * dt
    older = (replace(each, waited_seconds=each.waited_seconds + dt) for each in state.queue)
    waiting = [*older, Cohort(arrived, 0.0)] if arrived > 0 else list(older)
    room = ready_replicas * profile.concurrency_per_replica / profile.service_seconds * dt
    served, left = _serve(waiting, room)
    patient = tuple(each for each in left if each.waited_seconds < profile.queue_timeout_seconds)
    done = sum(cohort.requests for cohort in served)
    return EngineState(
        queue=patient,
        running=done / dt * profile.service_seconds,
        offered=state.offered + arrived,
        served=state.served + done,
        dropped=state.dropped + _total(left) - _total(patient),
        served_now=tuple(served),
    )


def gpu_utilization_percent(profile: Profile, running: float, ready_replicas: int) -> float:
    """Return the mean GPU utilization of the replicas that share *running* requests."""
    capacity = ready_replicas * profile.concurrency_per_replica
    if capacity <= 0 or running <= EPSILON:
        return 0.0
    load = min(1.0, running / capacity)
    if profile.kind is Kind.EMBEDDING:
        return 100.0 * load
    # Continuous batching always has a kernel running, however small the batch.
    return BUSY_FLOOR_PERCENT + (100.0 - BUSY_FLOOR_PERCENT) * load


def replicas_for(profile: Profile, requests_per_second: float) -> float:
    """Return how many fully busy replicas a steady load needs (Little's law)."""
    return requests_per_second * profile.service_seconds / profile.concurrency_per_replica


def _serve(queue: list[Cohort], room: float) -> tuple[list[Cohort], list[Cohort]]:
    """Take the oldest requests from *queue* up to *room*; return those taken and those left."""
    return list(_taken(queue, room)), list(_left(queue, room))


def _taken(queue: list[Cohort], room: float) -> Iterator[Cohort]:
    for cohort in queue:
        if room > EPSILON:
            yield replace(cohort, requests=min(cohort.requests, room))
        room -= cohort.requests


def _left(queue: list[Cohort], room: float) -> Iterator[Cohort]:
    for cohort in queue:
        over = cohort.requests - max(0.0, room)
        if over > EPSILON:
            yield replace(cohort, requests=over)
        room -= cohort.requests


def _total(cohorts: tuple[Cohort, ...] | list[Cohort]) -> float:
    return sum(cohort.requests for cohort in cohorts)
