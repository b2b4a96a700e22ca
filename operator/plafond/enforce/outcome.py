"""What became of one action."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plafond.api.writer import Result
from plafond.decide.plan import Action


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    An action and how it ended.

    Attributes:
        replicas: the count that the API server answered with; admission may have clamped it.
        stored: the whole object as the write left it, where one was answered.

    """

    action: Action
    result: Result
    detail: str = ""
    replicas: int | None = None
    stored: Mapping[str, Any] | None = None
