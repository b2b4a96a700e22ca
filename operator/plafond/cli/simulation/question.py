"""What somebody wants to know, checked before minutes are spent on it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Final

from plafond.cli.errors import BadInputError
from plafond.simulate.observing import Observe
from plafond.simulate.prometheus import BIN_S, MOST_BINS
from plafond.simulate.timeline import check_writable, resolved

_UNITS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
USUAL_PERCENT: Final = 70.0
LARGEST_GROWTH: Final = 1000.0
# Far above what any engine serves, people there are, and what demand costs without a limit.
LARGEST_REPLICA: Final = 1e9
LARGEST_USERS: Final = 10**10
LARGEST_PERCENT: Final = 1000.0
# What a PriceSheet can say of an hour, from its smallest digit to its largest.
PRICES: Final = (1e-6, 1e12)


@dataclass(frozen=True, slots=True)
class World:
    """Which demand, what a replica of it serves, how it is seen, and what to write of it where."""

    trace: Path | None
    replica_tokens_per_s: float | None
    observe: Observe
    timeline: Path | None = None
    report: Path | None = None

    def __post_init__(self) -> None:
        _check_positive(self.replica_tokens_per_s, "--replica-tokens-per-s", LARGEST_REPLICA)
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
# What is said of one source of demand only.
_OF_TRACES: Final = frozenset({"tenant"})
_OF_PROMETHEUS: Final = frozenset({"since", "query"})


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
    given = tuple(given)
    _refuse((name for name in given if name not in FLAGS[asked]), asked)
    if "from_prometheus" in given:
        _refuse((name for name in given if name in _OF_TRACES), "demand from Prometheus")
    else:
        _refuse((name for name in given if name in _OF_PROMETHEUS), "demand from a trace")


def _refuse(strange: Iterable[str], what: str) -> None:
    if flags := [f"--{name.replace('_', '-')}" for name in strange]:
        sentence = f"{', '.join(flags)} says nothing about {what}"
        raise BadInputError(sentence)


def check_apart(written: Iterable[Path | None], read: Iterable[Path | None]) -> None:
    """Refuse to write over what is read, and one answer over the other."""
    known = {resolved(path) for path in read if path is not None}
    for path in (path for path in written if path is not None):
        if resolved(path) in known:
            sentence = f"{path}: expected a file of its own to write to; it is named twice"
            raise BadInputError(sentence)
        known.add(resolved(path))


def percents(given: list[float] | None, timeline: Path | None) -> tuple[Decimal, ...]:
    """Return the shares of money that are asked for."""
    given = given or [USUAL_PERCENT]
    if timeline is not None and len(given) > 1:
        sentence = "a timeline is of one run: give one --budget-percent with --timeline"
        raise BadInputError(sentence)
    for percent in given:
        _check_positive(percent, "--budget-percent", LARGEST_PERCENT)
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
    if price is not None and not PRICES[0] <= price <= PRICES[1]:
        least, most = PRICES
        sentence = f"expected a price from {least:f} to {most:,.0f} as --price; got {price:g}"
        raise BadInputError(sentence)
    return Terms(
        policy,
        seconds(lengths[0], "--history"),
        _above_zero(lengths[1], "--window"),
        None if price is None else Decimal(str(price)),
        tuple(tenants or ()),
    )


def check_users(users: int) -> None:
    """Refuse a number of people that there cannot be."""
    if not 1 <= users <= LARGEST_USERS:
        sentence = f"expected 1 to {LARGEST_USERS:,} as --users; got {users}"
        raise BadInputError(sentence)


def prometheus(url: str | None, since: str, query: str | None) -> Prometheus | None:
    """Return where else demand comes from, if that was said."""
    back = seconds(since, "--since")
    if url is None:
        return None
    if not BIN_S <= back <= MOST_BINS * BIN_S:
        days = MOST_BINS * BIN_S // _UNITS["d"]
        expected = f"a length from {BIN_S // 60}m to {days}d, which Prometheus answers at once,"
        sentence = f"expected {expected} as --since; got {since!r}"
        raise BadInputError(sentence)
    return Prometheus(url, back, query)


def seconds(text: str, flag: str) -> int:
    """Return the length that *text* says, as in `7d` or `1d12h`."""
    parts = re.findall(r"(\d{1,6})([dhms])", text)
    if not parts or "".join(count + unit for count, unit in parts) != text:
        sentence = f"expected a length such as 7d or 12h as {flag}; got {text!r}"
        raise BadInputError(sentence)
    return sum(int(count) * _UNITS[unit] for count, unit in parts)


def _above_zero(text: str, flag: str) -> int:
    length = seconds(text, flag)
    if not length:
        sentence = f"expected a length above zero as {flag}, such as 7d or 12h; got {text!r}"
        raise BadInputError(sentence)
    return length


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


def _check_positive(value: float | None, flag: str, largest: float) -> None:
    if value is not None and not 0 < value <= largest:
        sentence = f"expected a number above 0 as {flag}, at most {largest:,.0f}; got {value:g}"
        raise BadInputError(sentence)
