"""Windows: where they begin and end, also on the days on which clocks change."""

from datetime import UTC, datetime, timedelta

import pytest

from plafond.api.convert_values import duration
from plafond.model.window import CalendarWindow, FixedWindow, Period, Span, as_written


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "zone", "now", "start", "end"),
    [
        pytest.param(
            Period.HOURLY,
            "UTC",
            "2026-11-16T12:34",
            "2026-11-16T12:00",
            "2026-11-16T13:00",
            id="hour",
        ),
        pytest.param(
            Period.DAILY,
            "UTC",
            "2026-11-16T00:00",
            "2026-11-16T00:00",
            "2026-11-17T00:00",
            id="day",
        ),
        # 16 November 2026 is a Monday.
        pytest.param(
            Period.WEEKLY,
            "UTC",
            "2026-11-22T23:59",
            "2026-11-16T00:00",
            "2026-11-23T00:00",
            id="week",
        ),
        pytest.param(
            Period.MONTHLY,
            "UTC",
            "2026-12-31T23:59",
            "2026-12-01T00:00",
            "2027-01-01T00:00",
            id="month",
        ),
        # 2028 is a leap year, 2026 is none.
        pytest.param(
            Period.MONTHLY,
            "UTC",
            "2028-02-29T12:00",
            "2028-02-01T00:00",
            "2028-03-01T00:00",
            id="leap",
        ),
        pytest.param(
            Period.DAILY,
            "UTC",
            "2028-02-29T12:00",
            "2028-02-29T00:00",
            "2028-03-01T00:00",
            id="leap day",
        ),
        pytest.param(
            Period.MONTHLY,
            "UTC",
            "2026-02-28T12:00",
            "2026-02-01T00:00",
            "2026-03-01T00:00",
            id="28 days",
        ),
        pytest.param(
            Period.QUARTERLY,
            "UTC",
            "2026-11-16T12:00",
            "2026-10-01T00:00",
            "2027-01-01T00:00",
            id="quarter",
        ),
        pytest.param(
            Period.QUARTERLY,
            "Europe/Berlin",
            "2026-03-31T22:30",
            "2026-03-31T22:00",
            "2026-06-30T22:00",
            id="a quarter that begins with summer time",
        ),
        pytest.param(
            Period.YEARLY,
            "UTC",
            "2028-12-31T23:59",
            "2028-01-01T00:00",
            "2029-01-01T00:00",
            id="a leap year",
        ),
        pytest.param(
            Period.YEARLY,
            "Asia/Kathmandu",
            "2026-12-31T18:15",
            "2026-12-31T18:15",
            "2027-12-31T18:15",
            id="a year with an odd offset",
        ),
        # Berlin is an hour ahead of UTC in winter, two in summer.
        pytest.param(
            Period.MONTHLY,
            "Europe/Berlin",
            "2026-11-30T23:30",
            "2026-11-30T23:00",
            "2026-12-31T23:00",
            id="the month begins earlier in the east",
        ),
        # Kathmandu is 5:45 ahead: its hours begin at a quarter past.
        pytest.param(
            Period.HOURLY,
            "Asia/Kathmandu",
            "2026-11-16T12:20",
            "2026-11-16T12:15",
            "2026-11-16T13:15",
            id="an odd offset",
        ),
        pytest.param(
            Period.DAILY,
            "Asia/Kathmandu",
            "2026-11-16T18:14",
            "2026-11-15T18:15",
            "2026-11-16T18:15",
            id="a day with an odd offset",
        ),
    ],
)
def test_a_calendar_window_follows_the_wall_clock(period, zone, now, start, end):
    assert CalendarWindow(period, zone).span_at(at(now)) == Span(at(start), at(end))


@pytest.mark.parametrize(
    ("zone", "noon", "hours"),
    [
        pytest.param("Europe/Berlin", "2026-03-29T10:00", 23, id="spring"),
        pytest.param("Europe/Berlin", "2026-10-25T10:00", 25, id="autumn"),
        # Lord Howe moves its clocks by half an hour.
        pytest.param("Australia/Lord_Howe", "2026-04-05T01:00", 24.5, id="half an hour"),
        # Beirut's clocks spring from midnight to one: that day has no midnight.
        pytest.param("Asia/Beirut", "2026-03-29T10:00", 23, id="no midnight"),
        pytest.param("UTC", "2026-03-29T10:00", 24, id="none"),
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(zone, noon, hours):
    assert CalendarWindow(Period.DAILY, zone).span_at(at(noon)).length == timedelta(hours=hours)


def test_an_hour_that_the_wall_clock_repeats_is_two_windows():
    # On 25 October 2026, 02:30 happens in Berlin at 00:30 and at 01:30 UTC.
    window = CalendarWindow(Period.HOURLY, "Europe/Berlin")

    assert window.span_at(at("2026-10-25T00:30")) == Span(
        at("2026-10-25T00:00"), at("2026-10-25T01:00")
    )
    assert window.span_at(at("2026-10-25T01:30")) == Span(
        at("2026-10-25T01:00"), at("2026-10-25T02:00")
    )


@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        pytest.param("2026-11-30T23:59:59.999999", False, id="just before"),
        pytest.param("2026-12-01T00:00", True, id="at its start"),
        pytest.param("2026-12-10T23:59:59.999999", True, id="just before its end"),
        pytest.param("2026-12-11T00:00", False, id="at its end"),
    ],
)
def test_a_fixed_window_limits_nothing_before_its_start_or_from_its_end_on(now, is_open):
    window = FixedWindow(at("2026-12-01T00:00"), timedelta(hours=240))

    expected = Span(at("2026-12-01T00:00"), at("2026-12-11T00:00")) if is_open else None
    assert window.span_at(at(now)) == expected


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(days=31), "744h"),
        (timedelta(minutes=90), "1h30m"),
        (timedelta(milliseconds=300_001), "5m1ms"),
    ],
)
def test_a_length_is_told_as_a_policy_writes_it(length, text):
    assert as_written(length) == text
    assert duration(text) == length
