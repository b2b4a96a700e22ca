from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from tests.unit.simulate.support import MODEL, two_weeks, window

from plafond.model.ledger import Fact, SeriesKey
from plafond.simulate.benchmark import CURRENCY, START, Case, case_of, core_for, weeks_of
from plafond.simulate.errors import SimulationError
from plafond.simulate.history import history_of
from plafond.simulate.observing import Observe
from plafond.simulate.play import play
from plafond.simulate.traces import read_trace


def test_what_the_cores_ledger_counts_is_what_the_world_paid():
    of, watched = window(30.0, 60.0, 10.0, 40.0, before=(30.0,) * 60), []
    case = Case(of, MODEL, Decimal("0.9"))

    run = play(of, MODEL, core_for(case, Decimal("0.9"), lambda _, found: watched.append(found)))

    spends = [found.judgements[0].account.positions[0].spend.value for found in watched]
    paid = [sum((step.cost for step in run.steps[:n]), Decimal(0)) for n in range(len(run.steps))]
    assert spends == paid
    assert run.starts > 0


def test_the_history_is_what_the_autoscaler_asked_for_hour_by_hour():
    # 21 tokens/s are three replicas of 7 at target: 9.00 an hour; at first there is one lag.
    of = window(5.0, before=(21.0,) * 120)

    ledger = history_of(of, MODEL, CURRENCY, START)

    demand = ledger.series[SeriesKey(Fact.DEMAND, CURRENCY)]
    assert [bucket.value for bucket in demand] == [Decimal(9), Decimal(9)]
    assert (demand[-1].end, ledger.as_of) == (START, START)


def test_a_window_without_history_has_an_empty_ledger():
    assert not history_of(window(5.0), MODEL, CURRENCY, START).series


def test_the_second_week_is_played_and_the_first_is_its_history(tmp_path):
    of = weeks_of(read_trace(two_weeks(tmp_path / "t.csv")))

    assert (of.first, of.last, of.steps) == (168, 336, 7 * 86_400 // 15)
    assert of.history.steps == of.steps


def test_a_trace_of_one_week_has_nothing_to_play(tmp_path):
    path = tmp_path / "t.csv"
    lines = two_weeks(path).read_text().splitlines()
    path.write_text("\n".join(lines[: 7 * 24 + 1]))

    with pytest.raises(SimulationError, match=r"expected two weeks of demand.*after 7.0 days"):
        weeks_of(read_trace(path))


def test_a_limit_is_kept_and_nobody_is_ever_in_the_dark():
    of = window(*[60.0, 20.0] * 15, before=(40.0,) * 60)
    case = case_of(of, MODEL)
    limit = case.budget(Decimal(60))

    run = play(of, MODEL, core_for(case, limit))

    assert run.spent <= limit * Decimal("1.001")
    assert run.dark_minutes == 0


def test_where_replicas_were_full_the_history_is_a_lower_bound():
    # 14 then 42 tokens/s: at first two replicas of ten are full, until more have started.
    of = window(5.0, before=(14.0,) * 60 + (42.0,) * 60)
    served = replace(MODEL, observe=Observe.SERVED)

    ledger = history_of(of, served, CURRENCY, START)

    censored = ledger.series[SeriesKey(Fact.CENSORED, CURRENCY)]
    assert [START - bucket.start for bucket in censored] == [timedelta(hours=1)]
    assert 0 < censored[0].value < ledger.series[SeriesKey(Fact.DEMAND, CURRENCY)][-1].value
    assert SeriesKey(Fact.CENSORED, CURRENCY) not in history_of(of, MODEL, CURRENCY, START).series
