"""
A proxy on loopback in front of the API server, for one program, that spoils what passes through it.

It speaks HTTP, not bytes: a fault sees whole requests, answers and watch events. What no fault
touches is passed on as it is.
"""

import asyncio
import json
import ssl
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self, TypeVar

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, TCPConnector, web

from e2e.rig.certificates import Pki
from e2e.rig.components import LOOPBACK
from e2e.rig.faults import Answered, Asked, DroppedError, Fault
from e2e.rig.kubeconfig import at_server
from e2e.rig.ports import free_ports

T = TypeVar("T")

GOOD_BYE_SECONDS = 0.5
# Between two programs on one machine these are not passed on: each side has its own.
HOP_BY_HOP = {"host", "connection", "transfer-encoding", "content-length", "accept-encoding"}


class ApiProxy:
    """
    Listens on a port of its own while it is started; `faults` says what befalls requests.

    Faults are asked in their order. They can be exchanged at any time.
    """

    def __init__(self, server: str, pki: Pki, *faults: Fault):
        self.faults: tuple[Fault, ...] = faults
        (self._port,) = free_ports(1)
        self._server = server
        self._near = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._near.load_cert_chain(pki.certificate("apiserver"), pki.key("apiserver"))
        self._far = ssl.create_default_context(cafile=str(pki.certificate("ca")))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()
        # Connections that are cut in the middle of TLS take a moment until they are closed.
        self._run(asyncio.sleep(GOOD_BYE_SECONDS))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def kubeconfig(self, path: Path, other: Path) -> Path:
        """Write the kubeconfig *other* to *path*, with the way to the API server through here."""
        return at_server(path, other, f"https://{LOOPBACK}:{self._port}")

    def up(self) -> None:
        """Listen from now on."""
        self._run(self._listen())

    def down(self) -> None:
        """Break every connection and listen no more, as an API server that is gone."""
        self._run(self._end())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _listen(self) -> None:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        app.cleanup_ctx.append(self._session_of)
        # Whoever is cut off is not waited for, and who has gone needs no answer.
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True
        )
        await self._runner.setup()
        await web.TCPSite(
            self._runner, LOOPBACK, self._port, ssl_context=self._near, reuse_address=True
        ).start()

    async def _end(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _session_of(self, app: web.Application) -> Any:
        connector = TCPConnector(ssl=self._far, limit=0)
        async with ClientSession(
            connector=connector, timeout=ClientTimeout(total=None), auto_decompress=False
        ) as self._session:
            yield
            # Nobody waits for the good-bye of a connection that is cut.
            await connector.close(abort_ssl=True)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._answer(request, await _asked(request))
        except (DroppedError, ClientError, ConnectionError, TimeoutError):
            # An API server that is gone in the middle of an answer says nothing any more.
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=502)

    async def _answer(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        faults = self.faults
        for fault in faults:
            asked = fault.changed(asked)
            found = await fault.instead(asked)
            if found is not None:
                return _response(found)
        async with self._forwarded(asked) as response:
            if asked.is_watch and response.status == web.HTTPOk.status_code:
                return await self._stream(request, asked, response)
            found = Answered(response.status, await response.read(), _passed_on(response.headers))
        for fault in faults:
            found = await fault.answered(asked, found)
        return _response(found)

    def _forwarded(self, asked: Asked) -> Any:
        return self._session.request(
            asked.method,
            self._server + asked.path,
            params=list(asked.query),
            headers=dict(asked.headers),
            data=asked.body or None,
        )

    async def _stream(
        self, request: web.Request, asked: Asked, response: ClientResponse
    ) -> web.StreamResponse:
        stream = web.StreamResponse(headers=_passed_on(response.headers))
        await stream.prepare(request)
        await _Told(stream, asked, self.faults).pass_on(response)
        return stream


class _Told:
    """One watch: its events, as the faults let them through."""

    def __init__(self, stream: web.StreamResponse, asked: Asked, faults: tuple[Fault, ...]):
        self._stream, self._asked, self._faults = stream, asked, faults

    async def pass_on(self, response: ClientResponse) -> None:
        """Tell every event of *response*, or what became of it, in order."""
        rest = b""
        async for chunk in response.content.iter_any():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                await self._tell(json.loads(line))

    async def _tell(self, event: Any) -> None:
        events = [event]
        for fault in self._faults:
            events = [each for one in events for each in await fault.told(self._asked, one)]
        for each in events:
            await self._stream.write(json.dumps(each).encode() + b"\n")


async def _asked(request: web.Request) -> Asked:
    headers = _passed_on(request.headers)
    query = tuple(request.query.items())
    return Asked(request.method, request.path, query, await request.read(), headers)


def _passed_on(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in HOP_BY_HOP}


def _response(found: Answered) -> web.Response:
    return web.Response(status=found.code, body=found.body, headers=found.headers)
