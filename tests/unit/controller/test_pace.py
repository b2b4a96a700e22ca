"""When the loop runs: on a fixed grid that no wake-up moves; and when it counts as alive."""

from datetime import timedelta

import pytest

from plafond.controller.heartbeat import Heartbeat
from plafond.controller.loop import longest_pass, next_on_grid


@pytest.mark.parametrize(
    ("now", "due"),
    [
        pytest.param(100.0, 115.0, id="a pass that took no time"),
        pytest.param(103.0, 115.0, id="woken in between"),
        pytest.param(114.9, 115.0, id="just before"),
        pytest.param(115.0, 130.0, id="exactly on it"),
        pytest.param(171.0, 175.0, id="missed passes are not made up for"),
    ],
)
def test_passes_stay_on_the_grid_that_began_with_the_first(now, due):
    assert next_on_grid(start=100.0, period=15.0, now=now) == due


def test_any_number_of_wake_ups_leaves_the_next_point_where_it_is():
    due = {next_on_grid(100.0, 15.0, 100.0 + 0.1 * n) for n in range(149)}

    assert due == {115.0}


@pytest.mark.parametrize(("period", "longest"), [(1, 30), (10, 30), (15, 45), (60, 180)])
def test_a_pass_may_take_three_periods_or_half_a_minute(period, longest):
    assert longest_pass(timedelta(seconds=period)) == timedelta(seconds=longest)


class Stopwatch:
    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


def test_a_heart_that_did_not_beat_for_too_long_is_not_alive():
    watch = Stopwatch()
    heart = Heartbeat(timedelta(seconds=30), watch)

    assert heart.is_alive
    watch.seconds += 31
    assert not heart.is_alive
    heart.beat()
    assert heart.is_alive
