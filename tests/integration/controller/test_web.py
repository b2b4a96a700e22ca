"""The operator's endpoints: what is scraped and probed, and who is kept short."""

import asyncio
import contextlib
import time

import aiohttp
import pytest
from e2e.rig.ports import free_ports
from prometheus_client.parser import text_string_to_metric_families
from tests.integration.observe.support import eventually

from plafond.controller import web
from plafond.controller.address import Address
from plafond.controller.web import MOST_CONNECTIONS, metrics_page, serve, yes_or_no
from plafond.report.metrics import Metrics

WHY = "no pass was completed lately"


class Health:
    """Whether all is well; a test sets it."""

    is_good = True


@pytest.fixture
def health():
    return Health()


@pytest.fixture
async def address(health):
    """Where both pages are served."""
    (port,) = free_ports(1)
    address = Address("127.0.0.1", port)
    pages = {
        "/metrics": metrics_page(Metrics().registry),
        "/readyz": yes_or_no(lambda: health.is_good, WHY),
    }
    runner = await serve(address, pages)
    yield address
    await runner.cleanup()


async def asked(address, path, method="GET", **more):
    url = f"http://{address}{path}"
    async with aiohttp.ClientSession() as session, session.request(method, url, **more) as answer:
        return answer.status, await answer.text(), answer.headers


@contextlib.asynccontextmanager
async def connected(address, said=b""):
    """Connect, and say no more than *said*."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        writer.write(said)
        await writer.drain()
        yield reader
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def rest(reader):
    """Return what else is said before the other side ends it."""
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionResetError:
        return b""


async def test_metrics_are_what_prometheus_reads(address):
    code, text, headers = await asked(address, "/metrics")

    assert (code, headers["Content-Type"].partition(";")[0]) == (200, "text/plain")
    assert "plafond_build_info" in text
    assert {f.name.partition("_")[0] for f in text_string_to_metric_families(text)} == {"plafond"}


async def test_a_page_says_whether_something_holds_as_it_is_at_that_moment(address, health):
    assert (await asked(address, "/readyz"))[:2] == (200, "ok\n")

    health.is_good = False
    assert (await asked(address, "/readyz"))[:2] == (503, f"{WHY}\n")

    health.is_good = True
    assert (await asked(address, "/readyz"))[:2] == (200, "ok\n")


@pytest.mark.parametrize("path", ["/", "/healthz", "/debug", "/metrics/", "/../etc/passwd"])
async def test_there_is_nothing_else(address, path):
    assert (await asked(address, path))[0] == 404


@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "MOVE"])
async def test_it_can_only_be_read(address, path, method):
    code, _, headers = await asked(address, path, method, data=b"x" * 100)

    assert (code, headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
async def test_a_head_is_answered_without_a_body(address, path):
    code, text, headers = await asked(address, path, "HEAD")

    assert (code, text) == (200, "")
    assert int(headers["Content-Length"]) > 0


async def test_a_connection_is_closed_with_its_answer(address):
    async with connected(address, b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n") as reader:
        assert (await rest(reader)).endswith(b"ok\n")


SLOW = {
    "says nothing": b"",
    "ends in the middle of its head": b"GET /metrics HTTP/1.1\r\nHost: x\r\nA: ",
    "promises a body": b"POST /readyz HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n",
}


@pytest.mark.parametrize("said", SLOW.values(), ids=SLOW)
async def test_who_does_not_come_to_an_end_is_let_go_of(address, said, monkeypatch):
    monkeypatch.setattr(web, "LONGEST_VISIT_SECONDS", 0.3)
    began = time.monotonic()

    async with connected(address, said) as reader:
        await rest(reader)

    assert time.monotonic() - began < 5


async def test_who_does_not_read_is_let_go_of(health, monkeypatch):
    monkeypatch.setattr(web, "LONGEST_VISIT_SECONDS", 0.5)
    large = web.web.Response(body=b"x" * 50_000_000)

    async def page():
        return large

    (port,) = free_ports(1)
    address = Address("127.0.0.1", port)
    runner = await serve(address, {"/large": page})
    async with connected(address, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"):
        await eventually(lambda: len(runner.server.connections) == 1)
        await eventually(lambda: runner.server.connections == [])
    await runner.cleanup()


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"A: " + b"x" * 1_000_000, id="one of a megabyte"),
        pytest.param(b"A: b\r\n" * 100_000, id="a hundred thousand"),
    ],
)
async def test_large_heads_are_refused(address, head):
    said = b"GET /readyz HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n"
    with contextlib.suppress(ConnectionError):
        async with connected(address, said) as reader:
            assert (await rest(reader)).split(b" ")[1:2] in ([], [b"400"])

    assert (await asked(address, "/readyz"))[0] == 200


async def test_probes_are_answered_however_many_hold_on_to_their_connections(address):
    async with contextlib.AsyncExitStack() as crowd:
        readers = [
            await crowd.enter_async_context(connected(address, b"GET /"))
            for _ in range(3 * MOST_CONNECTIONS)
        ]

        for _ in range(20):
            assert (await asked(address, "/readyz"))[0] == 200

        # Whoever has been here for longest has made room.
        assert await rest(readers[0]) == b""


async def test_many_who_ask_at_once_get_one_answer(monkeypatch):
    made = []

    def generate(_):
        time.sleep(0.2)
        made.append(1)
        return b"text"

    monkeypatch.setattr(web, "generate_latest", generate)
    page = metrics_page(Metrics().registry)

    bodies = await asyncio.gather(*(page() for _ in range(50)))

    assert {each.body for each in bodies} == {b"text"}
    assert len(made) == 1


async def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_behind(address):
    with pytest.raises(OSError, match="address already in use"):
        await serve(address, {})
