"""What became of one action."""

from dataclasses import dataclass

from plafond.api.writer import Result
from plafond.decide.plan import Action


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
