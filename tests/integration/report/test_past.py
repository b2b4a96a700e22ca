"""The past of a ledger against a fake API server: made before it is named, deleted after that."""

import pytest
from tests.builders import NOW, SECOND
from tests.integration.fakes import objects as made
from tests.integration.fakes.kubernetes_api import failing
from tests.integration.report.ledgers import (
    COLLECTION,
    KEY,
    PATH,
    old,
    opened,
    spent,
    stored,
    version,
    whole,
    writes,
)

from plafond.api.writer import Result


async def closing(checkpoints, record):
    """Write *record* twice: the first write of a ledger closes nothing."""
    await checkpoints.write("team-a", record, NOW)
    return await checkpoints.write("team-a", record, NOW)


def pasts(fake):
    return [name for name in sorted(fake.objects[made.LEDGERS]) if name != KEY]


def look(fake, checkpoints):
    checkpoints.see({"team-a": whole(fake).pasts})


async def test_what_began_before_this_hour_is_closed_before_the_ledger_that_names_it(
    fake, checkpoints
):
    answer = await closing(checkpoints, old("5"))

    closed, ledger = fake.posts[1][1], fake.objects[made.LEDGERS][KEY]
    assert answer.result is Result.DONE
    assert [verb for verb, _ in writes(fake)] == ["POST", "POST", "PATCH"]
    assert closed["spec"]["closed"] == {
        "since": "2026-11-13T12:00:00Z",
        "until": "2026-11-13T13:00:00Z",
    }
    assert ledger["spec"]["continues"] == {
        "name": closed["metadata"]["name"],
        "until": "2026-11-13T13:00:00Z",
    }
    assert stored(fake) == spent("1")
    assert whole(fake).record == old("5")


async def test_a_past_to_which_nothing_came_is_not_made_again(fake, checkpoints):
    await closing(checkpoints, old("5"))
    look(fake, checkpoints)

    await checkpoints.write("team-a", old("5", lately="2"), NOW)

    assert [verb for verb, _ in writes(fake)] == ["POST", "POST", "PATCH", "PATCH"]
    assert whole(fake).record == old("5", lately="2")


async def test_a_past_that_has_changed_is_another_and_the_one_before_is_deleted_last(
    fake, checkpoints
):
    await closing(checkpoints, old("5"))
    look(fake, checkpoints)
    (before,) = pasts(fake)

    # What had no price until now is charged three days late.
    await checkpoints.write("team-a", old("6"), NOW)

    (after,) = pasts(fake)
    assert writes(fake)[3:] == [
        ("POST", "spendledgers"),
        ("PATCH", "plafond"),
        ("DELETE", before.partition("/")[2]),
    ]
    assert after != before
    assert whole(fake).record == old("6")


async def test_a_ledger_that_was_not_written_deletes_nothing(fake, checkpoints):
    await closing(checkpoints, old("5"))
    look(fake, checkpoints)
    fake.answers[("PATCH", PATH)] = [failing(500)]

    answer = await checkpoints.write("team-a", old("6"), NOW)

    # Both are there, and the ledger still names the one before.
    assert (answer.result, len(pasts(fake))) == (Result.UNAVAILABLE, 2)
    assert whole(fake).record == old("5")


async def test_a_past_that_is_there_already_was_made_by_whoever_crashed(fake, client):
    await closing(opened(client), old("5"))
    fake.delete(made.LEDGERS, KEY)

    answer = await closing(opened(client), old("5"))

    assert (answer.result, answer.detail) == (Result.DONE, "")
    assert whole(fake).record == old("5")


async def test_a_past_whose_name_is_taken_by_another_content_is_not_named(fake, client):
    await closing(opened(client), old("5"))
    fake.delete(made.LEDGERS, KEY)
    (name,) = pasts(fake)
    fake.objects[made.LEDGERS][name]["spec"]["series"] = []

    answer = await closing(opened(client), old("5"))

    assert answer.result is Result.DONE
    assert answer.detail == f"{name.partition('/')[2]} is there with another content"
    assert stored(fake) == old("5")


async def test_where_nobody_answers_nothing_else_is_tried(fake, checkpoints):
    await closing(checkpoints, old("5"))
    look(fake, checkpoints)
    fake.answers[("POST", COLLECTION)] = [failing(500)]
    asked = len(fake.requests)

    answer = await checkpoints.write("team-a", old("6"), NOW)

    assert (answer.result, len(fake.requests) - asked) == (Result.UNAVAILABLE, 1)
    assert whole(fake).record == old("5")


@pytest.mark.parametrize("code", [403, 422])
async def test_where_nothing_can_be_closed_the_ledger_holds_it_all(fake, checkpoints, code):
    await closing(checkpoints, old("5"))
    look(fake, checkpoints)
    fake.answers[("POST", COLLECTION)] = [failing(code, "not now")]

    refused = await checkpoints.write("team-a", old("6"), NOW)

    assert (refused.result, refused.detail) == (Result.DONE, f"{code} not now")
    assert stored(fake) == old("6")
    assert "continues" not in fake.objects[made.LEDGERS][KEY]["spec"]
    assert pasts(fake) == []
    look(fake, checkpoints)
    again = await checkpoints.write("team-a", old("6"), NOW)
    assert (again.detail, whole(fake).record, len(pasts(fake))) == ("", old("6"), 1)


async def test_a_past_that_somebody_deleted_is_made_again_from_what_is_known(fake, checkpoints):
    await closing(checkpoints, old("5"))
    look(fake, checkpoints)
    (name,) = pasts(fake)
    fake.delete(made.LEDGERS, name)
    look(fake, checkpoints)

    # Not even a pass that has nothing to add leaves it at that.
    await checkpoints.write("team-a", old("5", at=NOW + SECOND), NOW + SECOND)

    assert pasts(fake) == [name]
    assert whole(fake).record.ledger == old("5").ledger


async def test_a_restart_makes_nothing_again(fake, client):
    await closing(opened(client), old("5"))
    successor = opened(client)
    look(fake, successor)
    read = whole(fake)
    successor.begin_with("team-a", version(fake), read.record, read.continues_name)
    asked = len(fake.requests)

    unchanged = await successor.write("team-a", old("5"), NOW)

    assert (unchanged.result, len(fake.requests)) == (Result.DONE, asked)


async def test_a_restart_closes_what_the_first_write_held_whole(fake, client):
    await opened(client).write("team-a", old("5"), NOW)
    successor = opened(client)
    successor.begin_with("team-a", version(fake), whole(fake).record)

    await successor.write("team-a", old("5"), NOW)

    assert len(pasts(fake)) == 1
    assert (stored(fake), whole(fake).record) == (spent("1"), old("5"))
