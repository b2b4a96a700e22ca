"""The status of a policy: its own budgets and targets, in the words of its schema."""

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.builders import (
    HOUR,
    NOW,
    budget,
    money,
    no_floors,
    node_price,
    policy,
    rolling,
    sheet,
    target,
    workload,
)
from tests.unit.report.support import part_of

from plafond.api.cost_policy_status import MAX_STATUS_TARGETS, CostPolicyStatus
from plafond.decide.pace import Pace
from plafond.model.memory import PacePlan
from plafond.model.policy import Mode
from plafond.report.status import empty_status, judged_status, news_of, wavering


def test_a_status_says_where_the_policy_stands():
    # Three replicas at 4.00 for an hour are 12.00 of 1000.
    status = judged_status(part_of())

    assert status.pop("summary").startswith("budget launch: 12.00 EUR of 1000.00 EUR")
    assert status.pop("carriedRatePerHour").endswith(" EUR")
    (chat, embedder) = status.pop("targets")
    assert {key: chat[key] for key in ("name", "observedReplicas", "desiredReplicas")} == {
        "name": "chat",
        "observedReplicas": 2,
        "desiredReplicas": 2,
    }
    assert (embedder["kind"], embedder["group"], embedder["class"]) == (
        "Deployment",
        "apps",
        "Warm",
    )
    assert status == {
        "spentPercent": 1,
        "spent": "12.00 EUR",
        "forecastPercent": 12,
        "burnRatePerHour": "12.00 EUR",
        "targetCount": 2,
        "budgets": [
            {
                "name": "launch",
                "unit": "EUR",
                "limit": "1000",
                "spent": "12",
                "remaining": "988",
                "usedPercent": 1,
                "windowStart": "2026-11-16T11:00:00Z",
                "windowEnd": "2026-11-16T21:00:00Z",
                # A 24th of ten hours are 25 minutes: 988 / (25/60).
                "carriedRatePerHour": "2371.2",
                "demandSeen": "Whole",
                # Three replicas at 4.00 for nine more hours.
                "forecastBasis": "DemandNow",
                "forecast": "120",
                "forecastPercent": 12,
            }
        ],
    }


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(part_of, id="a budget"),
        pytest.param(lambda: part_of(policy()), id="none"),
        pytest.param(lambda: part_of(policy(budgets=(budget("10"),))), id="exhausted"),
        pytest.param(lambda: part_of(policy(budgets=(budget("0.000001"),))), id="by far"),
        pytest.param(lambda: part_of(policy(mode=Mode.OBSERVE)), id="observed"),
        pytest.param(lambda: part_of(sheets=()), id="left alone"),
    ],
)
def test_every_status_fits_the_schema(part):
    status = {key: value for key, value in judged_status(part()).items() if value is not None}

    CostPolicyStatus.model_validate(status)


def test_what_is_no_longer_true_is_taken_back():
    with_budget, without = judged_status(part_of()), judged_status(part_of(policy()))

    assert with_budget.keys() == without.keys() == empty_status("x").keys()
    assert without["spentPercent"] is without["spent"] is without["carriedRatePerHour"] is None
    assert without["budgets"] == []


def test_a_policy_in_a_merged_set_speaks_for_itself():
    ours = policy("limits", targets=(target("chat"),), budgets=(budget("100"),))
    theirs = policy("x", targets=(target("embedder"),), budgets=(budget("13", name="other"),))

    mine, other = (
        judged_status(part_of(ours, theirs)),
        judged_status(part_of(ours, theirs, name="x")),
    )

    assert [b["name"] for b in mine["budgets"]] == ["launch"]
    assert ([t["name"] for t in mine["targets"]], mine["targetCount"]) == (["chat"], 1)
    # 12 of 100, and 12 of 13.
    assert (mine["spentPercent"], other["spentPercent"]) == (12, 92)
    assert mine["carriedRatePerHour"] != other["carriedRatePerHour"]


def test_more_targets_than_fit_are_counted():
    many = tuple(workload(f"w{n:03}", 0) for n in range(MAX_STATUS_TARGETS + 6))

    status = judged_status(part_of(workloads=many))

    assert (len(status["targets"]), status["targetCount"]) == (64, 70)


def test_amounts_alone_are_no_news():
    now = judged_status(part_of())
    budgets = [{**now["budgets"][0], "spent": "12.5", "remaining": "987.5"}]
    later = {**now, "spent": "12.50 EUR", "summary": "other words", "budgets": budgets}

    assert news_of(later) == news_of(now)


