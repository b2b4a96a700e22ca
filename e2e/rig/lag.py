"""A wire on loopback to another port, over which answers arrive late: a cache that lags."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Self

from e2e.rig.components import LOOPBACK

CHUNK_BYTES = 64 * 1024
Chunk = tuple[float, bytes]


class LaggingWire:
    """
    Listens on one port and passes everything on to another.

    Answers on connections that have once spoken of *about* arrive `delay_seconds` late. An API
    server keeps a connection to etcd for each kind, so its view of one can lag while others do not.
    """

    def __init__(self, port: int, target_port: int, about: bytes):
        self.delay_seconds = 0.0
        self._port, self._target_port, self._about = port, target_port, about
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> Self:
        """Listen from now on."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def stop(self) -> None:
        """Drop every connection and listen no more."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, LOOPBACK, self._port)

    async def _end(self) -> None:
        self._server.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _connected(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        # The other side may be gone already, or go at any time; that is an end like any other.
        with closing(back), suppress(OSError, asyncio.CancelledError):
            far, on = await asyncio.open_connection(LOOPBACK, self._target_port)
            marked = asyncio.Event()
            pumps = [
                asyncio.create_task(self._ask(near, on, marked)),
                asyncio.create_task(self._answer(far, back, marked)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                on.close()

    async def _ask(
        self, near: asyncio.StreamReader, on: asyncio.StreamWriter, marked: asyncio.Event
    ) -> None:
        while chunk := await near.read(CHUNK_BYTES):
            if self._about in chunk:
                marked.set()
            on.write(chunk)
            await on.drain()

    async def _answer(
        self, far: asyncio.StreamReader, back: asyncio.StreamWriter, marked: asyncio.Event
    ) -> None:
        late: asyncio.Queue[Chunk] = asyncio.Queue()
        passing = asyncio.create_task(self._pass_on(late, back, marked.is_set))
        try:
            while chunk := await far.read(CHUNK_BYTES):
                late.put_nowait((self._loop.time(), chunk))
        finally:
            passing.cancel()

    async def _pass_on(
        self, late: asyncio.Queue[Chunk], back: asyncio.StreamWriter, is_marked: Callable[[], bool]
    ) -> None:
        while True:
            came, chunk = await late.get()
            if is_marked():
                await asyncio.sleep(came + self.delay_seconds - self._loop.time())
            back.write(chunk)
            await back.drain()
