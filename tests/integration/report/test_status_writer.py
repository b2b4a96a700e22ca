"""Statuses against a fake API server: only news, at most once per interval, and none is lost."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import NOW, SECOND
from tests.integration.fakes import objects as made
from tests.integration.fakes.kubernetes_api import FakeKubernetes, failing, hanging, running

from plafond.api.writer import ApiWriter, WriteTimeouts
from plafond.report.conditions import Condition, Truth
from plafond.report.status_writer import Statement, StatusWriter, Subject, Transition

PATH = "/apis/plafond.dev/v1alpha1/namespaces/team-a/costpolicies/limits/status"
READY = Condition("Ready", Truth.TRUE, "Evaluated", "2 workloads are evaluated")
UNREADY = Condition("Ready", Truth.FALSE, "PriceMissing", "there is no price sheet in EUR")
INTERVAL = timedelta(seconds=30)


@pytest.fixture
async def fake():
    fake = FakeKubernetes()
    fake.put(made.POLICIES, made.policy("limits"))
    return fake


@pytest.fixture
async def writer(fake):
    async with running(fake) as client:
        yield StatusWriter(ApiWriter(client, "plafond", WriteTimeouts(1, 1)), INTERVAL)


def statement(*conditions, percent=1, **subject):
    about = replace(Subject(PATH, "uid-limits", 1), **subject)
    return Statement(about, conditions or (READY,), {"spentPercent": percent})


def stored(fake):
    return fake.objects[made.POLICIES]["team-a/limits"]["status"]


async def say(writer, what, at=0.0):
    """Write *what* if it is due, so many seconds after `NOW`."""
    now = NOW + at * SECOND
    return await writer.write(what, now) if writer.is_due(what, now) else "not due"


async def test_a_status_is_written_whole_by_our_manager(fake, writer):
    transitions = await say(writer, statement())

    assert transitions == [Transition(READY, is_first=True)]
    condition = {
        "type": "Ready",
        "status": "True",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-11-16T12:00:00Z",
        "reason": "Evaluated",
        "message": "2 workloads are evaluated",
    }
    assert stored(fake) == {
        "spentPercent": 1,
        "observedGeneration": 1,
        "conditions": [condition],
    }
    assert fake.patches[0][2] == {"fieldManager": "plafond"}


async def test_what_was_said_is_not_said_again(fake, writer):
    await say(writer, statement())

    assert await say(writer, statement(), at=3600) == "not due"
    assert len(fake.patches) == 1


async def test_news_inside_the_interval_waits_for_its_end_and_is_not_lost(fake, writer):
    await say(writer, statement())

    assert await say(writer, statement(UNREADY), at=29) == "not due"
    assert await say(writer, statement(UNREADY), at=30) == [Transition(UNREADY, is_first=False)]
    assert stored(fake)["conditions"][0]["lastTransitionTime"] == "2026-11-16T12:00:30Z"


async def test_a_new_spec_is_answered_at_once(fake, writer):
    await say(writer, statement())

    assert await say(writer, statement(generation=2), at=1) == []
    assert stored(fake)["observedGeneration"] == 2


async def test_a_transition_time_survives_a_restart(fake, writer):
    await say(writer, statement())
    successor = StatusWriter(writer._writer, INTERVAL)  # noqa: SLF001 - the same connection

    assert await say(successor, statement(percent=2), at=100) == []
    assert stored(fake)["conditions"][0]["lastTransitionTime"] == "2026-11-16T12:00:00Z"


@pytest.mark.parametrize(
    "news",
    [
        pytest.param(statement(percent=2), id="a percentage"),
        pytest.param(statement(generation=2), id="another spec"),
        pytest.param(statement(replace(READY, message="3 workloads are evaluated")), id="how many"),
        pytest.param(statement(replace(READY, reason="Other")), id="a reason"),
        pytest.param(statement(READY, replace(READY, type="Stalled")), id="one more condition"),
    ],
)
async def test_what_is_news(writer, news):
    await say(writer, statement())

    assert await say(writer, news, at=30) != "not due"


async def test_the_words_of_others_and_amounts_are_no_news(writer):
    metrics = Condition("MetricsAvailable", Truth.FALSE, "MetricsUnavailable", "at 0x7f01")
    await say(writer, statement(READY, metrics))

    later = statement(READY, replace(metrics, message="at 0x7f02"))

    assert await say(writer, later, at=30) == "not due"


@pytest.mark.parametrize("code", [403, 409, 422, 429, 500])
async def test_a_write_that_failed_is_tried_again_after_the_interval(fake, writer, code):
    fake.answers[("PATCH", PATH)] = [failing(code)]

    assert await say(writer, statement()) == []
    assert await say(writer, statement(), at=29) == "not due"
    assert await say(writer, statement(), at=30) == [Transition(READY, is_first=True)]


async def test_no_answer_is_given_up_in_time(fake, writer):
    fake.answers[("PATCH", PATH)] = [hanging()]

    async with asyncio.timeout(5):
        assert await say(writer, statement()) == []


async def test_a_policy_that_is_gone_is_left_alone(fake, writer):
    fake.delete(made.POLICIES, "team-a/limits")

    assert await say(writer, statement()) == []
    assert fake.patches == []


async def test_what_is_meant_for_one_object_is_not_written_to_another_of_its_name(fake, writer):
    fake.put(
        made.POLICIES,
        {**made.policy("limits"), "metadata": made.meta("limits", "team-a", uid="new")},
    )

    assert await say(writer, statement()) == []
    assert fake.patches == []
    assert await say(writer, statement(uid="new")) == [Transition(READY, is_first=True)]


async def test_an_object_of_the_same_name_that_came_later_is_told_anew(fake, writer):
    await say(writer, statement())
    fake.delete(made.POLICIES, "team-a/limits")
    fake.put(
        made.POLICIES,
        {**made.policy("limits"), "metadata": made.meta("limits", "team-a", uid="new")},
    )

    assert await say(writer, statement(uid="new"), at=1) == [Transition(READY, is_first=True)]


async def test_nothing_is_remembered_of_objects_that_are_gone(writer):
    await say(writer, statement())

    writer.forget_all_but([Subject("/other", "uid", 1)])

    assert writer._kept == {}  # noqa: SLF001 - its size is the point


async def test_another_generation_is_the_same_object(writer):
    await say(writer, statement())

    writer.forget_all_but([statement(generation=9).subject])

    assert len(writer._kept) == 1  # noqa: SLF001 - its size is the point


def holding(spent):
    """So much of 100 is in a rolling window."""
    budget = {"name": "day", "limit": "100", "spent": spent, "usedPercent": int(float(spent))}
    return Statement(Subject(PATH, "uid-limits", 1), (READY,), {"budgets": [budget]})


async def test_what_goes_up_and_down_by_a_bucket_around_a_percentage_is_no_news(writer):
    await say(writer, holding("95.9"))

    # Written it would be 96 and 95 in turn; a whole percent away from what was said is 94.9.
    assert await say(writer, holding("96.1"), at=30) == "not due"
    assert await say(writer, holding("95.0"), at=60) == "not due"
    assert await say(writer, holding("94.9"), at=90) == []
    assert await say(writer, holding("95.8"), at=120) == "not due"
