from decimal import Decimal

import pytest
from tests.unit.simulate.support import MODEL, two_weeks, window

from plafond.simulate import contest
from plafond.simulate.baselines import Unconstrained
from plafond.simulate.benchmark import case_of, weeks_of
from plafond.simulate.contest import Row, entries, row_of, rows_of
from plafond.simulate.growth import Population, flat_from, scale_of
from plafond.simulate.play import play
from plafond.simulate.sensitivity import variants
from plafond.simulate.traces import read_trace

NAMES = [
    "plafond",
    "hpa-until-gone",
    "static-max-replicas",
    "remaining-over-time-left",
    "clairvoyant",
]


@pytest.fixture
def case():
    return case_of(window(40.0, 10.0, 60.0, 20.0, before=(30.0,) * 60), MODEL)


def test_a_budget_is_a_share_of_what_the_window_costs_without_a_limit(case):
    assert case.unlimited == play(case.window, MODEL, Unconstrained()).spent
    assert case.budget(Decimal(70)) == case.unlimited * Decimal("0.7")


def test_everybody_governs_the_same_window_under_the_same_limit(case):
    rows = tuple(rows_of(entries(case, (Decimal(70),), compare=True)))

    assert [row.name for row in rows] == NAMES
    assert {row.limit for row in rows} == {case.budget(Decimal(70))}
    assert rows[-1].score == 1.0
    assert all(row.served_tokens <= rows[-1].clairvoyant for row in rows[1:])


def test_without_comparison_the_core_plays_alone(case):
    listed = entries(case, (Decimal(90), Decimal(50)), compare=False)

    assert [(each.name, each.percent) for each in listed] == [("plafond", 90), ("plafond", 50)]


def test_runs_that_share_processors_tell_how_far_they_are_before_one_is_over(monkeypatch):
    monkeypatch.setattr(contest, "cpu_count", lambda: 2)
    monkeypatch.setattr(contest, "LOOK_SECONDS", 0.02)
    case = case_of(window(*[40.0, 10.0] * 180, before=(30.0,) * 60), MODEL)
    told = []

    rows = tuple(
        rows_of(
            entries(case, (Decimal(90), Decimal(50)), compare=False),
            lambda done, of: told.append((done, of)),
        )
    )

    assert [row.percent for row in rows] == [90, 50]
    # A thousand parts of each of the two.
    assert {of for _, of in told} == {2000}
    assert told == sorted(told)
    assert [done for done, _ in told if 0 < done < 1000]


def test_who_could_buy_nothing_has_missed_nothing(case):
    assert Row("plafond", Decimal(1), Decimal(0), 0.0, None).score == 1.0


def test_every_other_world_has_the_limit_of_the_one_that_was_planned(tmp_path):
    trace = read_trace(two_weeks(tmp_path / "t.csv"))
    case = case_of(weeks_of(trace), MODEL)

    found = {each.name: each for each in variants(case, trace, Decimal(70))}

    assert {each.limit for each in found.values()} == {case.budget(Decimal(70))}
    assert found["replicas start in 600 s"].case.model.start_s == 600
    assert found["everything is seen 0 s late"].case.model.lag_s == 0
    assert found["history of 0 days"].case.window.first == 0
    assert found["history of one day"].case.window.first == 24
    # The 20 tokens/s of a night are 200 from the fourth day on.
    grown = found["tenant team grows tenfold over night"].case.window
    assert (grown.demand(0), grown.demand(3 * 86_400)) == (20.0, 200.0)
    # What is believed to serve 12.5 serves 10, so its target is 8.75.
    misjudged = found["a replica serves 20 % less than assumed"].case.model
    assert misjudged.target == pytest.approx(8.75)


def test_prices_that_double_are_paid_and_the_limit_is_kept(case):
    dearer = case.model.__class__(10.0, later_price=Decimal(6), changes_at_s=120)
    other = case.__class__(case.window, dearer, case.unlimited)

    row = row_of(entries(other, (Decimal(70),), compare=False)[0])

    assert row.run.steps[-1].cost == row.run.steps[-1].replicas * Decimal("0.025")
    assert row.run.spent <= row.limit


def test_a_larger_population_costs_less_per_token():
    of = window(*[30.0, 60.0] * 60)
    people = Population(100, requests_per_s=2.0)

    scales = tuple(scale_of(times, people, of, MODEL) for times in (0.1, 1, 10))

    prices = [scale.per_million_tokens for scale in scales]
    assert prices == sorted(prices, reverse=True)
    assert [scale.users for scale in scales] == [10, 100, 1000]
    # Two requests a second for two hours, ten times.
    assert scales[-1].requests == 2.0 * 10 * 7200
    assert flat_from(scales) >= 1


def test_the_same_population_asks_for_the_same_twice():
    of, people = window(30.0, 60.0), Population(100, 2.0)

    assert scale_of(3, people, of, MODEL) == scale_of(3, people, of, MODEL)
