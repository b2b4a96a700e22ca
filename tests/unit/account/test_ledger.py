"""The ledger: where a charge lands, what a window reads out of it, and what age does to it."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.builders import DAY, EUR, HOUR, MINUTE, NOW, SECOND, money

from plafond.account.ledger import Charge, Grid, grid_for, mean_rates, recorded, spent
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.model.window import Span

SPEND = SeriesKey(Fact.SPEND, EUR)
FIVE = 5 * MINUTE
GRID = Grid(FIVE)


def charge(start, end, rate="6"):
    """Six an hour is a tenth a minute."""
    return Charge(SPEND, Span(start, end), money(rate))


def written(*steps, grid=GRID, ledger=None):
    """A ledger after passes at the end of each (start, end), or (start, end, grid)."""
    ledger = ledger or Ledger()
    for start, end, *own in steps:
        ledger = recorded(ledger, [charge(start, end)], end, own[0] if own else grid)
    return ledger


def buckets(ledger):
    return [(b.start, b.end, b.value) for b in ledger.series[SPEND]]


def test_a_charge_is_spread_over_the_grid():
    ledger = written((NOW + 2 * MINUTE, NOW + 12 * MINUTE))

    # 3 + 5 + 2 minutes at 0.10
    assert buckets(ledger) == [
        (NOW, NOW + FIVE, money("0.3")),
        (NOW + FIVE, NOW + 2 * FIVE, money("0.5")),
        (NOW + 2 * FIVE, NOW + 3 * FIVE, money("0.2")),
    ]
    assert ledger.as_of == NOW + 12 * MINUTE


def test_passes_fill_the_same_bucket():
    ledger = written((NOW, NOW + MINUTE), (NOW + MINUTE, NOW + 3 * MINUTE))

    assert buckets(ledger) == [(NOW, NOW + FIVE, money("0.3"))]


def test_no_bucket_crosses_the_edge_of_a_window():
    edge = NOW + 7 * MINUTE
    ledger = written((NOW, NOW + 10 * MINUTE), grid=Grid(FIVE, (edge,)))

    assert spent(ledger, SPEND, Span(NOW, edge)) == money("0.7")
    assert spent(ledger, SPEND, Span(edge, NOW + HOUR)) == money("0.3")


def test_a_bucket_only_partly_inside_a_window_counts_whole():
    ledger = written((NOW, NOW + FIVE))

    assert spent(ledger, SPEND, Span(NOW + 2 * MINUTE, NOW + 3 * MINUTE)) == money("0.5")
    assert spent(ledger, SPEND, Span(NOW + FIVE, NOW + HOUR)) == 0
    assert spent(ledger, SPEND, Span(NOW - HOUR, NOW)) == 0


def test_a_window_that_opens_inside_the_running_bucket_does_not_count_what_came_before():
    # At 12:02 a policy arrives whose window begins then.
    opens = NOW + 2 * MINUTE
    cut = Grid(FIVE, (opens,))
    ledger = written((NOW, opens), (opens, NOW + FIVE, cut))

    assert spent(ledger, SPEND, Span(opens, NOW + HOUR)) == money("0.3")
    assert spent(ledger, SPEND, Span(NOW, opens)) == money("0.2")


def test_a_finer_grid_goes_on_where_a_coarser_one_stopped():
    fine = Grid(15 * SECOND)
    ledger = written((NOW, NOW + MINUTE), (NOW + MINUTE, NOW + 2 * MINUTE, fine))

    assert buckets(ledger) == [
        (NOW, NOW + MINUTE, money("0.1")),
        *(
            (NOW + MINUTE + n * 15 * SECOND, NOW + MINUTE + (n + 1) * 15 * SECOND, money("0.025"))
            for n in range(4)
        ),
    ]


def test_a_late_charge_lands_where_it_belongs():
    # A pod of two hours ago whose price became known only now.
    ledger = written((NOW, NOW + FIVE))
    late = recorded(ledger, [charge(NOW - 2 * HOUR, NOW - 2 * HOUR + MINUTE)], NOW + FIVE, GRID)

    assert spent(late, SPEND, Span(NOW - 3 * HOUR, NOW - HOUR)) == money("0.1")
    assert spent(late, SPEND, Span(NOW, NOW + HOUR)) == money("0.5")


def test_a_late_charge_into_what_is_already_there_is_added():
    ledger = written((NOW, NOW + FIVE), (NOW + FIVE, NOW + HOUR))
    late = recorded(ledger, [charge(NOW + MINUTE, NOW + 2 * MINUTE)], NOW + HOUR, GRID)

    assert spent(late, SPEND, Span(NOW, NOW + FIVE)) == money("0.6")


def test_a_day_later_buckets_merge_into_hours_and_keep_their_sum():
    ledger = written((NOW, NOW + HOUR))
    assert len(ledger.series[SPEND]) == 12

    later = recorded(ledger, [], NOW + 28 * HOUR, GRID)

    assert buckets(later) == [(NOW, NOW + HOUR, 6)]


def test_after_eight_days_hours_merge_into_days():
    midnight = datetime(2026, 11, 16, tzinfo=UTC)
    ledger = written((midnight, midnight + DAY))

    later = recorded(ledger, [], midnight + 10 * DAY, GRID)

    assert buckets(later) == [(midnight, midnight + DAY, 144)]


def test_merging_keeps_the_edges_of_windows_in_force():
    # A month that began at 23:00 UTC, as Berlin's do in winter.
    begin = datetime(2026, 11, 15, 23, tzinfo=UTC)
    grid = Grid(FIVE, (begin,))
    ledger = written((begin - 2 * HOUR, begin + 2 * HOUR), grid=grid)

    later = recorded(ledger, [], begin + 20 * DAY, grid)

    assert spent(later, SPEND, Span(begin, begin + 30 * DAY)) == 12
    assert spent(later, SPEND, Span(begin - DAY, begin)) == 12


def test_a_bucket_that_crosses_a_later_edge_stays_as_it_is():
    # Written before a window that begins at 12:02 was known.
    before = (
        Bucket(NOW, MINUTE, money(1)),
        Bucket(NOW + MINUTE, 4 * MINUTE, money(4)),
        Bucket(NOW + FIVE, FIVE, money(5)),
    )
    grid = Grid(FIVE, (NOW + 2 * MINUTE,))

    later = recorded(Ledger(NOW + HOUR, {SPEND: before}), [], NOW + 28 * HOUR, grid)

    assert later.series[SPEND] == before


def test_more_than_a_year_is_kept_whatever_the_windows_in_force_are():
    ledger = written((NOW, NOW + HOUR))

    soon = recorded(ledger, [], NOW + 366 * DAY, GRID)
    late = recorded(ledger, [], NOW + 402 * DAY, GRID)

    assert spent(soon, SPEND, Span(NOW - DAY, NOW + 2 * DAY)) == 6
    assert late.series[SPEND] == ()


def test_buckets_of_a_short_window_are_fine_for_twice_its_length():
    # A day of hourly windows at 12 s would be 7,200 buckets.
    grid = grid_for((Span(NOW, NOW + HOUR),), 15 * SECOND)
    ledger = written((NOW, NOW + HOUR), grid=grid)

    soon = recorded(ledger, [], NOW + 2 * HOUR, grid)
    later = recorded(soon, [], NOW + 4 * HOUR, grid)

    assert len(soon.series[SPEND]) == 240
    assert len(later.series[SPEND]) == 1


def test_a_clock_that_steps_back_counts_nothing_twice():
    ledger = written((NOW, NOW + HOUR))

    back = recorded(ledger, [], NOW + HOUR / 2, GRID)

    assert back.as_of == NOW + HOUR


@pytest.mark.parametrize(
    ("window", "grain"),
    [
        pytest.param(300 * SECOND, 15 * SECOND, id="never finer than a pass"),
        pytest.param(2 * HOUR, 24 * SECOND, id="a 300th of the window"),
        pytest.param(30 * DAY, FIVE, id="never coarser than five minutes"),
    ],
)
def test_the_grain_follows_the_shortest_window(window, grain):
    spans = (Span(NOW, NOW + window), Span(NOW, NOW + 90 * DAY))

    assert grid_for(spans, 15 * SECOND).grain == grain


def test_a_grid_has_the_edges_of_all_windows():
    grid = grid_for((Span(NOW, NOW + HOUR), Span(NOW - DAY, NOW + 30 * DAY)), 15 * SECOND)

    assert grid.edges == (NOW - DAY, NOW, NOW + HOUR, NOW + 30 * DAY)


class TestMeanRate:
    def test_it_is_what_accrued_per_hour(self):
        ledger = written((NOW - 24 * HOUR, NOW))

        assert mean_rates(ledger, (SPEND,), NOW, 24 * HOUR)[SPEND] == 6

    def test_of_a_ledger_that_knows_less_it_is_over_what_it_knows(self):
        ledger = written((NOW - 2 * HOUR, NOW))

        assert mean_rates(ledger, (SPEND,), NOW, 24 * HOUR)[SPEND] == 6

    def test_a_day_of_nothing_else_is_part_of_the_mean(self):
        # A notebook that started an hour ago: 6 in 24 hours are 0.25 an hour. The ledger knows that
        # nothing ran before, because other facts are older.
        old = {SeriesKey(Fact.SPEND, "gpuHours"): (Bucket(NOW - 24 * HOUR, HOUR, money(1)),)}
        ledger = written((NOW - HOUR, NOW), ledger=Ledger(NOW - 24 * HOUR, old))

        assert mean_rates(ledger, (SPEND,), NOW, 24 * HOUR)[SPEND] == money("0.25")

    def test_without_facts_there_is_none(self):
        assert mean_rates(Ledger(), (SPEND,), NOW, 24 * HOUR) == {}


def test_amounts_smaller_than_a_cent_add_up():
    ledger = Ledger()
    for n in range(100):
        at = NOW + n * SECOND
        ledger = recorded(ledger, [charge(at, at + SECOND, "0.0036")], at + SECOND, GRID)

    assert spent(ledger, SPEND, Span(NOW, NOW + HOUR)) == money("0.0001")
    assert timedelta(0) < ledger.series[SPEND][0].length <= FIVE


CHAT = SeriesKey(Fact.SPEND, EUR, "deployments.apps/chat")


def of(name, start, end, rate="6"):
    """What one workload is charged."""
    key = SeriesKey(Fact.SPEND, EUR, name)
    return Charge(key, Span(start, end), money(rate))


class TestWorkloads:
    def test_the_current_and_the_previous_hour_are_fine_and_older_ones_are_hours(self):
        ledger = recorded(Ledger(), [of(CHAT.workload, NOW, NOW + 3 * HOUR)], NOW + 3 * HOUR, GRID)

        assert [b.length for b in ledger.series[CHAT]] == [HOUR, HOUR, *[FIVE] * 12]
        assert spent(ledger, CHAT, Span(NOW, NOW + 3 * HOUR)) == 18

    def test_they_are_forgotten_after_36_hours(self):
        ledger = recorded(Ledger(), [of(CHAT.workload, NOW, NOW + HOUR)], NOW + HOUR, GRID)

        soon = recorded(ledger, [], NOW + 37 * HOUR, GRID)
        late = recorded(soon, [], NOW + 38 * HOUR, GRID)

        assert (set(soon.series), set(late.series)) == ({CHAT}, set())

    def test_short_windows_make_them_no_finer(self):
        grid = grid_for((Span(NOW, NOW + HOUR),), SECOND)

        ledger = recorded(Ledger(), [of(CHAT.workload, NOW, NOW + HOUR)], NOW + HOUR, grid)

        assert len(ledger.series[CHAT]) == 12

    def test_those_that_are_too_many_are_counted_as_one(self, monkeypatch):
        monkeypatch.setattr("plafond.account.ledger.MOST_WORKLOADS", 2)
        charges = [of(name, NOW, NOW + FIVE) for name in ("c", "a", "b", "d")]

        ledger = recorded(Ledger(), charges, NOW + FIVE, GRID)

        found = {key.workload: spent(ledger, key, Span(NOW, NOW + HOUR)) for key in ledger.series}
        assert found == {"a": money("0.5"), "b": money("0.5"), "others": 1}

    def test_they_are_rounded_to_nine_digits(self):
        ledger = recorded(Ledger(), [of(CHAT.workload, NOW, NOW + SECOND, "1")], NOW + FIVE, GRID)

        assert ledger.series[CHAT][0].value == money("0.000277778")
