"""What a window comes to: by a forecast, or by the demand of now; in full, and as it is planned."""

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.builders import HOUR, MINUTE, NOW, node_price, sheet
from tests.unit.decide.support import decided
from tests.unit.decide.test_horizon import means, plan, position, steady
from tests.unit.decide.test_pace import paced, ten_hours
from tests.unit.decide.test_rolling import plan as rolling_plan
from tests.unit.decide.test_rolling import world as rolling_world

from plafond.decide.horizon import planned
from plafond.decide.outlook import outlook, outlooks
from plafond.decide.pace import BudgetPace
from plafond.model.gap import Gap
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.model.settings import Timing


def of(limit):
    (found,) = paced(ten_hours(limit))[1].pace.budgets
    return outlook(found)


# Ten replicas at 4.00 that demand needs, for ten hours: 400, and 40 were spent before.


def test_without_a_forecast_demand_stays_as_it_is_and_nobody_knows_how_wrong_that_is():
    found = of("40")

    assert (found.spend, found.error, found.is_forecast) == (400, None, False)
    assert (found.expected, found.gone_at, found.made_at) == (400, None, NOW)


def test_what_is_squeezed_is_planned_to_cost_less_than_all_demand():
    # Nine replicas at 78 %: 36 an hour.
    found = of("36")

    assert (found.spend, found.expected) == (400, 360)
    assert found.gone_at == NOW + 9 * HOUR


def test_what_is_clipped_is_planned_to_cost_what_there_is():
    found = of("20")

    assert (found.spend, found.expected) == (400, 200)
    # 200 / 40.
    assert found.gone_at == NOW + 5 * HOUR


def test_a_forecast_says_how_far_off_it_may_be():
    made = plan(4000)
    stands = position(4000, spend=0)

    found = outlook(BudgetPace(stands, *[Decimal(0)] * 4, None, is_clipped=False, plan=made))

    # A week at 10 an hour; the first three errors of a week are taken from what is usual.
    assert (found.spend, found.expected, found.gone_at) == (1680, 1680, None)
    assert found.error == 1680 * made.error > 0
    assert found.is_forecast


def test_of_a_plan_that_is_some_minutes_old_what_lies_ahead_is_a_part():
    made = plan(4000)
    later = position(4000, spend=20, now=made.at + 4 * MINUTE)

    found = outlook(BudgetPace(later, *[Decimal(0)] * 4, None, is_clipped=False, plan=made))

    # 1680 for 10080 minutes, and four of them are over.
    assert found.spend == pytest.approx(20 + Decimal(1680) * 10076 / 10080)
    assert found.made_at == made.at


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        pytest.param(4000, 1680, id="no pressure"),
        # Replicas run at 98 %, against a dearer week: 1680 x 70 / 98.
        pytest.param(1200, 1200, id="squeezed"),
        # Full replicas cost 1176; what is above 1150 is refused only when it is certain.
        pytest.param(1150, 1150, id="short if it comes as forecast"),
        pytest.param(500, 500, id="clipped"),
    ],
)
def test_a_plan_says_what_will_be_spent_under_it(limit, expected):
    assert plan(limit).expected == pytest.approx(Decimal(expected), rel=Decimal("0.001"))


def test_what_is_promised_is_spent_in_any_case():
    # Four an hour for floors and two that cannot be scaled, for 168 hours.
    assert plan(500, floors=4, reserved=2).expected == 1008


def test_a_plan_says_when_all_demand_would_reach_the_limit_to_the_minute():
    made = plan(500)

    # 10 an hour: 50 hours from then.
    assert made.at + 50 * HOUR <= made.gone_at <= made.at + 50 * HOUR + MINUTE
    assert plan(4000).gone_at is None


def test_the_hours_of_the_day_count_for_when_the_limit_is_reached():
    # Nothing by night, 20 an hour in the twelve hours that begin now.
    start = position(1).now
    buckets = tuple(
        Bucket(start - n * HOUR, HOUR, Decimal(20 if (24 - n % 24) % 24 < 12 else 0))
        for n in range(7 * 24, 0, -1)
    )
    ledger = Ledger(start, {SeriesKey(Fact.DEMAND, "EUR"): buckets})

    found = planned(position(300), ledger, means, None, Timing())

    # 240 until noon, nothing until midnight, and 60 more by three.
    assert found.gone_at == pytest.approx(start + 27 * HOUR, abs=2 * MINUTE)


def test_a_rolling_window_is_exhausted_before_something_falls_out_or_not_at_all():
    # 100 are free; 2000 fall out in 20 hours, or in five.
    late = rolling_plan(2100, (20 * HOUR, 2000))
    soon = rolling_plan(2100, (5 * HOUR, 2000))

    assert late.at + 10 * HOUR <= late.gone_at <= late.at + 10 * HOUR + MINUTE
    assert soon.gone_at is None
    # 100 outlast the five hours until there are 600: they are spent after sixty.
    then = rolling_plan(600, (5 * HOUR, 500))
    assert then.at + 60 * HOUR <= then.gone_at <= then.at + 60 * HOUR + MINUTE


def test_a_rolling_window_comes_to_what_is_spent_in_all_of_it_that_begins_now():
    _, judgement, _ = decided(rolling_world("400", (HOUR, 100), replicas=10))

    (found,) = outlooks(judgement).values()

    # Ten hours at 40; the 100 of an hour ago are out by then.
    assert found.spend == 400


def test_an_unknown_price_is_a_gap_and_not_a_forecast_of_nothing():
    _, judgement, _ = paced(ten_hours("40"), sheets=(sheet(node_price(cpu="1")),))

    (found,) = outlooks(judgement).values()

    assert found == Gap("some of what runs has no price in EUR")


def test_demand_that_cannot_be_read_does_not_stay_as_it_is():
    world = rolling_world("400", replicas=10)

    (found,) = outlooks(decided(replace(world, meters={}))[1]).values()

    assert isinstance(found, Gap)


def test_steady_demand_forecasts_the_same_whenever_it_is_looked_at():
    first = plan(4000)
    later = planned(
        position(4000, spend=10, now=first.at + HOUR),
        Ledger(first.at + HOUR, steady(10).series),
        means,
        None,
        Timing(),
    )

    assert 10 + later.forecast == pytest.approx(first.forecast, rel=Decimal("0.001"))
