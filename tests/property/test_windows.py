"""Laws of windows: they tile time, in every zone and on every day."""

import operator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import available_timezones

from hypothesis import given
from hypothesis import strategies as st
from tests.builders import DAY, EUR, NOW, PASS, money

from plafond.account.ledger import Charge, grid_for, recorded, spent
from plafond.model.ledger import Fact, Ledger, SeriesKey
from plafond.model.window import CalendarWindow, Period, Span

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


SPEND = SeriesKey(Fact.SPEND, EUR)
# 3.60 an hour are 0.001 a second: sums are exact.
RATE = money("3.6")


@st.composite
def passes(draw):
    """A window, and passes from somewhat before one of its edges on, over up to two weeks."""
    window = draw(WINDOWS)
    edge = window.span_at(draw(INSTANTS)).start
    at = edge - draw(st.integers(1, 5000)) * timedelta(seconds=1)
    lengths = st.sampled_from([15, 400, 3600, 40_000, 200_000])
    steps = draw(st.lists(lengths, min_size=1, max_size=12))
    times = [at]
    for seconds in steps:
        times.append(times[-1] + timedelta(seconds=seconds))
    return window, times


@given(passes())
def test_what_is_spent_in_a_window_is_exact_in_every_zone_and_at_every_age(drawn):
    window, times = drawn
    ledger = Ledger(as_of=times[0])
    for before, now in pairwise(times):
        span = window.span_at(now)
        grid = grid_for((span,), PASS)
        ledger = recorded(ledger, [Charge(SPEND, Span(before, now), RATE)], now, grid)

        seconds = (now - max(span.start, times[0])) // timedelta(seconds=1)
        assert spent(ledger, SPEND, span) == RATE * seconds / 3600


@given(
    st.sampled_from([Period.MONTHLY, Period.QUARTERLY, Period.YEARLY]),
    st.sampled_from(["Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "UTC"]),
    INSTANTS,
)
def test_months_quarters_and_years_begin_and_end_with_the_same_days(period, zone, now):
    year = CalendarWindow(Period.YEARLY, zone).span_at(now)
    parts = [CalendarWindow(period, zone).span_at(year.start)]
    while parts[-1].end < year.end:
        parts.append(CalendarWindow(period, zone).span_at(parts[-1].end))

    assert len(parts) == 12 // period.months
    assert (parts[0].start, parts[-1].end) == (year.start, year.end)
    assert sum((part.length for part in parts), timedelta(0)) == year.length
    assert timedelta(days=364) < year.length < 367 * DAY
