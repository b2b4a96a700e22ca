"""What the tests of observation share: a clock that is set by hand, impatience, and waiting."""

import asyncio
import inspect
from datetime import datetime, timedelta

from plafond.observe.api_reader import ReadTimeouts
from plafond.observe.backoff import Backoff
from plafond.observe.cache import CacheTiming
from plafond.observe.snapshot import ObserverSettings


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def quick(relist: float = 60.0, silence: float = 5.0, page_size: int = 500) -> ObserverSettings:
    return ObserverSettings(
        CacheTiming(
            relist=timedelta(seconds=relist),
            watch=timedelta(seconds=20),
            page_size=page_size,
            backoff=lambda: Backoff(first_seconds=0.01, limit_seconds=0.05),
        ),
        ReadTimeouts(connect_seconds=1, list_seconds=1, silence_seconds=silence),
    )


QUICK = quick()


async def eventually(condition, within: float = 5.0) -> None:
    """Return when *condition* holds; fail when it does not in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while loop.time() < deadline:
        found = condition()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return
        await asyncio.sleep(0.01)
    msg = "it did not happen in time"
    raise AssertionError(msg)
