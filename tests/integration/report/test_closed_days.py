"""Days and months that are closed, against a fake API server: once, and nothing twice."""

from datetime import UTC, datetime

import pytest
from tests.builders import DAY, EUR, HOUR, money
from tests.integration.fakes import objects as made
from tests.integration.fakes.kubernetes_api import failing
from tests.integration.report.ledgers import COLLECTION, writes

from plafond.api.constants import MONTH
from plafond.api.convert_closed import parse_closed
from plafond.api.writer import ApiWriter, Result, WriteTimeouts
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.model.memory import Memory, NamespaceRecord
from plafond.report.closed_days import ClosedDays

SPEND = SeriesKey(Fact.SPEND, EUR)
CHAT = SPEND._replace(workload="deployments.apps/chat")
NOV = datetime(2026, 11, 1, tzinfo=UTC)
# Two hours after the end of a day it is finished.
CLOSES = 2 * HOUR


def opened(client):
    return ClosedDays(ApiWriter(client, "plafond", WriteTimeouts(1, 1)))


@pytest.fixture
def days(client):
    return opened(client)


def ledger(day, as_of=None, value="1"):
    """A ledger in which a workload has spent *value* in the first hour of *day*."""
    buckets = (Bucket(day, HOUR, money(value)),)
    series = {SPEND: buckets, CHAT: buckets}
    return NamespaceRecord(Ledger(as_of or day + DAY + CLOSES, series))


def names(fake):
    return [name.removeprefix("team-a/") for name in sorted(fake.objects[made.LEDGERS])]


def held(fake, name):
    return parse_closed(fake.objects[made.LEDGERS][f"team-a/{name}"])


async def test_a_day_is_closed_when_its_last_hour_is_whole_and_once(fake, days):
    await days.close("team-a", ledger(NOV, NOV + DAY + HOUR))
    assert names(fake) == []

    answers = [await days.close("team-a", ledger(NOV)) for _ in range(2)]

    assert [answer.result for answer in answers] == [Result.DONE, Result.DONE]
    assert names(fake) == ["plafond-2026-11-01"]
    assert held(fake, "plafond-2026-11-01").ledger == Ledger(None, ledger(NOV).ledger.series)
    assert [verb for verb, _ in writes(fake)] == ["POST"]


async def test_a_day_in_which_nothing_was_spent_is_not_closed(fake, days):
    await days.close("team-a", ledger(NOV - 3 * DAY, NOV + CLOSES))

    assert writes(fake) == []


async def test_a_day_stays_as_it_was_closed(fake, client):
    await opened(client).close("team-a", ledger(NOV, value="1"))

    again = await opened(client).close("team-a", ledger(NOV, value="2"))

    assert again.result is Result.DONE
    assert held(fake, "plafond-2026-11-01").ledger.series[CHAT][0].value == 1


async def test_a_day_that_could_not_be_closed_is_tried_again(fake, days):
    fake.answers[("POST", COLLECTION)] = [failing(500, "etcd is full")]

    answers = [await days.close("team-a", ledger(NOV)) for _ in range(2)]

    assert [answer.result for answer in answers] == [Result.UNAVAILABLE, Result.DONE]
    assert names(fake) == ["plafond-2026-11-01"]


async def test_a_day_waits_for_what_history_is_still_to_tell_of_it(fake, days):
    noon = NOV + 12 * HOUR
    record = ledger(NOV)
    waiting = Memory(counted_since=noon, history_wanted_at=noon)

    await days.close("team-a", NamespaceRecord(record.ledger, waiting))
    assert names(fake) == []

    await days.close("team-a", NamespaceRecord(record.ledger, Memory(counted_since=noon)))
    assert names(fake) == ["plafond-2026-11-01"]


async def closed(client, *starts):
    """Close days, each by an operator of its own."""
    for n, start in enumerate(starts, start=1):
        await opened(client).close("team-a", ledger(start, value=str(n)))


