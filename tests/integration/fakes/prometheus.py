"""A small Prometheus on loopback: queries, answered as a test says."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def sample(namespace: str, pod: str, value: str, at: float | None = None) -> dict[str, Any]:
    """Return one row of a vector."""
    return {
        "metric": {"namespace": namespace, "pod": pod},
        "value": [time.time() if at is None else at, value],  # noqa: TID251 - Prometheus has a clock
    }


def vector(*rows: Any, **more: Any) -> Answer:
    """Return an answer of 200 with these rows; *more* stands beside them, as warnings do."""
    data = {"resultType": "vector", "result": list(rows)}
    return text(json.dumps({"status": "success", "data": data, **more}))


def series(start: float, step: float, *values: str, **labels: str) -> dict[str, Any]:
    """Return one row of a matrix."""
    return {
        "metric": labels,
        "values": [[start + index * step, value] for index, value in enumerate(values)],
    }


def matrix(*rows: Any, **more: Any) -> Answer:
    """Return an answer of 200 to a range query."""
    data = {"resultType": "matrix", "result": list(rows)}
    return text(json.dumps({"status": "success", "data": data, **more}))


def text(body: str, code: int = 200) -> Answer:
    """Return an answer of any text."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=body, status=code, content_type="application/json")

    return answer


def late(seconds: float) -> Answer:
    """Return an answer that comes after *seconds*."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await vector()(request)

    return answer


def redirect(to: str) -> Answer:
    """Return an answer that sends elsewhere."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": to})

    return answer


def drip(chunk: bytes, times: int, pause: float) -> Answer:
    """Return an answer of 200 whose body comes in chunks."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(times):
            await response.write(chunk)
            await asyncio.sleep(pause)
        return response

    return answer


class FakePrometheus:
    """Answers by query; asks nothing of PromQL."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: dict[str, Answer] = {}
        self.queries: list[str] = []
        self.ranges: list[dict[str, str]] = []
        self.authorizations: list[str | None] = []
        self.elsewhere = 0

    async def query(self, request: web.Request) -> web.StreamResponse:
        """Answer one instant query."""
        asked = request.query["query"]
        self.queries.append(asked)
        self.authorizations.append(request.headers.get("Authorization"))
        return await self.answers.get(asked, vector())(request)

    async def range(self, request: web.Request) -> web.StreamResponse:
        """Answer one range query."""
        self.ranges.append({key: request.query[key] for key in ("query", "start", "end", "step")})
        return await self.answers.get("range", matrix())(request)

    async def other(self, _: web.Request) -> web.StreamResponse:
        """Count what should never be asked for."""
        self.elsewhere += 1
        return web.Response()


@asynccontextmanager
async def running(fake: FakePrometheus) -> AsyncIterator[str]:
    """Serve *fake* on a free port and yield its address."""
    app = web.Application()
    app.router.add_get("/api/v1/query", fake.query)
    app.router.add_get("/api/v1/query_range", fake.range)
    app.router.add_get("/{path:.*}", fake.other)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake.url
    finally:
        await runner.cleanup()
