"""The operator's endpoints: what Prometheus scrapes and what Kubernetes probes."""

import asyncio
import socket
from datetime import UTC, datetime, timedelta

import aiohttp
import kopf
import pytest
from e2e.rig.ports import free_ports
from kopf._core.engines import probing
from kopf._core.engines.probing import health_reporter
from prometheus_client.parser import text_string_to_metric_families

from plafond.controller.address import Address
from plafond.controller.handlers import register
from plafond.controller.kopf_settings import kopf_settings
from plafond.controller.web import require_free, serve
from plafond.report.metrics import Metrics


@pytest.fixture
def address():
    (port,) = free_ports(1)
    return Address("127.0.0.1", port)


async def asked(address, path):
    async with aiohttp.ClientSession() as session, session.get(f"http://{address}{path}") as answer:
        return answer.status, await answer.text(), answer.headers.get("Content-Type", "")


async def test_metrics_are_what_prometheus_reads(address):
    runner = await serve(address, Metrics().registry, lambda: True)

    code, text, kind = await asked(address, "/metrics")
    await runner.cleanup()

    assert (code, kind.partition(";")[0]) == (200, "text/plain")
    assert "plafond_build_info" in text
    assert {f.name.partition("_")[0] for f in text_string_to_metric_families(text)} == {"plafond"}


@pytest.mark.parametrize(("is_ready", "code"), [(True, 200), (False, 503)])
async def test_readyz_says_whether_passes_are_completed(address, is_ready, code):
    runner = await serve(address, Metrics().registry, lambda: is_ready)

    found, text, _ = await asked(address, "/readyz")
    await runner.cleanup()

    assert (found, text) == (code, "ok\n" if is_ready else "no pass was completed lately\n")


@pytest.mark.parametrize("path", ["/", "/healthz", "/debug"])
async def test_there_is_nothing_else(address, path):
    runner = await serve(address, Metrics().registry, lambda: True)

    code, _, _ = await asked(address, path)
    await runner.cleanup()

    assert code == 404


async def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_behind(address):
    runner = await serve(address, Metrics().registry, lambda: True)

    with pytest.raises(OSError, match="address already in use"):
        await serve(address, Metrics().registry, lambda: True)
    await runner.cleanup()


def test_a_port_that_is_taken_is_known_before_it_is_listened_on():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(OSError, match="ddress already in use"):
            require_free(address)

    require_free(address)


class Patient:
    """A process whose health a test sets."""

    def __init__(self):
        self.is_healthy = True

    async def start(self):
        pass

    async def stop(self):
        pass

    def wake(self):
        pass

    def require_healthy(self):
        if not self.is_healthy:
            msg = "no pass came to an end lately"
            raise kopf.PermanentError(msg)
        return "ok"


@pytest.fixture
async def probed(address):
    """Kopf's own endpoint with our handlers, without a cluster."""
    patient, registry, ready = Patient(), kopf.OperatorRegistry(), asyncio.Event()
    register(registry, patient)
    task = asyncio.create_task(
        health_reporter(
            f"http://{address}/healthz",
            memo=kopf.Memo(),
            indices={},
            registry=registry,
            settings=kopf_settings(),
            ready_flag=ready,
        )
    )
    await ready.wait()
    yield patient
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_healthz_is_an_error_while_passes_do_not_come_to_an_end(probed, address):
    probed.is_healthy = False
    assert [(await asked(address, "/healthz"))[0] for _ in range(2)] == [500, 500]

    # Kopf keeps good answers alone, for ten seconds: the end of trouble is seen at once.
    probed.is_healthy = True
    assert (await asked(address, "/healthz"))[:2] == (200, '{"passes": "ok"}')


async def test_the_begin_of_trouble_is_seen_when_kopf_s_good_answer_is_ten_seconds_old(
    probed, address, monkeypatch
):
    assert (await asked(address, "/healthz"))[0] == 200
    probed.is_healthy = False
    assert (await asked(address, "/healthz"))[0] == 200

    monkeypatch.setattr(probing, "datetime", Later)

    assert (await asked(address, "/healthz"))[0] == 500


class Later:
    """The datetime module, eleven seconds later."""

    UTC = UTC

    class datetime:  # noqa: N801 - as in the standard library
        @staticmethod
        def now(zone):
            return datetime.now(zone) + timedelta(seconds=11)  # noqa: TID251 - kopf reads the clock
