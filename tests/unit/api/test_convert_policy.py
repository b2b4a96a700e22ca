"""A CostPolicy means what it says, and says which field means nothing."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from tests.unit.api.examples import ABSENT, DAY_ONE, FULL, edited

from plafond.api.convert_policy import parse_cost_policy
from plafond.model.budget import Budget, OnExhausted
from plafond.model.labels import LabelSelector, Operator, Requirement
from plafond.model.meters import Meter
from plafond.model.money import GPU_HOURS, TOKENS, Amount
from plafond.model.policy import (
    Ceilings,
    ClassRule,
    CostPolicy,
    InvalidPolicy,
    LatencyTarget,
    Mode,
    Scaling,
    Target,
)
from plafond.model.window import CalendarWindow, FixedWindow, Period, RollingWindow
from plafond.model.workload import WorkloadClass

MONTH = Budget(
    "month",
    Amount(Decimal("12000.00"), "EUR"),
    CalendarWindow(Period.MONTHLY, "Europe/Berlin"),
    OnExhausted.KEEP_FLOORS,
)


def test_day_one():
    assert parse_cost_policy(DAY_ONE) == CostPolicy(
        namespace="team-a",
        name="team-a",
        uid="u-1",
        generation=3,
        mode=Mode.OBSERVE,
        currency="EUR",
        budgets=(MONTH,),
    )


def test_everything():
    labels = LabelSelector(
        {"app.kubernetes.io/part-of": "inference"},
        (
            Requirement("team", Operator.IN, frozenset({"a", "b"})),
            Requirement("retired", Operator.DOES_NOT_EXIST),
        ),
    )
    launch = Budget(
        "launch",
        Amount(Decimal(12000), GPU_HOURS),
        FixedWindow(datetime(2026, 12, 1, tzinfo=UTC), timedelta(hours=240)),
        OnExhausted.STOP_ALL,
    )
    day = Budget(
        "day",
        Amount(Decimal("600.00"), "EUR"),
        RollingWindow(timedelta(hours=24)),
        OnExhausted.KEEP_FLOORS,
    )
    tokens = Budget(
        "day-tokens",
        Amount(Decimal(250_000_000), TOKENS),
        CalendarWindow(Period.DAILY),
        OnExhausted.KEEP_FLOORS,
    )

    assert parse_cost_policy(FULL) == CostPolicy(
        namespace="team-a",
        name="team-a",
        uid="u-1",
        generation=3,
        mode=Mode.ENFORCE,
        currency="EUR",
        targets=(
            Target("apps", "Deployment", name="llm"),
            Target("apps", "Deployment", selector=labels),
        ),
        budgets=(MONTH, launch, day, tokens),
        ceilings=Ceilings(
            40, {"nvidia.com/gpu": Decimal(24)}, Decimal("45.00"), Decimal(40_000_000)
        ),
        classes=(
            ClassRule(WorkloadClass.HOT, LabelSelector({"tier": "hot"}), 2, 12, 75),
            # Cold needs nothing by itself, and is refused peaks at 85 %.
            ClassRule(WorkloadClass.COLD, LabelSelector({"tier": "cold"}), 0, None, 85),
        ),
        scaling=Scaling(
            70,
            Decimal(24),
            scale_down_stabilization=timedelta(minutes=5),
            latency=LatencyTarget(Meter.LATENCY_P95, timedelta(seconds=2)),
        ),
    )


@pytest.mark.parametrize(("name", "floor"), [("Hot", 1), ("Warm", 1), ("Cold", 0)])
def test_a_class_that_names_no_floor_has_the_one_of_its_class(name, floor):
    policy = parse_cost_policy(edited(FULL, "spec.classes", [{"name": name, "selector": {}}]))

    assert isinstance(policy, CostPolicy)
    assert policy.classes[0].min_replicas == floor


def test_a_calendar_without_time_zone_is_in_utc():
    policy = parse_cost_policy(edited(DAY_ONE, "spec.budgets.0.window.timeZone", ABSENT))

    assert isinstance(policy, CostPolicy)
    assert policy.budgets[0].window == CalendarWindow(Period.MONTHLY, "UTC")


WINDOW = "spec.budgets[0].window"


@pytest.mark.parametrize(
    ("path", "value", "field", "words"),
    [
        *(
            pytest.param(
                "spec.budgets.0.window.timeZone",
                zone,
                f"{WINDOW}.timeZone",
                "is not an IANA time zone",
                id=f"time zone {zone}",
            )
            for zone in ("Europe/Berln", "Mars/Base", "Europe", "../passwd", "CET+1", "localtime")
        ),
        pytest.param(
            "spec.budgets.0.window",
            {"type": "Fixed", "start": "2026-02-30T00:00:00Z", "duration": "1h"},
            f"{WINDOW}.start",
            "is not a moment",
            id="a day that does not exist",
        ),
        *(
            pytest.param(
                "spec.budgets.0.window",
                {"type": "Fixed", "start": f"{year}-12-01T00:00:00Z", "duration": "99999h"},
                f"{WINDOW}.start",
                "in the years 1970 to 2999",
                id=f"a window of the year {year}",
            )
            for year in ("0001", "1969", "3000", "9999")
        ),
        pytest.param(
            "spec.budgets.0.window",
            {"type": "Fixed", "start": "2026-12-01T00:00:00Z", "duration": "0s"},
            f"{WINDOW}.duration",
            "greater than zero",
            id="an empty window",
        ),
        pytest.param(
            "spec.budgets.0.window", {"type": "Fixed"}, WINDOW, "start and duration", id="no start"
        ),
        pytest.param(
            "spec.budgets.0.window",
            {"type": "Calendar"},
            f"{WINDOW}.period",
            "period must be given",
            id="no period",
        ),
        pytest.param(
            "spec.budgets.0.window",
            {"type": "Rolling"},
            WINDOW,
            "duration must be given",
            id="a rolling window of no length",
        ),
        *(
            pytest.param(
                "spec.budgets.0.window",
                {"type": "Rolling", "duration": length},
                f"{WINDOW}.duration",
                "between 5m and 744h (31 days)",
                id=f"a rolling window of {length}",
            )
            for length in ("4m59s", "744h1s")
        ),
        pytest.param(
            "spec.budgets.0.limit", {}, "spec.budgets[0].limit", "exactly one", id="no limit"
        ),
        pytest.param(
            "spec.budgets.0.limit.cost",
            "0",
            "spec.budgets[0].limit.cost",
            "greater than zero",
            id="a limit of zero",
        ),
        pytest.param(
            "spec.budgets.0.limit.cost",
            12.5,
            "spec.budgets[0].limit.cost",
            "valid string",
            id="a float",
        ),
        pytest.param(
            "spec.currency", ABSENT, "spec.currency", "must be given", id="no currency"
        ),
        pytest.param(
            "spec.targets",
            [{"group": "apps", "kind": "Deployment"}],
            "spec.targets[0]",
            "exactly one of name and selector",
            id="a target that is nothing",
        ),
        pytest.param(
            "spec.batch", {}, "spec.batch", "not permitted", id="a limit of a newer version"
        ),
        pytest.param("spec", ABSENT, "spec", "must limit or scale", id="no spec"),
        pytest.param("spec", {"mode": "Enforce"}, "spec", "must limit or scale", id="empty"),
    ],
)  # fmt: skip
def test_what_slips_through_names_its_field(path, value, field, words):
    policy = parse_cost_policy(edited(DAY_ONE, path, value))

    assert isinstance(policy, InvalidPolicy)
    assert policy.field == field
    assert words in policy.why
    assert (policy.namespace, policy.name, policy.generation) == ("team-a", "team-a", 3)
