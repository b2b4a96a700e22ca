"""
Amounts and hourly rates, exact and with their unit.

A unit is an ISO 4217 currency code, `GPU_HOURS` or `TOKENS`. Nothing here is a float: a sum of a
thousand passes must equal the sum of the parts, and a ceiling must be exact to the last replica.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

GPU_HOURS = "gpuHours"
# What models read and write, whatever it costs: it is counted, and never billed by the hour.
TOKENS = "tokens"
MICROSECONDS_PER_HOUR = 3_600_000_000

# Hourly rates (or amounts) by unit. A unit that is absent is not consumed at all.
ByUnit = Mapping[str, Decimal]

ZERO = Decimal(0)

Value = TypeVar("Value")


def elapsed_microseconds(elapsed: timedelta) -> int:
    """Return *elapsed* as a whole number of microseconds, exactly."""
    return elapsed // timedelta(microseconds=1)


def accrued(hourly: Decimal, elapsed: timedelta) -> Decimal:
    """Return what *hourly* amounts to over *elapsed*, in the same unit."""
    # A rate divided down to seconds is not exact in decimal: multiply first, divide last.
    return hourly * elapsed_microseconds(elapsed) / MICROSECONDS_PER_HOUR


def hourly(value: Decimal, elapsed: timedelta) -> Decimal:
    """Return the hourly rate that amounts to *value* over *elapsed*."""
    microseconds = elapsed_microseconds(elapsed)
    if microseconds <= 0:
        msg = f"a rate needs a positive time, got {elapsed}"
        raise ValueError(msg)
    return value * MICROSECONDS_PER_HOUR / microseconds


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum of money, GPU-hours or tokens; may be negative, as an overdrawn remainder is."""

    value: Decimal
    unit: str

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.value - self._same_unit(other), self.unit)

    def _same_unit(self, other: "Amount") -> Decimal:
        if other.unit != self.unit:
            msg = f"{other.unit} cannot be added to {self.unit}"
            raise ValueError(msg)
        return other.value


def added(left: ByUnit, right: ByUnit, times: int = 1) -> dict[str, Decimal]:
    """Return *left* plus *times* times *right*, unit by unit."""
    return summed(left, ((right, times),))


def summed(first: ByUnit, others: Iterable[tuple[ByUnit, int]]) -> dict[str, Decimal]:
    """Return *first* plus each of *others* as many times as is said with it, unit by unit."""
    total = dict(first)
    for each, times in others:
        for unit, value in each.items():
            total[unit] = total.get(unit, ZERO) + times * value
    return total


def occurrences(values: Iterable[Value]) -> list[tuple[Value, int]]:
    """Return each of *values* once, with how often that very object is among them."""
    listed = tuple(values)
    found = dict(zip(map(id, listed), listed, strict=True))
    if len(found) == 1:
        return [(listed[0], len(listed))]
    counts = Counter(map(id, listed))
    return [(each, counts[which]) for which, each in found.items()]


# What a replica takes up besides money, so that every kind of limit is reckoned in the same way.
REPLICAS = "replicas"
_RESOURCE = "resource/"


def resource_unit(resource: str) -> str:
    """Return the unit in which `ceilings.resources` limits *resource*."""
    return f"{_RESOURCE}{resource}"


def is_resource_unit(unit: str) -> bool:
    """Say whether *unit* is one of `resource_unit`."""
    return unit.startswith(_RESOURCE)
