"""A server of bytes on loopback: says what a test says, as slowly, and for as long, as it says."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.integration.observe.support import eventually

Bytes = Callable[[], AsyncIterator[bytes]]


def head(*lines: str) -> bytes:
    """Return the head of an answer of 200 with these header lines."""
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode()


def at_once(*pieces: bytes) -> Bytes:
    """Return an answer of *pieces*."""

    async def answer() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return answer


def without_end(piece: bytes, pause: float, first: bytes = b"") -> Bytes:
    """Return an answer that begins with *first* and goes on with *piece*, for ever."""

    async def answer() -> AsyncIterator[bytes]:
        yield first
        while True:
            yield piece
            await asyncio.sleep(pause)

    return answer


@dataclass
class RawServer:
    """What was asked, how much was sent, and who is still connected."""

    answer: Bytes
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    sent: int = 0
    connected: int = 0
    most_connected: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection, until either side has enough of it."""
        self.connected += 1
        self.most_connected = max(self.most_connected, self.connected)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            saying = asyncio.create_task(self._say(writer))
            leaving = asyncio.create_task(reader.read())
            await asyncio.wait((saying, leaving), return_when=asyncio.FIRST_COMPLETED)
            for each in (saying, leaving):
                each.cancel()
            await asyncio.gather(saying, leaving, return_exceptions=True)
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        self.connected -= 1

    async def _say(self, writer: asyncio.StreamWriter) -> None:
        async for piece in self.answer():
            writer.write(piece)
            await writer.drain()
            self.sent += len(piece)


@asynccontextmanager
async def serving(
    answer: Bytes, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[RawServer]:
    """Serve *answer* on a free port of *host*."""
    raw = RawServer(answer)
    server = await asyncio.start_server(raw.serve, host, 0, ssl=tls)
    raw.port = server.sockets[0].getsockname()[1]
    try:
        yield raw
    finally:
        server.close()
        await eventually(lambda: raw.connected == 0)
