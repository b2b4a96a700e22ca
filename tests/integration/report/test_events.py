"""Events against a fake API server: one object per situation, counted up, never waited for."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import MINUTE, NOW, SECOND
from tests.integration.fakes.kubernetes_api import failing, hanging, running

from plafond.api.writer import ApiWriter, WriteTimeouts
from plafond.report.events import Event, EventRecorder, EventType, Involved

LLM = Involved("apps/v1", "Deployment", "team-a", "llm", "uid-llm")
LOWERED = Event(LLM, EventType.NORMAL, "BudgetCeiling", "6 → 4 replicas")
EVENTS = "/api/v1/namespaces/team-a/events"


@pytest.fixture
async def recorder(fake):
    async with running(fake) as client:
        yield EventRecorder(ApiWriter(client, "plafond", WriteTimeouts(1, 1)))


def stored(fake):
    return list(fake.objects["/api/v1/events"].values())


async def test_an_event_is_what_kubectl_describe_shows(fake, recorder):
    await recorder.record(LOWERED, NOW)

    (event,) = stored(fake)
    name = event["metadata"].pop("name")
    assert name.startswith("llm.")
    assert event["involvedObject"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": "team-a",
        "name": "llm",
        "uid": "uid-llm",
    }
    said = {key: event[key] for key in ("type", "reason", "message", "count", "source")}
    assert said == {
        "type": "Normal",
        "reason": "BudgetCeiling",
        "message": "6 → 4 replicas",
        "count": 1,
        "source": {"component": "plafond"},
    }
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-11-16T12:00:00Z"


async def test_a_repeated_event_raises_the_count_at_most_once_a_minute(fake, recorder):
    for seconds in (0, 10, 20, 60):
        await recorder.record(LOWERED, NOW + seconds * SECOND)

    (event,) = stored(fake)
    assert (event["count"], event["lastTimestamp"]) == (4, "2026-11-16T12:01:00Z")
    assert len(fake.requests) == 2


async def test_the_last_message_stands(fake, recorder):
    await recorder.record(LOWERED, NOW)
    await recorder.record(replace(LOWERED, message="9 → 4 replicas"), NOW + MINUTE)

    assert [event["message"] for event in stored(fake)] == ["9 → 4 replicas"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(LOWERED, reason="Restored"), id="another reason"),
        pytest.param(replace(LOWERED, involved=replace(LLM, uid="new")), id="another object"),
    ],
)
async def test_another_situation_is_another_event(fake, recorder, other):
    await recorder.record(LOWERED, NOW)
    await recorder.record(other, NOW)

    assert [event["count"] for event in stored(fake)] == [1, 1]


async def test_before_the_api_server_forgets_an_event_it_is_begun_anew(fake, recorder):
    await recorder.record(LOWERED, NOW)
    await recorder.record(LOWERED, NOW + timedelta(minutes=51))

    assert [event["count"] for event in stored(fake)] == [1, 1]


async def test_an_event_that_somebody_deleted_is_begun_anew(fake, recorder):
    await recorder.record(LOWERED, NOW)
    fake.objects["/api/v1/events"].clear()
    await recorder.record(LOWERED, NOW + MINUTE)
    assert stored(fake) == []

    await recorder.record(LOWERED, NOW + 2 * MINUTE)

    assert [event["count"] for event in stored(fake)] == [1]


@pytest.mark.parametrize("answer", [failing(403), failing(500), hanging()])
async def test_what_cannot_be_posted_is_dropped_in_time(fake, recorder, answer):
    fake.answers[("POST", EVENTS)] = [answer]

    async with asyncio.timeout(5):
        await recorder.record(LOWERED, NOW)
    await recorder.record(LOWERED, NOW + SECOND)

    assert [event["count"] for event in stored(fake)] == [1]


@pytest.mark.parametrize("name", ["x" * 253, "x" * 199 + "-" + "y" * 40, "a.b"])
async def test_every_name_makes_a_valid_event(fake, recorder, name):
    await recorder.record(replace(LOWERED, involved=replace(LLM, name=name)), NOW)

    (event,) = stored(fake)
    stem, digest = event["metadata"]["name"].rsplit(".", 1)
    assert (len(digest), stem[-1].isalnum(), len(event["metadata"]["name"]) <= 253) == (
        16,
        True,
        True,
    )


async def test_a_message_cannot_forge_lines_nor_be_too_long(fake, recorder):
    await recorder.record(replace(LOWERED, message="a\nb" + "x" * 5000), NOW)

    (event,) = stored(fake)
    assert event["message"].startswith("a b")
    assert len(event["message"]) == 1024


async def test_old_situations_are_forgotten(recorder):
    for number in range(50):
        other = replace(LOWERED, involved=replace(LLM, uid=str(number)))
        await recorder.record(other, NOW + number * MINUTE)

    await recorder.record(LOWERED, NOW + timedelta(hours=3))

    assert len(recorder._series) == 1  # noqa: SLF001 - its size is the point
