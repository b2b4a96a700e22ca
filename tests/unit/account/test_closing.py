"""What is put away of a ledger: the past as it is, days by hour, months by day."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.builders import DAY, EUR, HOUR, MINUTE, money

from plafond.account.closing import (
    by_day,
    day_of,
    finished_day,
    finished_months,
    joined,
    month_of,
    past_until,
    reach,
    split,
    without_past,
)
from plafond.account.ledger import MOST_WORKLOADS
from plafond.account.past import Before, untold, wanted_since
from plafond.model.history import Past
from plafond.model.ledger import OTHERS, Bucket, Fact, Ledger, SeriesKey
from plafond.model.memory import Memory, NamespaceRecord
from plafond.model.settings import Timing
from plafond.model.window import Span

SPEND = SeriesKey(Fact.SPEND, EUR)
CHAT = SPEND._replace(workload="deployments.apps/chat")
MIDNIGHT = datetime(2026, 11, 16, tzinfo=UTC)
TODAY = Span(MIDNIGHT, MIDNIGHT + DAY)


def bucket(start, length, value="1"):
    return Bucket(start, length, money(value))


def of(key, *buckets):
    return Ledger(MIDNIGHT + DAY, {key: buckets})


@pytest.mark.parametrize(
    ("as_of", "until"),
    [
        pytest.param(MIDNIGHT - MINUTE, MIDNIGHT - HOUR, id="a minute before"),
        pytest.param(MIDNIGHT, MIDNIGHT, id="on the hour"),
        pytest.param(MIDNIGHT + 59 * MINUTE, MIDNIGHT, id="in the hour"),
    ],
)
def test_what_is_past_ends_where_the_hour_that_is_not_over_begins(as_of, until):
    assert past_until(as_of) == until


def test_what_starts_before_midnight_is_past_also_where_it_ends_after_it():
    across = bucket(MIDNIGHT - 10 * MINUTE, 15 * MINUTE, "2")
    after = bucket(MIDNIGHT + 5 * MINUTE, 5 * MINUTE, "3")

    older, newer = split(of(SPEND, across, after), MIDNIGHT)

    assert (older.series, newer.series) == ({SPEND: (across,)}, {SPEND: (after,)})
    assert joined(older, newer) == of(SPEND, across, after)
    # Were it lost, nothing would be known up to its end.
    assert reach(older) == Span(across.start, MIDNIGHT + 5 * MINUTE)


def test_workloads_have_no_past():
    ledger = of(CHAT, bucket(MIDNIGHT - DAY, HOUR))

    older, newer = split(ledger, MIDNIGHT)

    assert (older.series, newer) == ({}, ledger)
    assert reach(older) is None


def test_a_past_that_is_lost_is_unknown_as_if_nobody_had_counted_before():
    began = MIDNIGHT - 9 * DAY
    memory = Memory(counted_since=began, complete_from=began - DAY, searched_from=began - DAY)

    lost = without_past(NamespaceRecord(Ledger(TODAY.end), memory), MIDNIGHT).memory

    assert lost == Memory(counted_since=MIDNIGHT, complete_from=MIDNIGHT, searched_from=MIDNIGHT)


@pytest.mark.parametrize(
    ("opened_at", "wanted"),
    [
        pytest.param(MIDNIGHT - 5 * DAY, MIDNIGHT - 5 * DAY, id="a window that began before"),
        pytest.param(MIDNIGHT, None, id="one that began then"),
    ],
)
def test_history_is_asked_for_what_a_window_needs_of_a_lost_past(opened_at, wanted):
    counted = Memory(counted_since=MIDNIGHT - 9 * DAY, complete_from=MIDNIGHT - 9 * DAY)
    record = NamespaceRecord(Ledger(TODAY.end), counted)

    lost = without_past(record, MIDNIGHT)

    known = Before(Past(), opened_at, TODAY.end)
    assert wanted_since(lost, known) == wanted
    # Until it has told, so much of the window is unknown.
    unknown = untold(lost.memory, known, Timing())
    assert (unknown and unknown.until) == (wanted and MIDNIGHT)


@pytest.mark.parametrize(
    ("as_of", "end"),
    [
        pytest.param(MIDNIGHT + 2 * HOUR - MINUTE, MIDNIGHT - DAY, id="a minute before"),
        pytest.param(MIDNIGHT + 2 * HOUR, MIDNIGHT, id="two hours after midnight"),
    ],
)
def test_a_day_is_finished_when_its_last_hour_is_whole(as_of, end):
    assert finished_day(as_of) == Span(end - DAY, end)


def test_a_day_holds_its_hours_and_nothing_of_its_neighbours():
    yesterday = bucket(MIDNIGHT - HOUR, HOUR, "9")
    fine = (bucket(MIDNIGHT, 5 * MINUTE, "1"), bucket(MIDNIGHT + 5 * MINUTE, 5 * MINUTE, "2"))
    hour = bucket(MIDNIGHT + HOUR, HOUR, "4")
    tomorrow = bucket(MIDNIGHT + DAY, HOUR, "8")

    ledger = Ledger(None, {SPEND: (yesterday, *fine, hour, tomorrow), CHAT: (*fine, tomorrow)})

    # 1 + 2 in the first ten minutes
    first = bucket(MIDNIGHT, 10 * MINUTE, "3")
    assert day_of(ledger, TODAY) == Ledger(None, {SPEND: (first, hour), CHAT: (first,)})


def test_a_day_in_which_nothing_was_spent_holds_nothing():
    assert day_of(of(SPEND, bucket(MIDNIGHT - DAY, HOUR)), TODAY) == Ledger()


@pytest.mark.parametrize(
    ("as_of", "month"),
    [
        # The last day of October is kept by hours until the 9th begins.
        pytest.param(datetime(2026, 11, 8, 23, 59, tzinfo=UTC), 9, id="a minute before"),
        pytest.param(datetime(2026, 11, 9, tzinfo=UTC), 10, id="eight days after"),
    ],
)
def test_a_month_is_finished_when_all_its_days_are_kept_by_day(as_of, month):
    assert finished_months(as_of) == month_of(datetime(2026, month, 1, tzinfo=UTC)).end


def test_a_month_is_that_of_the_calendar_in_utc():
    february = month_of(datetime(2028, 2, 29, 23, tzinfo=UTC))

    assert february == Span(datetime(2028, 2, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC))


def test_a_month_holds_its_days_by_day():
    days = [
        Ledger(None, {SPEND: tuple(bucket(start + n * HOUR, HOUR) for n in range(24))})
        for start in (MIDNIGHT, MIDNIGHT + DAY)
    ]

    # 24 hours of 1
    assert by_day(days).series == {
        SPEND: (bucket(MIDNIGHT, DAY, "24"), bucket(MIDNIGHT + DAY, DAY, "24"))
    }


def test_of_many_workloads_a_month_names_the_dearest_and_adds_up_the_rest():
    def spent(name, value):
        return {SPEND._replace(workload=name): (bucket(MIDNIGHT, HOUR, value),)}

    names = [f"deployments.apps/{n:03}" for n in range(MOST_WORKLOADS + 2)]
    # Those with the two lowest numbers cost least: 0.001 and 0.002, and others have 5.
    day = Ledger(None, spent(OTHERS, "5"))
    for n, name in enumerate(names, start=1):
        day.series.update(spent(name, f"{n / 1000}"))

    found = by_day([day]).series

    kept = {key.workload for key in found}
    assert kept == {OTHERS, *names[2:]}
    (others,) = found[SPEND._replace(workload=OTHERS)]
    assert others == bucket(MIDNIGHT, HOUR, "5.003")


def test_nothing_of_a_workload_is_lost_in_a_month():
    day = Ledger(None, {CHAT: tuple(bucket(MIDNIGHT + n * HOUR, HOUR, "0.1") for n in range(5))})

    (found,) = by_day([day]).series[CHAT]

    assert (found.start, found.length, found.value) == (MIDNIGHT, timedelta(hours=5), money("0.5"))
