"""
The operator's own endpoints: `/metrics` for Prometheus, `/readyz` and `/healthz` for Kubernetes.

Whoever reaches them may read them, so nothing on them is secret; and whoever reaches them may be
slow, greedy or many, so each connection is short and their number is small.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from plafond.controller.address import Address

# Nobody who still reads an answer holds up the end of the process.
LONGEST_GOODBYE_SECONDS: Final = 1.0
# From the connection to the end of the answer; a scrape is given ten seconds by default.
LONGEST_VISIT_SECONDS: Final = 10.0
MOST_CONNECTIONS: Final = 64
# However often it is asked for, the text of the metrics is not made again before that.
YOUNGEST_METRICS_SECONDS: Final = 1.0

Page = Callable[[], Awaitable[web.Response]]


async def serve(address: Address, pages: Mapping[str, Page]) -> web.ServerRunner:
    """Serve *pages* on *address* until the runner that is returned is cleaned up."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = await _answer(request, pages)
        # A connection that is kept would be one that nobody is in a hurry with.
        response.force_close()
        return response

    runner = web.ServerRunner(_BriefServer(answer), shutdown_timeout=LONGEST_GOODBYE_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, address.host, address.port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


def metrics_page(registry: CollectorRegistry) -> Page:
    """Return the page that shows *registry*; many who ask at once get one answer."""
    making: asyncio.Task[bytes] | None = None
    begun = 0.0

    async def page() -> web.Response:
        nonlocal making, begun
        if making is None or (
            making.done() and time.monotonic() - begun >= YOUNGEST_METRICS_SECONDS
        ):
            # Thousands of series take a moment, in which the lease has to be renewed all the same.
            making = asyncio.create_task(asyncio.to_thread(generate_latest, registry))
            begun = time.monotonic()
        body = await asyncio.shield(making)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return page


def yes_or_no(holds: Callable[[], bool], otherwise: str) -> Page:
    """Return a page of 200 while *holds*, and of 503 with the sentence *otherwise*."""

    async def page() -> web.Response:
        if holds():
            return web.Response(text="ok\n")
        return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text=f"{otherwise}\n")

    return page


async def _answer(request: web.BaseRequest, pages: Mapping[str, Page]) -> web.Response:
    page = pages.get(request.path)
    if page is None:
        return web.Response(status=HTTPStatus.NOT_FOUND, text="there is nothing\n")
    if request.method not in {"GET", "HEAD"}:
        status, allowed = HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET, HEAD"}
        return web.Response(status=status, headers=allowed, text="it can only be read\n")
    return await page()


class _BriefServer(web.Server):
    """
    Ends connections that last, and the oldest where there are too many.

    Refusing the newest instead would let whoever holds on to connections keep the probes out.
    """

    def __init__(self, answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> None:
        super().__init__(answer, access_log=None, lingering_time=0.0)
        self._visits: dict[RequestHandler, _Visit] = {}

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Let a visitor in, and the one out that has been here for longest."""
        super().connection_made(handler, transport)
        end = asyncio.get_running_loop().call_later(LONGEST_VISIT_SECONDS, transport.abort)
        self._visits[handler] = _Visit(transport, end)
        if len(self._visits) > MOST_CONNECTIONS:
            oldest = self._visits.pop(next(iter(self._visits)))
            oldest.end.cancel()
            oldest.transport.abort()

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Forget a visitor."""
        visit = self._visits.pop(handler, None)
        if visit is not None:
            visit.end.cancel()
        super().connection_lost(handler, exc)


@dataclass(frozen=True, slots=True)
class _Visit:
    transport: asyncio.Transport
    end: asyncio.TimerHandle
