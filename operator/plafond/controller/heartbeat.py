"""Whether something that should happen again and again still does."""

import time
from collections.abc import Callable
from datetime import timedelta


class Heartbeat:
    """Beats are counted by a clock that nobody can set, so that a corrected time is no failure."""

    def __init__(
        self, patience: timedelta, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._patience = patience.total_seconds()
        self._monotonic = monotonic
        self._last = monotonic()

    def beat(self) -> None:
        """Say that it has happened."""
        self._last = self._monotonic()

    @property
    def is_alive(self) -> bool:
        """It happened not long ago, or there was no time for it yet."""
        return self._monotonic() - self._last <= self._patience
