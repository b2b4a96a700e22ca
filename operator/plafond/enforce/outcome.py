"""What became of one action."""

from dataclasses import dataclass
from enum import StrEnum

from plafond.decide.plan import Action


class Result(StrEnum):
    """How an action ended."""

    DONE = "Done"
    OBSERVED = "Observed"  # not carried out, by mode
    SKIPPED = "Skipped"  # not tried, because an action that it relies on failed
    CONFLICT = "Conflict"  # somebody else wrote first; the next pass looks again
    GONE = "Gone"
    FORBIDDEN = "Forbidden"
    REFUSED = "Refused"  # by admission or validation
    UNAVAILABLE = "Unavailable"  # no answer, or one that says "later"; it may have been carried out


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    An action and how it ended; *replicas* is the count that the API server answered with.

    That count may be lower than what was asked for: admission clamps it.
    """

    action: Action
    result: Result
    detail: str = ""
    replicas: int | None = None