@pytest.mark.parametrize(
    "change",
    [
        {"spentPercent": 2},
        {"targetCount": 3},
        {"targets": []},
        {"budgets": []},
    ],
)
def test_percentages_counts_and_targets_are_news(change):
    now = judged_status(part_of())

    assert news_of({**now, **change}) != news_of(now)


def test_a_window_that_follows_on_is_news_at_the_same_percentage():
    first = judged_status(part_of())
    budgets = [{**first["budgets"][0], "windowEnd": "2026-12-01T00:00:00Z"}]

    assert news_of({**first, "budgets": budgets}) != news_of(first)


def rolling_status(spent="12"):
    status = judged_status(part_of(policy(budgets=(budget("1000", window=rolling()),))))
    return {**status, "budgets": [{**status["budgets"][0], "spent": spent}]}


def test_a_window_that_rolls_on_neither_begins_nor_ends():
    (said,) = rolling_status()["budgets"]

    assert said.keys().isdisjoint({"windowStart", "windowEnd"})
    assert said["usedPercent"] == 1


def test_what_a_rolling_window_holds_is_compared_exactly_and_not_by_its_whole_percents():
    now, later = rolling_status(), {**rolling_status("25"), "spentPercent": 2}

    assert news_of(later) == news_of(now)
    # 12 and 25 of 1000; and three replicas at 4.00 for a day are 288.
    assert percents(now) == {"used launch": Decimal("1.2"), "forecast launch": Decimal("28.8")}
    assert percents(later) == {"used launch": Decimal("2.5"), "forecast launch": Decimal("28.8")}
    assert percents(judged_status(part_of())) == {"forecast launch": 12}


def percents(status):
    return {name: each.percent for name, each in wavering(status).items()}


@pytest.mark.parametrize(
    ("before", "after", "is_news"),
    [
        pytest.param("120", "129", False, id="less than a percent of the limit"),
        pytest.param("120", "130", True, id="a percent"),
        # A twentieth of 2000 is 100, which is ten percent of the limit.
        pytest.param("2000", "2099", False, id="less than a twentieth of itself"),
        pytest.param("2000", "1900", True, id="a twentieth"),
    ],
)
def test_a_forecast_is_news_when_it_is_another_one(before, after, is_news):
    status = judged_status(part_of())
    one, other = (
        wavering({**status, "budgets": [{**status["budgets"][0], "forecast": each}]})
        for each in (before, after)
    )

    assert one["forecast launch"].is_left_by(other["forecast launch"]) is is_news


def test_a_forecast_that_was_not_known_before_is_news():
    now = judged_status(part_of())
    (known,) = now["budgets"]
    unknown = {key: value for key, value in known.items() if not key.startswith("forecast")}

    assert news_of({**now, "budgets": [unknown]}) != news_of(now)


def test_under_pressure_a_status_says_when_the_limit_would_be_reached_and_what_comes_instead():
    # 12 of 66 are spent; twelve an hour for nine hours would be 120, and 54 are left for them.
    (said,) = judged_status(part_of(policy(budgets=(budget("66"),), classes=no_floors())))[
        "budgets"
    ]

    assert (said["forecast"], said["forecastPercent"]) == ("120", 181)
    assert said["exhaustedAt"] == "2026-11-16T16:30:00Z"
    # Nothing here can run fuller, so what lasts is spent: 54 / 9 an hour.
    assert said["expected"] == "66"


def test_a_forecast_comes_with_its_band_and_without_a_price_there_is_none():
    part = part_of()
    (judged,) = part.judgement.pace.budgets
    plan = PacePlan(NOW, NOW + 9 * HOUR, money("1000"), None, None, money("300"), money("0.1"))
    planned = replace(judged, plan=plan)
    found = replace(part, judgement=replace(part.judgement, pace=Pace((planned,))))

    (said,) = judged_status(found)["budgets"]
    (unpriced,) = judged_status(part_of(sheets=(sheet(node_price(cpu="1")),)))["budgets"]

    # 12 are spent, and 300 are to come, by a factor of e^0.1 more or less.
    assert said["forecastBasis"] == "Forecast"
    band = [said[f"forecast{which}"] for which in ("", "Low", "High")]
    assert band == ["312", "283.451225", "343.551275"]
    assert not [field for field in unpriced if field.startswith(("forecast", "exhausted"))]
