"""Waiting for something to become true, with a deadline; nothing in the rig sleeps blindly."""

import time
from collections.abc import Callable
from typing import TypeVar

from e2e.rig.errors import RigError

T = TypeVar("T")


class DeadlinePassedError(RigError):
    """What was waited for did not happen in time."""


def poll(until: Callable[[], T], deadline: float = 30.0, every: float = 0.1, what: str = "") -> T:
    """Return the first truthy answer of *until*, or raise when *deadline* seconds have passed."""
    ends = time.monotonic() + deadline
    while True:
        answer = until()
        if answer:
            return answer
        if time.monotonic() >= ends:
            waited_for = what or getattr(until, "__name__", "a condition")
            msg = f"waited {deadline:g} s for {waited_for}; the last answer was {answer!r}"
            raise DeadlinePassedError(msg)
        time.sleep(every)
