"""Laws of windows: they tile time, in every zone and on every day."""

import operator
from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

from hypothesis import given
from hypothesis import strategies as st
from tests.builders import NOW

from plafond.model.window import CalendarWindow, Period

MOMENT = timedelta(microseconds=1)
# When clocks change on Lord Howe (by half an hour), and in Europe.
CHANGES = [
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
]
INSTANTS = st.timedeltas(timedelta(days=-6 * 365), timedelta(days=10 * 365)).map(
    NOW.__add__
) | st.builds(
    operator.add, st.sampled_from(CHANGES), st.timedeltas(timedelta(hours=-2), timedelta(hours=2))
)
WINDOWS = st.builds(
    CalendarWindow,
    st.sampled_from(list(Period)),
    st.sampled_from(["Australia/Lord_Howe", "Africa/Casablanca", "Asia/Beirut", "Antarctica/Troll"])
    | st.sampled_from(sorted(available_timezones())),
)


@given(WINDOWS, INSTANTS)
def test_every_instant_lies_in_its_window(window, now):
    assert window.span_at(now).contains(now)


@given(WINDOWS, INSTANTS)
def test_windows_tile_time_without_hole_or_overlap(window, now):
    span = window.span_at(now)

    assert window.span_at(span.start) == span
    assert window.span_at(span.end - MOMENT) == span
    assert window.span_at(span.end).start == span.end
    assert window.span_at(span.start - MOMENT).end == span.start
