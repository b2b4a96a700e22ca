"""Numbers and times in strings become exact values."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plafond.api.convert_values import duration, quantity
from plafond.api.errors import InvalidResource


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("240h", timedelta(hours=240)),
        ("1h30m", timedelta(minutes=90)),
        ("1h1h", timedelta(hours=2)),
        ("5m", timedelta(minutes=5)),
        ("90s500ms", timedelta(seconds=90.5)),
        ("0s", timedelta()),
    ],
)
def test_durations_add_up(text, expected):
    assert duration(text) == expected


@given(st.integers(1, 99999), st.sampled_from(["h", "m", "s", "ms"]))
def test_a_duration_of_one_unit_is_that_many(count, unit):
    kubernetes = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}[unit]

    assert duration(f"{count}{unit}") == timedelta(milliseconds=count * kubernetes)


@pytest.mark.parametrize(
    ("text", "expected"), [("800", 800), ("12k", 12_000), ("3M", 3_000_000), ("1T", 10**12)]
)
def test_suffixes_are_powers_of_ten(text, expected):
    assert quantity(text, "field") == Decimal(expected)


def test_a_quantity_beyond_all_reckoning_is_refused():
    assert quantity("1000000T", "field") == Decimal(10**18)
    with pytest.raises(InvalidResource, match="limits nothing: leave it out"):
        quantity("1000001T", "field")
