"""History against a fake Prometheus: one query for all, and every misfortune is a gap."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.builders import HOUR, MINUTE, SECOND, money
from tests.integration.fakes.prometheus import (
    FakePrometheus,
    late,
    matrix,
    running,
    series,
    text,
)

from plafond.model.gap import Gap
from plafond.model.history import Counter, History, Point
from plafond.observe.history import RETRY_AFTER, PrometheusHistory, query, step_for
from plafond.observe.history_points import Teller
from plafond.observe.meter_source import MeterSource

NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)
SINCE = NOW - HOUR
STEP = 2 * SECOND
WANTED = {"team-a": SINCE}
OWN = {"namespace": "plafond-system", "instance": "10.0.0.1:8081"}


@pytest.fixture
async def fake():
    fake = FakePrometheus()
    async with running(fake):
        yield fake


@pytest.fixture
async def history(fake):
    made = PrometheusHistory(
        MeterSource(fake.url, timeout_seconds=0.5), Teller("plafond-system", SECOND)
    )
    yield made
    made.close()


async def read(fake, history, answer, wanted=WANTED, now=NOW):
    fake.answers["range"] = answer
    return await history.read(wanted, now, among=2)


def row(*values, start=SINCE, step=STEP, **labels):
    return series(start.timestamp(), step.total_seconds(), *values, **labels)


async def test_one_query_reads_the_whole_cluster_and_names_nobody(fake, history):
    found = await read(
        fake,
        history,
        matrix(
            row("1", "2.5", namespace="team-a", currency="EUR"),
            row("1", "2", namespace="team-a"),
            row("9000", namespace="team-a", currency="tokens"),
            row("7", namespace="team-b", currency="EUR", start=SINCE + MINUTE),
        ),
    )

    points = (Point(SINCE, money(1)), Point(SINCE + STEP, money("2.5")))
    hours = (Point(SINCE, money(1)), Point(SINCE + STEP, money(2)))
    counters = (Counter("EUR", points), Counter("gpuHours", hours))
    tokens = Counter("tokens", (Point(SINCE, money(9000)),))
    assert found == {"team-a": History(SINCE, STEP, SINCE, (*counters, tokens), SECOND)}
    (asked,) = fake.ranges
    assert asked["query"] == query(STEP)
    assert "team" not in asked["query"]
    assert (float(asked["start"]), asked["step"]) == (SINCE.timestamp(), "2s")


async def test_a_namespace_that_prometheus_knows_nothing_of_has_an_empty_history(fake, history):
    found = await read(fake, history, matrix())

    assert found == {"team-a": History(SINCE, STEP, lag=SECOND)}


@pytest.mark.parametrize(
    ("labels", "counts"),
    [
        pytest.param({"namespace": "team-a"}, True, id="honorLabels"),
        pytest.param({**OWN, "exported_namespace": "team-a"}, True, id="our own, renamed"),
        pytest.param(
            {"namespace": "team-b", "exported_namespace": "team-a"}, False, id="a tenant's"
        ),
        pytest.param({"namespace": "team-a", "currency": "euro!"}, False, id="no currency"),
    ],
)
async def test_a_tenant_cannot_count_for_others(fake, history, labels, counts):
    found = await read(fake, history, matrix(row("1", "2", **labels)))

    assert bool(found["team-a"].counters) is counts


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-1"])
async def test_what_is_no_amount_is_no_point(fake, history, value):
    found = await read(fake, history, matrix(row("1", value, "3", namespace="team-a")))

    (counter,) = found["team-a"].counters
    assert [point.value for point in counter.points] == [1, 3]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(text("", 503), "starting or has too much to do", id="busy"),
        pytest.param(text("{}"), "not one of Prometheus", id="something else"),
        pytest.param(matrix(row("1"), warnings=["a store is missing"]), "a store", id="partial"),
        pytest.param(matrix({"metric": {}}), "not a matrix", id="no matrix"),
        pytest.param(matrix(row("one", namespace="team-a")), "not a matrix", id="no number"),
    ],
)
async def test_what_cannot_be_read_is_a_gap(fake, history, answer, words):
    found = await read(fake, history, answer)

    assert words in found["team-a"].why


async def test_what_failed_is_asked_again_a_bit_later(fake, history):
    await read(fake, history, text("", 503))
    soon = await read(fake, history, matrix(), now=NOW + SECOND)
    later = await read(fake, history, matrix(), now=NOW + RETRY_AFTER)

    assert isinstance(soon["team-a"], Gap)
    assert later["team-a"].counters == ()
    assert len(fake.ranges) == 2


async def test_a_pass_does_not_wait_for_weeks_of_history(fake, history):
    first = await read(fake, history, late(0.8))
    await asyncio.sleep(0.5)
    second = await read(fake, history, matrix(), now=NOW + SECOND)

    assert isinstance(first["team-a"], Gap)
    assert "range" in fake.answers
    assert isinstance(second["team-a"], History | Gap)
    assert len(fake.ranges) == 1


async def test_nothing_is_asked_where_nothing_is_wanted(fake, history):
    assert await read(fake, history, matrix(), wanted={}) == {}
    assert fake.ranges == []


@pytest.mark.parametrize(
    ("length", "namespaces", "step"),
    [
        pytest.param(HOUR, 2, 2 * SECOND, id="an hour"),
        pytest.param(timedelta(days=31), 2, 30 * MINUTE, id="a month"),
        pytest.param(timedelta(days=31), 1000, 6 * HOUR, id="a month of a thousand namespaces"),
        pytest.param(timedelta(days=366), 2, 6 * HOUR, id="a year"),
        pytest.param(timedelta(days=366), 1000, timedelta(days=1), id="never coarser than a day"),
    ],
)
def test_steps_are_as_fine_as_one_answer_holds(length, namespaces, step):
    assert step_for(length, namespaces) == step
