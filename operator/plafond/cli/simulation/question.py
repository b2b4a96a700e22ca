"""What somebody wants to know, checked before minutes are spent on it."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Final

from plafond.cli.errors import BadInputError
from plafond.simulate.observing import Observe
from plafond.simulate.timeline import check_writable

_UNITS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
USUAL_PERCENT: Final = 70.0
LARGEST_GROWTH: Final = 1000.0


@dataclass(frozen=True, slots=True)
class World:
    """Which demand, what a replica of it serves, how it is seen, and what to write of it where."""

    trace: Path | None
    replica_tokens_per_s: float | None
    observe: Observe
    timeline: Path | None = None
    report: Path | None = None

    def __post_init__(self) -> None:
        _check_positive(self.replica_tokens_per_s, "--replica-tokens-per-s")
        for path in (self.timeline, self.report):
            if path is not None:
                check_writable(path)

    @property
    def path(self) -> Path:
        """The trace to read."""
        if self.trace is None:
            sentence = "expected --trace FILE, the demand to play"
            raise BadInputError(sentence)
        return self.trace


@dataclass(frozen=True, slots=True)
class Prometheus:
    """Where else demand may come from: an address, how far back, and which PromQL."""

    url: str
    since_s: int
    query: str | None


@dataclass(frozen=True, slots=True)
class Terms:
    """How a policy is to be played; lengths in seconds, the price per replica-hour."""

    policy: Path
    history_s: int
    window_s: int
    price: Decimal | None
    tenants: tuple[str, ...]


class Kind(StrEnum):
    """What is asked for."""

    BENCHMARK = "--benchmark"
    POLICY = "--filename POLICY"
    GROWTH = "--grow TIMES"


_EVERYBODY: Final = frozenset({"trace", "replica_tokens_per_s", "observe", "output"})
FLAGS: Final = {
    Kind.BENCHMARK: _EVERYBODY
    | {"benchmark", "budget_percent", "compare", "sensitivity", "timeline"},
    Kind.POLICY: _EVERYBODY
    | {"filename", "history", "window", "price", "tenant", "report", "timeline"}
    | {"from_prometheus", "since", "query"},
    Kind.GROWTH: _EVERYBODY | {"grow", "users"},
}


@dataclass(frozen=True, slots=True)
class Rows:
    """Which runs of the benchmark are asked for, beside the core's own."""

    compare: bool = False
    sensitivity: bool = False


def kind(*, benchmark: bool, policy: Path | None, grow: list[str] | None) -> Kind:
    """Return which one question is asked."""
    asked = {
        Kind.BENCHMARK: benchmark,
        Kind.POLICY: policy is not None,
        Kind.GROWTH: bool(grow),
    }
    found = [each for each, is_asked in asked.items() if is_asked]
    if len(found) != 1:
        sentence = f"expected one question: {', '.join(Kind)}"
        raise BadInputError(sentence)
    return found[0]


def check_flags(asked: Kind, given: Iterable[str]) -> None:
    """Refuse flags (named as parameters) that say nothing about what is *asked*."""
    strange = [f"--{name.replace('_', '-')}" for name in given if name not in FLAGS[asked]]
    if strange:
        sentence = f"{', '.join(strange)} says nothing about {asked}"
        raise BadInputError(sentence)


def percents(given: list[float] | None, timeline: Path | None) -> tuple[Decimal, ...]:
    """Return the shares of money that are asked for."""
    given = given or [USUAL_PERCENT]
    if timeline is not None and len(given) > 1:
        sentence = "a timeline is of one run: give one --budget-percent with --timeline"
        raise BadInputError(sentence)
    for percent in given:
        _check_positive(percent, "--budget-percent")
    return tuple(Decimal(str(percent)) for percent in given)


def terms(
    policy: Path | None,
    lengths: tuple[str, str],
    price: float | None,
    tenants: list[str] | None,
) -> Terms:
    """Return how *policy* is to be played; *lengths* are of its history and its window."""
    if policy is None:
        sentence = "expected --filename POLICY"
        raise BadInputError(sentence)
    _check_positive(price, "--price")
    return Terms(
        policy,
        seconds(lengths[0], "--history"),
        seconds(lengths[1], "--window"),
        None if price is None else Decimal(str(price)),
        tuple(tenants or ()),
    )


def prometheus(url: str | None, since: str, query: str | None) -> Prometheus | None:
    """Return where else demand comes from, if that was said."""
    back = seconds(since, "--since")
    return None if url is None else Prometheus(url, back, query)


def seconds(text: str, flag: str) -> int:
    """Return the length that *text* says, as in `7d` or `1d12h`."""
    parts = re.findall(r"(\d{1,6})([dhms])", text)
    if not parts or "".join(count + unit for count, unit in parts) != text:
        sentence = f"expected a length such as 7d or 12h as {flag}; got {text!r}"
        raise BadInputError(sentence)
    return sum(int(count) * _UNITS[unit] for count, unit in parts)


def growths(given: list[str] | None) -> tuple[float, ...]:
    """Return how many times the users are asked about, ordered, and the users of now."""
    found = {1.0}
    for text in given or ():
        match = re.fullmatch(r"(\d{1,4}(?:\.\d{1,3})?)x", text)
        if match is None or not 0 < float(match[1]) <= LARGEST_GROWTH:
            expected = f"a growth such as 10x, up to {LARGEST_GROWTH:g}x"
            sentence = f"expected {expected}, as --grow; got {text!r}"
            raise BadInputError(sentence)
        found.add(float(match[1]))
    return tuple(sorted(found))


def _check_positive(value: float | None, flag: str) -> None:
    if value is not None and not (math.isfinite(value) and value > 0):
        sentence = f"expected a number above 0 as {flag}; got {value:g}"
        raise BadInputError(sentence)
