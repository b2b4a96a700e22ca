"""A pass is reported: who is told what, what is told once, and what holds nothing up."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import (
    HOUR,
    NOW,
    SECOND,
    SETTINGS,
    TEAM,
    budget,
    concurrency,
    disruption_budget,
    namespace,
    pods_of,
    policy,
    readings,
)
from tests.integration.fakes import objects as made
from tests.integration.fakes.kubernetes_api import FakeKubernetes, failing, hanging, running
from tests.unit.report.support import CHAT, EMBEDDER, world

from plafond.api.writer import ApiWriter, Result, WriteTimeouts
from plafond.decide.evaluate import evaluate
from plafond.decide.plan import ScaleTo, SetCeilings
from plafond.model.gap import Gap
from plafond.model.meters import MeterReading
from plafond.model.policy import Ceilings, InvalidPolicy, Mode
from plafond.report.attempt import Attempt
from plafond.report.metrics import Metrics
from plafond.report.reporter import Reporter, ReportSettings

STATUS = "/apis/plafond.dev/v1alpha1/namespaces/{}/costpolicies/{}/status"
LATER = timedelta(seconds=30)


@pytest.fixture
async def fake():
    fake = FakeKubernetes()
    fake.put(made.POLICIES, made.policy("limits"))
    fake.put(made.PRICES, made.price_sheet("prices"))
    return fake


@pytest.fixture
async def opened(fake):
    """Return reporters that tell for no longer than so many seconds."""
    async with running(fake) as client:
        writer = ApiWriter(client, "plafond", WriteTimeouts(20, 20))

        def open_(longest=20.0):
            excluded = frozenset({"kube-system"})
            seconds = timedelta(seconds=longest)
            settings = ReportSettings(LATER, timedelta(minutes=1), seconds, excluded)
            return Reporter(writer, Metrics(), settings)

        yield open_


@pytest.fixture
def reporter(opened):
    return opened()


async def report(reporter, snapshot, *attempts):
    snapshot = replace(
        snapshot, sheets=tuple(replace(s, uid="uid-prices") for s in snapshot.sheets)
    )
    await reporter.report(snapshot, evaluate(snapshot, SETTINGS), attempts)
    return replace(snapshot, now=snapshot.now + LATER)


def status(fake, name="limits", where=TEAM):
    return fake.objects[made.POLICIES][f"{where}/{name}"].get("status", {})


def reasons(fake, name="limits", where=TEAM):
    return {c["type"]: c["reason"] for c in status(fake, name, where)["conditions"]}


def events(fake):
    found = fake.objects["/api/v1/events"].values()
    return [(e["involvedObject"]["name"], e["type"], e["reason"]) for e in found]


async def test_the_first_pass_writes_every_status_and_no_event_where_all_is_well(fake, reporter):
    await report(reporter, world())

    assert list(reasons(fake)) == ["Ready", "WithinBudget", "Enforcing", "MetricsAvailable"]
    assert fake.objects[made.PRICES]["/prices"]["status"]["conditions"][0]["reason"] == "InForce"
    assert events(fake) == []


async def test_an_unchanged_world_is_silent(fake, reporter):
    again = await report(reporter, world())
    asked = len(fake.requests)

    for _ in range(3):
        again = await report(reporter, again)

    assert len(fake.requests) == asked


async def test_a_disruption_budget_that_ceilings_fall_short_of_is_told_once(fake, reporter):
    limits = policy(ceilings=Ceilings(replicas=2))
    # Three replicas run; now somebody demands three, and goes on to do so.
    later = await report(reporter, world(limits))
    demanding = replace(later, disruption_budgets=(disruption_budget(3),))
    for _ in range(3):
        demanding = await report(reporter, demanding)

    told = [each for each in events(fake) if each[2] == "BelowDisruptionBudget"]
    assert told == [("limits", "Warning", "BelowDisruptionBudget")]
    assert "ceilings allow 2 of the 3 pods" in status(fake)["summary"]

    await report(reporter, replace(demanding, disruption_budgets=()))
    assert "PodDisruptionBudget" not in status(fake)["summary"]


async def test_what_is_wrong_is_told_and_that_it_is_over_too(fake, reporter):
    later = await report(reporter, world(policy(budgets=(budget("10"),))))
    await report(reporter, replace(later, policies=(policy(budgets=(budget(),), generation=2),)))

    assert events(fake) == [
        ("limits", "Warning", "BudgetExhausted"),
        ("limits", "Normal", "WithinBudget"),
    ]


async def test_a_policy_that_means_nothing_is_told_once(fake, reporter):
    bad = InvalidPolicy(TEAM, "limits", "uid-limits", 1, "spec.budgets[0]", "no such time zone")
    await report(reporter, replace(world(), policies=(), invalid=(bad,)))

    assert set(reasons(fake).values()) == {"InvalidSpec"}
    assert status(fake)["summary"] == "spec.budgets[0]: no such time zone"
    assert events(fake) == [("limits", "Warning", "InvalidSpec")]


async def test_a_policy_in_a_system_namespace_is_told_that_it_is_left_alone(fake, reporter):
    fake.put(made.POLICIES, made.policy("limits", "kube-system"))
    system = replace(
        world(policy(namespace="kube-system")),
        namespaces={TEAM: namespace(), "kube-system": namespace("kube-system")},
    )

    await report(reporter, system)

    assert set(reasons(fake, where="kube-system").values()) == {"NamespaceExcluded"}


@pytest.mark.parametrize(
    "namespaces",
    [
        pytest.param({}, id="not seen yet"),
        pytest.param({TEAM: replace(namespace(), is_terminating=True)}, id="being deleted"),
    ],
)
async def test_of_a_namespace_that_is_not_there_nothing_is_said(fake, reporter, namespaces):
    await report(reporter, replace(world(), namespaces=namespaces))

    assert status(fake) == {}


async def test_a_workload_is_told_why_it_was_changed(fake, reporter):
    limited = world(policy(cost_per_hour="8.00"))
    done = ScaleTo(CHAT.id, CHAT.uid, "1", before=2, after=1)

    await report(reporter, limited, Attempt(done, Mode.ENFORCE, Result.DONE))

    (event,) = fake.objects["/api/v1/events"].values()
    assert event["involvedObject"]["uid"] == CHAT.uid
    assert event["reason"] == "CostPerHourCeiling"
    assert event["message"].startswith("2 → 1 replicas (ceiling 1): the ceiling on cost per hour")


async def test_a_workload_that_is_given_back_is_told_so(fake, reporter):
    done = ScaleTo(CHAT.id, CHAT.uid, "1", before=2, after=6)

    await report(reporter, replace(world(), policies=()), Attempt(done, Mode.ENFORCE, Result.DONE))

    (event,) = fake.objects["/api/v1/events"].values()
    assert (event["reason"], event["message"]) == (
        "Restored",
        "2 → 6 replicas: the count before is restored",
    )


@pytest.mark.parametrize("result", [Result.OBSERVED, Result.CONFLICT, Result.GONE, Result.REFUSED])
async def test_a_workload_that_was_not_changed_is_told_nothing(fake, reporter, result):
    done = ScaleTo(CHAT.id, CHAT.uid, "1", before=2, after=1)

    await report(reporter, world(), Attempt(done, Mode.ENFORCE, result))

    assert [e for e in events(fake) if e[0] == "chat"] == []


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (Result.FORBIDDEN, "WriteFailed"),
        (Result.REFUSED, "WriteFailed"),
        (Result.UNAVAILABLE, "WriteFailed"),
        (Result.SKIPPED, "WriteFailed"),
        (Result.CONFLICT, "Enforcing"),
        (Result.GONE, "Enforcing"),
        (Result.DONE, "Enforcing"),
    ],
)
async def test_only_what_the_next_pass_cannot_mend_is_trouble(fake, reporter, result, said):
    attempt = Attempt(
        SetCeilings(TEAM, {CHAT.id: 2}, "why"), Mode.ENFORCE, result, "the API's words"
    )

    await report(reporter, world(), attempt)

    assert reasons(fake)["Enforcing"] == said


async def test_trouble_in_one_namespace_is_not_that_of_another(fake, reporter):
    fake.put(
        made.POLICIES,
        {**made.policy("limits", "team-b"), "metadata": made.meta("limits", "team-b", uid="uid-b")},
    )
    two = replace(
        world(policy(), policy(namespace="team-b", uid="uid-b")),
        namespaces={TEAM: namespace(), "team-b": namespace("team-b")},
    )
    fake.answers[("PATCH", STATUS.format(TEAM, "limits"))] = [failing(403)]
    attempt = Attempt(SetCeilings(TEAM, {}, "why"), Mode.ENFORCE, Result.FORBIDDEN, "403")

    await report(reporter, two, attempt)

    assert status(fake) == {}
    assert reasons(fake, where="team-b")["Enforcing"] == "Enforcing"


async def test_missing_metrics_are_said_once_they_have_lasted(fake, reporter):
    meters = readings(pods_of(CHAT), running=1, waiting=0)
    blind = {meter: MeterReading(gap=Gap("no answer")) for meter in meters}
    snapshot = world(policy(scaling=concurrency()), workloads=(CHAT,), meters=blind)

    for said in ("MetricsRead", "MetricsRead", "MetricsUnavailable"):
        snapshot = await report(reporter, snapshot)
        assert reasons(fake)["MetricsAvailable"] == said


async def test_an_api_server_that_hangs_holds_up_no_pass_for_longer_than_the_bound(fake, opened):
    names = [f"limits-{n}" for n in range(30)]
    for name in names:
        fake.answers[("GET", STATUS.format(TEAM, name))] = [hanging()]
    many = world(*(policy(name) for name in names))

    async with asyncio.timeout(5):
        await report(opened(0.2), many)


async def test_what_was_not_told_in_time_is_told_later(fake, opened):
    reporter = opened(1.0)
    fake.answers[("PATCH", STATUS.format(TEAM, "limits"))] = [hanging()]
    later = await report(reporter, world(policy(budgets=(budget("10"),))))
    assert status(fake) == {}

    await report(reporter, later)

    assert reasons(fake)["WithinBudget"] == "BudgetExhausted"
    assert events(fake) == [("limits", "Warning", "BudgetExhausted")]


async def test_nothing_is_remembered_of_policies_and_sheets_that_are_gone(reporter):
    later = await report(reporter, world())

    await report(reporter, replace(later, policies=(), sheets=()))

    assert reporter._status._kept == {}  # noqa: SLF001 - its size is the point


async def test_two_policies_that_are_decided_together_speak_for_themselves(fake, reporter):
    fake.put(made.POLICIES, {**made.policy("other"), "metadata": made.meta("other", "team-a")})
    both = world(policy(budgets=(budget("1000"),)), policy("other", budgets=(budget("10"),)))

    await report(reporter, both)

    assert reasons(fake)["WithinBudget"] == "WithinBudget"
    assert reasons(fake, "other")["WithinBudget"] == "BudgetExhausted"
    assert (status(fake)["spentPercent"], status(fake, "other")["spentPercent"]) == (1, 120)


async def test_what_a_policy_says_no_longer_is_taken_back(fake, reporter):
    later = await report(reporter, world())
    assert status(fake)["spentPercent"] == 1

    await report(reporter, replace(later, policies=(policy(generation=2),)))

    assert "spentPercent" not in status(fake)
    assert status(fake)["budgets"] == []


async def test_the_clock_alone_changes_no_status(fake, reporter):
    # Nothing runs, so an hour costs nothing.
    idle = world(policy(), workloads=(replace(EMBEDDER, replicas=0),))
    await report(reporter, idle)
    asked = len(fake.requests)

    await report(reporter, replace(idle, now=NOW + HOUR + SECOND))

    assert len(fake.requests) == asked
