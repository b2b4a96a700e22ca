"""The profile: demand of the past, hour by hour, whatever buckets it came in."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np

from plafond.forecast.day_profile import profile_of
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def ledger(*buckets):
    return Ledger(NOW, {SeriesKey(Fact.DEMAND, "EUR"): buckets})


def hours(first, values, length=HOUR):
    """Buckets of *length* from *first* on."""
    return tuple(Bucket(first + i * length, length, Decimal(v)) for i, v in enumerate(values))


def test_less_than_a_day_is_no_profile():
    assert profile_of(Ledger(), "EUR", NOW) is None
    assert profile_of(ledger(*hours(NOW - 23 * HOUR, [1] * 23)), "EUR", NOW) is None


def test_column_zero_is_the_hour_of_the_day_that_begins_now():
    found = profile_of(ledger(*hours(NOW - DAY, range(24))), "EUR", NOW)

    assert found.hours.tolist() == [list(range(24))]
    assert found.days.tolist() == [11.5]


def test_fine_hourly_and_daily_buckets_are_one_curve():
    # A day at 2 an hour, twelve hours at 3, then twelve of twelve five-minute buckets at 4.
    fine = hours(NOW - 12 * HOUR, [Decimal(4) / 12] * 144, timedelta(minutes=5))
    found = profile_of(
        ledger(*hours(NOW - 2 * DAY, [48], DAY), *hours(NOW - DAY, [3] * 12), *fine), "EUR", NOW
    )

    assert np.allclose(found.hours, [[2] * 24, [3] * 12 + [4] * 12])
    assert np.allclose(found.days, [2, 3.5])


def test_what_was_not_recorded_is_unknown_and_not_zero():
    # Eighteen hours at 1, nothing for six, then a day at 1.
    found = profile_of(
        ledger(*hours(NOW - 2 * DAY, [1] * 18), *hours(NOW - DAY, [1] * 24)), "EUR", NOW
    )

    assert np.isnan(found.hours[0, 18:]).all()
    assert found.days.tolist() == [1, 1]


def test_a_day_of_which_little_is_known_has_no_mean():
    found = profile_of(
        ledger(*hours(NOW - 2 * DAY, [9] * 3), *hours(NOW - DAY, [1] * 24)), "EUR", NOW
    )

    assert found.days.tolist() == [1]


def censored(*buckets):
    return {SeriesKey(Fact.CENSORED, "EUR"): buckets}


def with_bounds(demand, bounds):
    return Ledger(NOW, {**ledger(*demand).series, **censored(*bounds)})


def test_an_hour_that_was_cut_is_taken_to_be_what_it_was_the_day_before():
    # Ten an hour; the next day four are seen between six and noon, and all of that is a bound.
    days = hours(NOW - 2 * DAY, [10] * 24 + [10] * 6 + [4] * 6 + [10] * 12)
    cut = hours(NOW - 18 * HOUR, [4] * 6)

    assert np.allclose(profile_of(with_bounds(days, cut), "EUR", NOW).days, [10, 10])
    assert np.allclose(profile_of(ledger(*days), "EUR", NOW).days, [10, 8.5])


def test_of_an_hour_that_was_cut_in_part_only_that_part_is_filled():
    # A quarter of what was seen is a bound: 4 + 1/4 x (10 - 4) = 5.5.
    days = hours(NOW - 2 * DAY, [10] * 24 + [4] * 24)
    found = profile_of(with_bounds(days, hours(NOW - DAY, [1] * 24)), "EUR", NOW)

    assert np.allclose(found.hours[1], 5.5)


def test_a_bound_above_what_is_known_counts_as_it_was_seen():
    days = hours(NOW - 2 * DAY, [10] * 24 + [15] * 24)
    found = profile_of(with_bounds(days, hours(NOW - DAY, [15] * 24)), "EUR", NOW)

    assert np.allclose(found.days, [10, 15])


def test_an_hour_of_which_nothing_was_known_before_is_what_was_seen():
    days = (*hours(NOW - 2 * DAY, [1] * 18), *hours(NOW - DAY, [2] * 24))
    found = profile_of(with_bounds(days, hours(NOW - DAY, [2] * 24)), "EUR", NOW)

    assert np.allclose(found.hours[1], 2)
