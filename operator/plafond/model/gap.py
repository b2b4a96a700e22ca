"""A fact that could not be read. It is data, so that a rule can decide what it means."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gap:
    """What is missing, and why, in words for a person."""

    why: str