async def test_a_month_takes_the_place_of_its_days_when_the_last_is_eight_days_old(fake, client):
    await closed(client, NOV - 2 * DAY, NOV - DAY, NOV)

    await opened(client).close("team-a", ledger(NOV + 6 * DAY, NOV + 8 * DAY - HOUR))
    assert "plafond-2026-10" not in names(fake)
    await opened(client).close("team-a", ledger(NOV + 7 * DAY, NOV + 8 * DAY + CLOSES))

    assert names(fake) == [
        "plafond-2026-10",
        "plafond-2026-11-01",
        "plafond-2026-11-07",
        "plafond-2026-11-08",
    ]
    month = held(fake, "plafond-2026-10").ledger
    assert [(b.start, b.value) for b in month.series[CHAT]] == [(NOV - 2 * DAY, 1), (NOV - DAY, 2)]
    assert month.series[SPEND] == month.series[CHAT]
    label = fake.objects[made.LEDGERS]["team-a/plafond-2026-10"]["metadata"]["labels"]
    assert label == {MONTH: "whole-2026-10"}


LATER = NOV + 9 * DAY


async def test_a_month_is_looked_for_once(fake, days):
    for n in range(3):
        await days.close("team-a", ledger(LATER + n * DAY))

    assert [verb for verb, _ in fake.requests].count("LIST") == 1


@pytest.mark.parametrize("deleted", range(3))
async def test_wherever_a_crash_comes_a_month_holds_all_of_its_days(fake, client, deleted):
    starts = (NOV - 3 * DAY, NOV - 2 * DAY, NOV - DAY)
    await closed(client, *starts)
    paths = [f"{COLLECTION}/plafond-{start:%Y-%m-%d}" for start in starts]
    for path in paths[deleted:]:
        fake.answers[("DELETE", path)] = [failing(500)]
    crashed = await opened(client).close("team-a", ledger(LATER))
    assert crashed.result is Result.UNAVAILABLE
    assert len([name for name in names(fake) if name.startswith("plafond-2026-10-")]) == 3 - deleted
    fake.answers.clear()

    again = await opened(client).close("team-a", ledger(LATER))

    assert again.result is Result.DONE
    assert names(fake) == ["plafond-2026-10", f"plafond-{LATER:%Y-%m-%d}"]
    values = [b.value for b in held(fake, "plafond-2026-10").ledger.series[CHAT]]
    assert values == [1, 2, 3]


async def test_a_day_that_a_month_lacks_is_not_deleted(fake, client):
    await closed(client, NOV - 2 * DAY)
    await opened(client).close("team-a", ledger(LATER))
    await closed(client, NOV - DAY)

    answer = await opened(client).close("team-a", ledger(LATER))

    assert answer.detail == "plafond-2026-10 lacks days that are still there"
    assert "plafond-2026-10-31" in names(fake)


async def test_a_day_that_cannot_be_read_keeps_its_month_open_and_is_named(fake, client):
    await closed(client, NOV - 2 * DAY, NOV - DAY)
    fake.objects[made.LEDGERS]["team-a/plafond-2026-10-31"]["spec"]["series"] = "none"

    answer = await opened(client).close("team-a", ledger(LATER))

    assert answer.result is Result.REFUSED
    assert answer.detail.startswith("plafond-2026-10-31: spec.series: ")
    assert "plafond-2026-10" not in names(fake)
    assert "plafond-2026-10-30" in names(fake)


async def test_what_is_older_than_400_days_is_deleted(fake, client):
    await closed(client, NOV - DAY)
    await opened(client).close("team-a", ledger(LATER))
    # 400 days after the end of October it is not older than that, and a day later it is.
    last = NOV + 400 * DAY

    await opened(client).close("team-a", ledger(last - DAY - CLOSES, last))
    assert "plafond-2026-10" in names(fake)
    await opened(client).close("team-a", ledger(last, last + DAY + CLOSES))

    assert "plafond-2026-10" not in names(fake)
    assert "plafond-2026-11" in names(fake)
