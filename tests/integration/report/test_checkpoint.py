"""Ledgers against a fake API server: compare and set, and who loses goes on from the winner."""

from datetime import timedelta

import pytest
from tests.builders import NOW, SECOND
from tests.integration.fakes import objects as made
from tests.integration.fakes.kubernetes_api import failing, hanging
from tests.integration.report.ledgers import (
    COLLECTION,
    KEY,
    PATH,
    opened,
    spent,
    stored,
    version,
)

from plafond.api.writer import Result


async def test_a_first_record_makes_the_object(fake, checkpoints):
    answer = await checkpoints.write("team-a", spent("1"), NOW)

    assert answer.result is Result.DONE
    assert stored(fake) == spent("1")


async def test_a_later_record_replaces_exactly_what_was_written_before(fake, checkpoints):
    await checkpoints.write("team-a", spent("1"), NOW)
    before = version(fake)

    await checkpoints.write("team-a", spent("2"), NOW)

    assert stored(fake) == spent("2")
    assert fake.patches[0][1]["metadata"]["resourceVersion"] == before


async def test_a_ledger_to_which_nothing_was_added_is_not_written(fake, checkpoints):
    await checkpoints.write("team-a", spent("1"), NOW)
    asked = len(fake.requests)

    answer = await checkpoints.write("team-a", spent("1", at=NOW + SECOND), NOW + SECOND)

    assert (answer.result, len(fake.requests)) == (Result.DONE, asked)


async def test_after_a_restart_a_write_replaces_the_version_that_was_read(fake, client):
    await opened(client).write("team-a", spent("1"), NOW)
    successor = opened(client)
    successor.begin_with("team-a", version(fake), stored(fake))

    unchanged = await successor.write("team-a", spent("1"), NOW)
    changed = await successor.write("team-a", spent("2"), NOW)

    assert (unchanged.result, changed.result) == (Result.DONE, Result.DONE)
    assert [verb for verb, _ in fake.requests] == ["POST", "PATCH"]


@pytest.mark.parametrize("begin", [True, False])
async def test_whoever_wrote_first_wins(fake, client, begin):
    ours, theirs = opened(client), opened(client)
    if begin:
        await theirs.write("team-a", spent("1"), NOW)
        ours.begin_with("team-a", version(fake), spent("1"))
    await theirs.write("team-a", spent("7"), NOW)

    answer = await ours.write("team-a", spent("2"), NOW)

    assert answer.result is Result.CONFLICT
    assert stored(fake) == spent("7")


async def test_the_loser_goes_on_from_the_winner(fake, client):
    ours, theirs = opened(client), opened(client)
    await ours.write("team-a", spent("1"), NOW)
    theirs.begin_with("team-a", version(fake), spent("1"))
    await theirs.write("team-a", spent("7"), NOW)
    await ours.write("team-a", spent("2"), NOW)

    ours.begin_with("team-a", version(fake), stored(fake))
    answer = await ours.write("team-a", spent("9"), NOW)

    assert answer.result is Result.DONE
    assert stored(fake) == spent("9")


async def test_a_label_of_somebody_is_no_conflict(fake, checkpoints):
    await checkpoints.write("team-a", spent("1"), NOW)
    labelled = fake.objects[made.LEDGERS][KEY]
    labelled["metadata"]["labels"] = {"backup": "yes"}
    fake.put(made.LEDGERS, labelled)

    answer = await checkpoints.write("team-a", spent("2"), NOW)

    assert answer.result is Result.DONE
    assert stored(fake) == spent("2")


async def test_conflicts_that_nobody_else_has_caused_are_tried_again(fake, checkpoints):
    await checkpoints.write("team-a", spent("1"), NOW)
    fake.answers[("PATCH", PATH)] = [failing(409), failing(409)]

    results = [(await checkpoints.write("team-a", spent("2"), NOW)).result for _ in range(2)]

    assert results == [Result.UNAVAILABLE, Result.DONE]
    assert stored(fake) == spent("2")


async def test_a_write_whose_answer_was_lost_is_no_conflict(fake, checkpoints):
    await checkpoints.write("team-a", spent("1"), NOW)

    async def carried_out_but_not_answered(request):
        fake.answers[("PATCH", PATH)].clear()
        await fake.handle(request)
        return await hanging()(request)

    fake.answers[("PATCH", PATH)] = [carried_out_but_not_answered]
    first = await checkpoints.write("team-a", spent("2"), NOW)
    assert (first.result, stored(fake)) == (Result.UNAVAILABLE, spent("2"))

    second = await checkpoints.write("team-a", spent("3"), NOW)

    assert second.result is Result.DONE
    assert stored(fake) == spent("3")


async def test_a_ledger_that_somebody_deleted_is_made_again(fake, checkpoints):
    await checkpoints.write("team-a", spent("1"), NOW)
    fake.delete(made.LEDGERS, KEY)

    results = [(await checkpoints.write("team-a", spent("2"), NOW)).result for _ in range(2)]

    assert results == [Result.GONE, Result.DONE]
    assert stored(fake) == spent("2")


@pytest.mark.parametrize(
    ("code", "result"),
    [(403, Result.FORBIDDEN), (422, Result.REFUSED), (500, Result.UNAVAILABLE)],
)
async def test_a_write_that_failed_stays_due(fake, checkpoints, code, result):
    fake.answers[("POST", COLLECTION)] = [failing(code)]

    answer = await checkpoints.write("team-a", spent("1"), NOW)

    assert answer.result is result
    assert checkpoints.is_due("team-a", NOW)
    assert (await checkpoints.write("team-a", spent("1"), NOW)).result is Result.DONE


async def test_a_write_is_due_when_the_interval_is_over(fake, client, checkpoints):
    assert checkpoints.is_due("team-a", NOW)
    await checkpoints.write("team-a", spent("1"), NOW)

    assert not checkpoints.is_due("team-a", NOW + timedelta(seconds=299))
    assert checkpoints.is_due("team-a", NOW + timedelta(seconds=300))

    # A successor waits for the end of the same interval, and not for all ledgers at once.
    successor = opened(client)
    successor.begin_with("team-a", version(fake), stored(fake))
    assert not successor.is_due("team-a", NOW + timedelta(seconds=299))


async def test_what_could_not_be_read_back_is_not_written(fake, checkpoints):
    endless = spent("1" * 2_000_000)

    answer = await checkpoints.write("team-a", endless, NOW)

    assert answer.result is Result.REFUSED
    assert "bytes do not fit" in answer.detail
    assert fake.requests == []


async def test_nothing_is_remembered_of_namespaces_that_are_gone(checkpoints):
    await checkpoints.write("team-a", spent("1"), NOW)

    checkpoints.forget_all_but({"team-b"})

    assert checkpoints._kept == {}  # noqa: SLF001 - its size is the point
