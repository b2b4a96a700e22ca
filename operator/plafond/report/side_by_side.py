"""Many small writes at a time, within a bound, so that telling never holds up deciding."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta

logger = logging.getLogger(__name__)

AT_ONCE = 8

Job = Callable[[], Awaitable[object]]


async def side_by_side(jobs: Iterable[Job], within: timedelta) -> bool:
    """Do *jobs*, a few at a time; give up on the rest after *within* and say so by False."""
    slots = asyncio.Semaphore(AT_ONCE)
    try:
        async with asyncio.timeout(within.total_seconds()), asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(_one(job, slots))
    except TimeoutError:
        return False
    return True


async def _one(job: Job, slots: asyncio.Semaphore) -> None:
    async with slots:
        try:
            await job()
        except Exception:
            # What cannot be told of one object must not keep the others from being told.
            logger.exception("one of many writes failed")
