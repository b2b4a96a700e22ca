"""Forecasts: what comes, for how long, and how wrong that may be."""

import math

import numpy as np
import pytest

from plafond.forecast.day_profile import Profile
from plafond.forecast.forecast import LARGEST_ERROR, MOST_GROWTH, Forecast, forecast_of


def profile(*days, shape=None):
    """Days of one rate each, the oldest first."""
    hours = np.array([[day] * 24 for day in days[-7:]], dtype=float)
    return Profile(hours if shape is None else shape, np.array(days, dtype=float))


def forecast(rates, hours=None, error=0.0):
    weights, at = np.array(hours or [1.0] * len(rates)), np.arange(len(rates)) % 24
    return Forecast(np.array(rates, float), weights, error, error / 2, at)


def test_what_was_the_same_every_day_comes_again():
    found = forecast_of(profile(*[5.0] * 7), hours=36)

    assert found.total == pytest.approx(180)  # 36 hours at 5
    assert found.hours.sum() == pytest.approx(36)


def test_hours_of_the_day_come_as_often_as_they_lie_in_the_rest_of_the_window():
    shape = np.array([[1.0] * 12 + [3.0] * 12])

    # A day and six hours from now: 18 hours at 1, and 12 at 3.
    assert forecast_of(profile(2.0, shape=shape), hours=30).total == pytest.approx(18 + 36)


def test_a_new_level_is_followed_within_days():
    found = forecast_of(profile(10, 10, 10, 20, 20, 20), hours=24)

    # Each day the smoothed level makes 0.4 of the way: 10 + 10 x (1 - 0.6^3).
    assert found.total / 24 == pytest.approx(17.84)


def test_growth_is_carried_on_where_every_day_shows_it():
    steady = [10 * 1.05**day for day in range(14)]
    up_and_down = [10, 13, 9, 12, 8, 13, 10, 12, 9, 13, 8, 12, 10, 11]

    # 5 % a day: ten more days are higher than the last one, which is 18.9.
    assert forecast_of(profile(*steady), hours=240).total / 240 > 18.9
    assert forecast_of(profile(*up_and_down), hours=240).total / 240 == pytest.approx(11, rel=0.1)


def test_growth_is_carried_on_within_bounds():
    doubling = [2.0**day for day in range(14)]
    unbounded = forecast_of(profile(*doubling), hours=24 * 28).total / (24 * 28)

    # The smoothed level of days that double comes to 0.57 of the last one, which is 8192.
    assert unbounded == pytest.approx(MOST_GROWTH * 8192 * 0.571, rel=0.01)


def test_errors_are_learned_from_days_that_came_otherwise():
    calm, wild = profile(*[10.0] * 7), profile(10, 20, 8, 17, 6, 19, 9)

    assert forecast_of(calm, 168).error < forecast_of(wild, 168).error <= LARGEST_ERROR


def test_a_week_is_no_surer_than_a_day_because_what_surprises_may_stay():
    calm = profile(*[10.0] * 7)

    # Nothing surprised in six days, and two are thought to have been 25 % off: 0.25 x (2 / 8)^0.5.
    assert forecast_of(calm, hours=24).error == pytest.approx(0.125)
    # Of a surprise 0.8 stays for every day after it: 0.125 x (1 + 1.8^2 + ... + 5.8^2)^0.5 / 7.
    assert forecast_of(calm, hours=168).error == pytest.approx(0.125 * 98.84**0.5 / 7)
    # What passes stays by 0.4 only, as the level believes: (1 + 1.4^2 + ... + 3.4^2)^0.5 / 7.
    assert forecast_of(calm, hours=168).passing_error == pytest.approx(0.125 * 38.36**0.5 / 7)


def test_a_future_is_off_by_a_factor():
    found = forecast([20, 10], error=0.5)

    # Two errors of 0.5 are a factor of e: cheaper demand is a part of what is forecast.
    assert found.off_by(2).rates == pytest.approx([20 * math.e, 10 * math.e])
    assert found.off_by(-2).rates == pytest.approx([20 / math.e, 10 / math.e])
    assert found.off_by(0).total == found.total == 30
    # Half of that where what surprises passes: two errors of 0.25 are the root of e.
    assert found.passing(2).rates == pytest.approx([20 * math.e**0.5, 10 * math.e**0.5])


def test_one_unknown_hour_is_taken_to_be_like_the_others():
    shape = np.array([[2.0] * 24, [2.0] * 24])
    shape[:, 5] = np.nan

    assert forecast_of(profile(2.0, 2.0, shape=shape), hours=24).total == pytest.approx(48)


@pytest.mark.parametrize(
    ("money", "floor", "level"),
    [
        pytest.param(60, 0, None, id="all is carried"),
        # min(10, L) + min(20, L) + min(30, L) = 40: 10 + 15 + 15.
        pytest.param(40, 0, 15, id="peaks are refused"),
        pytest.param(15, 0, 5, id="everything is refused in part"),
        # The floor is paid also where demand is below it: 12 + 13 + 13.
        pytest.param(38, 12, 13, id="never less than the floor"),
        pytest.param(3, 12, 12, id="floors that money does not carry are floors"),
    ],
)
def test_the_level_is_the_one_at_which_money_lasts(money, floor, level):
    found = forecast([20, 10, 30]).level(money, floor)

    assert found == (None if level is None else pytest.approx(level))


def test_hours_weigh_as_often_as_they_come():
    # min(10, L) x 3 + min(30, L) x 1 = 45: 30 + 15.
    assert forecast([10, 30], [3.0, 1.0]).level(45, 0) == pytest.approx(15)


def test_money_for_all_that_is_forecast_lasts_to_its_end_also_where_hours_are_unknown():
    # Half of the hours were seen on one day only, and one on none.
    shape = np.ones((2, 24))
    shape[0, :12], shape[1, :12], shape[:, 20] = np.nan, 3.0, np.nan
    found = forecast_of(profile(2.0, 2.0, shape=shape), hours=24)

    assert found.hours_for(found.total, 0, 0) == pytest.approx(24)
    assert found.hours_for(found.total * 0.999, 0, 0) < 24


def test_an_unknown_hour_to_come_costs_what_the_others_do():
    shape = np.ones((2, 24))
    shape[:, 0] = np.nan

    # Half an hour at one an hour.
    assert forecast_of(profile(1.0, 1.0, shape=shape), hours=0.5).total == pytest.approx(0.5)


def test_what_costs_nothing_lasts_for_ever_and_without_money_nothing_does():
    free = forecast_of(profile(*[0.0] * 7), hours=24)

    assert free.hours_for(1, 0, 0) == math.inf
    assert free.hours_for(-1, 0, 0) == 0
