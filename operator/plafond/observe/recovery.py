"""When the API server answers one cache again, the others need not wait any longer."""

import asyncio
import contextlib
import math

LEAST_SECONDS = 2.0


class Recovery:
    """
    Ends the delays of all caches that share it as soon as one of them has recovered.

    Each by its own delay they would come back seconds apart, and what some see anew would be judged
    by what others still believe. It is told at most every *least_seconds*: an API server that fails
    every other request is not asked without any delay.
    """

    def __init__(self, least_seconds: float = LEAST_SECONDS) -> None:
        self._least_seconds = least_seconds
        self._told_at = -math.inf
        self._told = asyncio.Event()

    def tell(self) -> None:
        """Say that the API server answers again."""
        now = asyncio.get_running_loop().time()
        if now - self._told_at >= self._least_seconds:
            self._told_at = now
            self._told.set()
            self._told = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Return after *seconds*, or as soon as it is told."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._told.wait()
