"""Ticks are round numbers, and every number has a place, however huge or tiny."""

from itertools import pairwise

import pytest

from plafond.page.axes import time_scale, value_scale, written


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        pytest.param([1527], "0 500 1,000 1,500 2,000", id="money"),
        pytest.param([7, 3], "0 2 4 6 8", id="replicas"),
        pytest.param([0.3], "0 0.1 0.2 0.3", id="no 0.30000000000000004"),
        pytest.param([-3, 4], "−2 0 2 4", id="below zero"),  # noqa: RUF001
        pytest.param([], "0 0.2 0.4 0.6 0.8 1", id="nothing"),
        pytest.param([0, 0], "0 0.2 0.4 0.6 0.8 1", id="zeros"),
        pytest.param([3e12], "0 1×10¹² 2×10¹² 3×10¹²", id="huge"),  # noqa: RUF001
    ],
)
def test_a_value_axis_includes_zero_and_ends_at_round_ticks(values, ticks):
    scale = value_scale(values)

    assert " ".join(written(tick) for tick in scale.ticks if tick >= -3).startswith(ticks)
    assert scale.ticks[0] == scale.low
    assert scale.ticks[-1] == scale.high


@pytest.mark.parametrize(
    ("end", "every", "ticks"),
    [
        pytest.param(48, 6, "0 6 12 18 24 30 36 42 48", id="days in quarters"),
        pytest.param(47.9, 6, "0 6 12 18 24 30 36 42", id="not quite the end"),
        pytest.param(480, 6, "0 100 200 300 400", id="too many to read"),
        pytest.param(10, None, "0 2 4 6 8 10", id="no wish"),
    ],
)
def test_a_time_axis_keeps_its_ends_and_the_wished_ticks_while_they_are_legible(end, every, ticks):
    scale = time_scale([0, end], every)

    assert (float(scale.low), float(scale.high)) == (0, end)
    assert " ".join(written(tick) for tick in scale.ticks) == ticks


@pytest.mark.parametrize("largest", [5e-324, 1e-9, 1.0, 1e9, 1.7e308])
@pytest.mark.parametrize("smallest", [0.0, 5e-324, -1.7e308])
def test_every_axis_has_few_rising_ticks_and_a_place_for_every_value(smallest, largest):
    for scale in (value_scale([smallest, largest]), time_scale([smallest, largest], None)):
        assert 1 <= len(scale.ticks) <= 8
        assert all(a < b for a, b in pairwise(scale.ticks))
        assert all(0 <= scale.part(each) <= 1 for each in (smallest, largest))


def test_what_is_not_finite_has_no_place_and_harms_no_axis():
    assert value_scale([float("nan"), float("inf"), 4]) == value_scale([4])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (7, "7"), (1527, "1,527"), (28.7, "28.7"), (0.1 + 0.2, "0.3"), (-2.5, "−2.5"),  # noqa: RUF001
        (0.00012, "0.00012"), (1234567, "1,234,567"), (1.5e-7, "1.5×10⁻⁷"), (-2e300, "−2×10³⁰⁰"),  # noqa: RUF001
        (99999, "99,999"), (float("nan"), "–"),  # noqa: RUF001
    ],
)  # fmt: skip
def test_numbers_are_short_and_have_no_digits_of_their_storage(value, text):
    assert written(value) == text
