"""What became of one action of the plan, as far as it is reported."""

from dataclasses import dataclass

from plafond.api.writer import Result
from plafond.decide.plan import Action
from plafond.model.policy import Mode

_TROUBLES = frozenset({Result.FORBIDDEN, Result.REFUSED, Result.UNAVAILABLE, Result.SKIPPED})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One action of the plan, and what became of it."""

    action: Action
    mode: Mode
    result: Result
    detail: str = ""

    @property
    def trouble(self) -> str | None:
        """Why it could not be carried out; None when it was, or when the next pass looks again."""
        return (self.detail or self.result.value) if self.result in _TROUBLES else None
