"""Many small writes: a few at a time, within a bound, and none stops another."""

import asyncio
from datetime import timedelta

import pytest

from plafond.report.side_by_side import AT_ONCE, side_by_side

LONG = timedelta(seconds=5)


async def test_all_are_done():
    done = []

    async def job():
        done.append(1)

    assert await side_by_side([job] * 20, LONG) is True
    assert len(done) == 20


async def test_no_more_than_the_bound_at_a_time():
    now, most = 0, 0

    async def job():
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1

    await side_by_side([job] * 5 * AT_ONCE, LONG)

    assert most == AT_ONCE


async def test_what_is_not_done_in_time_is_left_for_later():
    ended = []

    async def quick():
        ended.append("quick")

    async def never():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cancelled")

    assert await side_by_side([never, quick], timedelta(milliseconds=50)) is False
    assert ended == ["quick", "cancelled"]


async def test_one_that_fails_does_not_keep_the_others_from_being_done(caplog):
    done = []

    async def bad():
        msg = "a bug"
        raise RuntimeError(msg)

    async def good():
        done.append(1)

    assert await side_by_side([bad, good, bad, good], LONG) is True
    assert len(done) == 2
    assert "one of many writes failed" in caplog.text


async def test_whoever_is_cancelled_leaves_nothing_running():
    ended = asyncio.Event()

    async def never():
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    task = asyncio.create_task(side_by_side([never], LONG))
    await asyncio.sleep(0.01)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
