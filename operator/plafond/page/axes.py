"""
Where numbers stand on an axis, which of them are written, and how.

In `Decimal`, since the sums of a float overflow where one value is huge and another is tiny.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

MOST_TICKS = 9
FEW_TICKS = 5
PER_CENT = 100
# Beyond these a number is written with its power of ten.
PLAIN_BELOW = Decimal("1e7")
PLAIN_FROM = Decimal("1e-4")
NOTHING = "\N{EN DASH}"
MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Scale:
    """A stretch of numbers, and the ticks on it in rising order."""

    low: Decimal
    high: Decimal
    ticks: tuple[Decimal, ...]

    def part(self, value: float | Decimal) -> float:
        """Return where *value* is between the ends: 0 at the low one, 1 at the high one."""
        return float((Decimal(value) - self.low) / (self.high - self.low))


def value_scale(values: Iterable[float]) -> Scale:
    """Return a scale from zero, or from below it, that ends at ticks."""
    low, high = _ends([0.0, *values])
    step = _round_step((high - low) / FEW_TICKS)
    low, high = _down(low, step), -_down(-high, step)
    return Scale(low, high, _ticks(low, high, step))


def time_scale(values: Iterable[float], tick_every: float | None) -> Scale:
    """Return a scale that ends where the values end; ticks are multiples of *tick_every*."""
    low, high = _ends(values)
    wished = Decimal(tick_every) if tick_every else Decimal()
    is_legible = wished > 0 and (high - low) / wished < MOST_TICKS
    step = wished if is_legible else _round_step((high - low) / FEW_TICKS)
    return Scale(low, high, _ticks(low, high, step))


def written(value: float | Decimal) -> str:
    """Return *value* in at most four significant digits, its thousands apart."""
    number = Decimal(value)
    if number.is_zero():
        return "0"
    if not number.is_finite():
        return NOTHING
    exponent = number.adjusted()
    if not PLAIN_FROM <= abs(number) < PLAIN_BELOW:
        mantissa = _short(f"{number.scaleb(-exponent):.2f}")
        return f"{mantissa}{TIMES}10{str(exponent).translate(SUPERSCRIPT)}"
    return _short(f"{number:,.{max(0, 3 - exponent)}f}")


def is_drawable(value: float | None) -> bool:
    """Say whether *value* has a place on an axis: a gap and an infinity have none."""
    return value is not None and math.isfinite(value)


def _short(digits: str) -> str:
    kept = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return kept.replace("-", MINUS)


def _ends(values: Iterable[float]) -> tuple[Decimal, Decimal]:
    found = [Decimal(value) for value in values if is_drawable(value)]
    low, high = min(found, default=Decimal()), max(found, default=Decimal())
    if low == high:
        # One value is no stretch; of a huge one, one more would be the same number.
        high += max(Decimal(1), abs(low) / PER_CENT)
    return low, high


def _round_step(at_least: Decimal) -> Decimal:
    power = Decimal(1).scaleb(at_least.adjusted())
    return next(power * round_ for round_ in (1, 2, 5, 10) if power * round_ >= at_least)


def _down(value: Decimal, step: Decimal) -> Decimal:
    """Return the highest multiple of *step* that is not above *value*."""
    return -((-value / step).to_integral_value(rounding=ROUND_CEILING)) * step


def _ticks(low: Decimal, high: Decimal, step: Decimal) -> tuple[Decimal, ...]:
    first = -_down(-low, step)
    count = int((high - first) / step) + 1
    return tuple(first + index * step for index in range(count))
