"""An explanation: what there is to say about one workload, as a value."""

from dataclasses import dataclass
from datetime import datetime

from plafond.decide.reason import Reason
from plafond.model.autoscaler import Autoscaler
from plafond.model.workload import WorkloadId


@dataclass(frozen=True, slots=True)
class Counts:
    """How many replicas: what runs, what is asked for, what was decided; None is unknown."""

    running: int | None = None
    ready: int | None = None
    recommended: int | None = None
    desired: int | None = None
    floor: int | None = None
    funded_floor: int | None = None
    class_maximum: int | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """One step on the way to the count."""

    reason: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Rule:
    """
    What had the last word.

    *limit* is the one that binds, as `policy/budget` or `policy/ceilings.field`.
    """

    reason: Reason | None
    sentence: str
    limit: str | None = None
    moves: tuple[Moved, ...] = ()


@dataclass(frozen=True, slots=True)
class Number:
    """One number behind it: its unit, its source, its time; *value* is None if it is unknown."""

    name: str
    value: str | None
    unit: str
    source: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Prospect:
    """Something that comes next; *at* is None where it has no time."""

    sentence: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lift:
    """Something that would lift it: a deed with its command, or a moment to wait for."""

    sentence: str
    command: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is not as it should be."""

    subject: str
    reason: str
    sentence: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    Everything about one workload at *now*.

    Attributes:
        headline: the whole of it in one sentence.
        mode: Enforce, Observe, or None where no policy scales it.
        ceiling: the most that it may have; None when nothing limits it.
        is_in_force: the API server holds that ceiling, with or without the operator.
        next: what the operator will do, and when.
        lifts: what would lift it.
        unread: what could not be read, and why.
        scaled_by: the autoscalers that scale it; None where they could not be read.

    """

    now: datetime
    workload: WorkloadId
    headline: str
    mode: str | None
    policies: tuple[str, ...]
    workload_class: str | None
    ceiling: int | None
    is_in_force: bool
    counts: Counts
    rule: Rule
    numbers: tuple[Number, ...] = ()
    next: tuple[Prospect, ...] = ()
    lifts: tuple[Lift, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    unread: tuple[str, ...] = ()
    is_over_budget: bool = False
    scaled_by: tuple[Autoscaler, ...] | None = ()
