"""Filling from history: what counters tell, what of it is better than what is held already."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import EUR, HOUR, MINUTE, NOW, money

from plafond.account.filling import filled
from plafond.account.ledger import Charge, Grid, recorded, spent
from plafond.account.told import told
from plafond.model.history import Counter, History, Point
from plafond.model.ledger import Fact, Ledger, SeriesKey
from plafond.model.window import Span

SPEND = SeriesKey(Fact.SPEND, EUR)
OPENED = NOW - HOUR
ALL = Span(OPENED, NOW)


def counter(*values, unit=EUR):
    """A counter at every tenth minute from the window's start on; None where there is no sample."""
    return Counter(
        unit,
        tuple(
            Point(OPENED + index * 10 * MINUTE, money(value))
            for index, value in enumerate(values)
            if value is not None
        ),
    )


def history(*counters, begins=OPENED - HOUR):
    return History(OPENED, timedelta(minutes=10), begins, counters)


def by_step(found):
    """What is told by step: how many steps after the window's start, how much, and how surely."""
    return [
        ((each.span.start - OPENED) // (10 * MINUTE), each.value, each.in_part)
        for run in found
        for each in run
    ]


@pytest.mark.parametrize(
    ("counters", "steps"),
    [
        pytest.param(
            [counter("5", "6", "8", "9")],
            [(0, 1, False), (1, 2, False), (2, 1, True)],
            id="a counter that goes on says what each step cost, its last perhaps in part",
        ),
        pytest.param(
            [counter("5", "6", "8", "1", "3", "4")],
            [(0, 1, False), (1, 2, True), (2, 1, True), (3, 2, False), (4, 1, True)],
            id="one that falls began anew",
        ),
        pytest.param(
            [counter("5", "6", "8"), counter(None, None, None, "1", "3")],
            [(0, 1, False), (1, 2, True), (2, 1, True), (3, 2, True)],
            id="so does another process",
        ),
        pytest.param(
            [counter("5", "6", None, None, "9", "10")],
            [(0, 1, False), (1, 1, True), (2, 1, True), (3, 1, True), (4, 1, True)],
            id="where samples are missing, what accrued is spread",
        ),
        pytest.param([counter("5")], [], id="one sample alone says nothing"),
    ],
)
def test_what_counters_tell(counters, steps):
    assert by_step(told(history(*counters), EUR, NOW)) == steps


def test_the_first_sample_that_is_kept_at_all_is_no_increase():
    # It may be what is left of a year, of which Prometheus keeps two weeks.
    first = history(counter(None, "70", "71"), begins=OPENED + 10 * MINUTE)
    later = history(counter(None, "70", "71"))

    assert by_step(told(first, EUR, NOW)) == [(1, 1, True)]
    assert by_step(told(later, EUR, NOW)) == [(0, 70, True), (1, 1, True)]


def test_nothing_is_told_of_what_was_counted():
    # Counting began 15 minutes into the window: half of the second step.
    found = told(history(counter("5", "6", "8", "9")), EUR, OPENED + 15 * MINUTE)

    assert by_step(found) == [(0, 1, False), (1, 1, True)]


def test_what_is_seen_late_was_spent_before():
    seen = replace(history(counter("5", "6", "8")), lag=5 * MINUTE)

    ((first, _),) = told(seen, EUR, NOW)
    assert first.span == Span(OPENED - 5 * MINUTE, OPENED + 5 * MINUTE)


def ledger(*charges):
    """What passes have counted: (start, end, rate)."""
    made = [Charge(SPEND, Span(start, end), money(rate)) for start, end, rate in charges]
    return recorded(Ledger(), made, NOW, Grid(5 * MINUTE, (OPENED,)))


def test_an_empty_ledger_takes_what_history_tells():
    found = filled(Ledger(NOW), history(counter("5", "6", "8", "9")), NOW, Grid(5 * MINUTE))

    assert spent(found, SPEND, ALL) == 4
    assert spent(found, SPEND, Span(OPENED, OPENED + 10 * MINUTE)) == 1
    assert found.as_of == NOW


def test_what_both_have_counted_counts_once():
    # One of two pods is still there: it was charged from its own start, at 3.00 an hour.
    still_there = ledger((OPENED, NOW, "3"))
    both = history(counter("5", "6", "7", "8", "9", "10", "11"))

    found = filled(still_there, both, NOW, Grid(5 * MINUTE, (OPENED,)))

    assert spent(still_there, SPEND, ALL) == 3
    assert spent(found, SPEND, ALL) == 6


def test_filling_twice_is_filling_once():
    once = filled(ledger((OPENED, NOW, "3")), history(counter(*"5678")), NOW, Grid(5 * MINUTE))

    assert filled(once, history(counter(*"5678")), NOW, Grid(5 * MINUTE)) == once


def test_what_nobody_saw_but_a_pod_that_is_still_there_stays():
    # The operator was dead from the third step on: 3.00 an hour for the last 40 minutes.
    found = filled(
        ledger((OPENED, NOW, "3")), history(counter("5", "6", "7")), NOW, Grid(5 * MINUTE)
    )

    assert spent(found, SPEND, ALL) == 1 + 1 + 2


def test_a_history_that_knows_less_takes_nothing_away():
    # Prices were unknown when it was counted, and became known while the pod was there.
    found = filled(
        ledger((OPENED, NOW, "6")), history(counter("5", "5.1", "5.2")), NOW, Grid(5 * MINUTE)
    )

    assert spent(found, SPEND, ALL) == 6


def test_what_was_spent_before_the_window_stays_before_it():
    before = ledger((OPENED - HOUR, OPENED, "6"))

    found = filled(before, history(counter("5", "6", "7")), NOW, Grid(5 * MINUTE, (OPENED,)))

    assert spent(found, SPEND, ALL) == 2
    assert spent(found, SPEND, Span(OPENED - HOUR, OPENED)) == 6
