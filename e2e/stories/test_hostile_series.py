"""Series that somebody made up, in a real Prometheus: they move nobody else's workload."""

import asyncio
import http.server
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from e2e.rig.binaries import binaries
from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.rig.ports import free_ports
from e2e.rig.processes import Process
from e2e.rig.prometheus import query
from e2e.rig.web import is_up
from e2e.world import Watched, condition, deployment, operator, policy, price_sheet
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from plafond.model.meters import LATENCIES, Meter, PodKey
from plafond.observe.meter_source import MeterSource
from plafond.observe.meters import DEFAULT_QUERIES, Meters

GPU = "DCGM_FI_DEV_GPU_UTIL"
HOSTILE = (
    '"', "'", "`", "\\", '\\"', "\n", "\r\n", "\t", "\x00", "\x1b[31m", "{}", '"} or vector(100) #',
    '"}) or on() vector(1e9) or ({pod="', "$1", "%s", "{{.}}", "../..", "a" * 50_000, " ", "\u202e",
    "\N{GRINNING FACE}", "e\N{COMBINING ACUTE ACCENT}", "\N{LATIN SMALL LETTER E WITH ACUTE}",
    "\uffff", "\U0010ffff", "\ufeff", "chat ", "chat\n", "null", "NaN", "0", "__name__",
)  # fmt: skip


def hostile_values() -> tuple[str, ...]:
    """Return the traps, and a hundred words of whatever Unicode has, the same in each run."""
    dice = random.Random(7)  # noqa: S311 - the same dice in each run, and no secret
    alphabet = [chr(c) for c in range(1, 0x3000)] + list("\"\\\n'{}") * 200
    words = {"".join(dice.choices(alphabet, k=dice.randint(1, 30))) for _ in range(100)}
    return tuple(sorted({*HOSTILE, *words}))


@dataclass
class Exporter:
    """Says of pods what a test wants, whoever they are."""

    # (namespace, pod) and its utilization; an empty label is one that is missing.
    rows: Callable[[], dict[tuple[str, str], float]] = field(default=dict)

    def text(self) -> bytes:
        registry = CollectorRegistry()
        gauge = Gauge(GPU, "GPU utilization (in %).", ["namespace", "pod"], registry=registry)
        for names, value in self.rows().items():
            gauge.labels(*names).set(value)
        return generate_latest(registry)


@contextmanager
def served(exporter: Exporter) -> Iterator[int]:
    """Serve *exporter* on a port of its own."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = exporter.text()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus of the story's own, which writes down what it was asked."""

    url: str
    query_log: Path

    @property
    def asked(self) -> set[str]:
        """Every query so far."""
        lines = self.query_log.read_text().splitlines() if self.query_log.exists() else []
        return {json.loads(line)["params"]["query"] for line in lines}


@contextmanager
def prometheus(directory: Path, target: int) -> Iterator[Prometheus]:
    """Run the real program for the time of a story, scraping *target* every second."""
    (port,) = free_ports(1)
    config, log = directory / "prometheus.yaml", directory / "queries.log"
    targets = [{"targets": [f"127.0.0.1:{target}"]}]
    job = {"job_name": "hostile", "honor_labels": True, "static_configs": targets}
    every = {"scrape_interval": "1s", "scrape_timeout": "1s", "query_log_file": str(log)}
    config.write_text(yaml.safe_dump({"global": every, "scrape_configs": [job]}))
    url = f"http://127.0.0.1:{port}"
    command = [
        str(binaries(["prometheus"])["prometheus"]),
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    process = Process("own-prometheus", command, directory, ready=lambda: is_up(f"{url}/-/ready"))
    process.start()
    try:
        yield Prometheus(url, log)
    finally:
        process.kill()


def test_whatever_series_are_called_each_is_read_as_what_it_is(tmp_path):
    values = hostile_values()
    rows = {(a, b): float(n) for n, a in enumerate(values) for b in (a, values[-n])}
    exporter = Exporter(lambda: rows)
    with served(exporter) as port, prometheus(tmp_path, port) as real:
        poll(lambda: len(query(real.url, GPU)) == len(rows), what="a scrape")
        meters = Meters(MeterSource(real.url), DEFAULT_QUERIES[:1])
        reading = _read(meters)
        exporter.rows = lambda: {**rows, ("", "chat"): 1.0, ("team-a", ""): 1.0}
        poll(lambda: len(query(real.url, GPU)) == len(rows) + 2, what="a scrape")
        unnamed = _read(meters)
        meters.close()

    assert reading.values == {PodKey(*names): value for names, value in rows.items()}
    assert reading.gap is None
    # One has no namespace; one has no pod, which the query leaves out.
    assert unnamed.values == reading.values
    assert "1 series name no pod; check namespaceLabel and podLabel" in unnamed.gap.why


def _read(meters: Meters):
    now = datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251 - Prometheus has a clock
    return asyncio.run(meters.read(now))[Meter.GPU_UTILIZATION]


@pytest.fixture
def chat(rig: Rig, namespace: str) -> Watched:
    """Four replicas that follow the utilization of their GPUs."""
    rig.apply(price_sheet("story-eur", "EUR"))
    rig.apply(deployment(namespace, "chat", 4))
    chat = Watched(rig, namespace, "chat")
    chat.comes_to(4)
    scaling = {"gpuUtilization": {"targetPercent": 70}, "scaleDownStabilization": "5s"}
    rig.apply(policy(namespace, ceilings={"replicas": 8}, scaling=scaling))
    return chat


@pytest.mark.timeout(180)
def test_hostile_series_move_nothing_and_change_no_query(rig: Rig, chat: Watched, tmp_path):
    namespace = chat.namespace
    made_up = {(a, b): 100.0 for a in hostile_values() for b in (a, "chat")}

    def rows() -> dict[tuple[str, str], float]:
        pods = rig.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
        names = [each["metadata"]["name"] for each in pods]
        own = {(namespace, name): 140 / len(names) for name in names}
        # In our namespace, too, of pods that are not there, or only nearly.
        strange = {(namespace, name + trap): 100.0 for name in names for trap in ("\n", '"', " ")}
        return {**made_up, **strange, **own}

    exporter = Exporter(rows)
    with served(exporter) as port, prometheus(tmp_path, port) as real:
        poll(lambda: len(query(real.url, GPU)) > len(made_up), what="a scrape")
        with operator(rig, tmp_path, prometheus={"url": real.url, "timeout": "2s"}) as running:
            # 140 % of one GPU are two at 70 %, whatever the others claim.
            chat.comes_to(2, within=60)

            exporter.rows = lambda: {**rows(), ("", "chat"): 100.0}
            message = poll(lambda: _missing(rig, namespace), what="the condition")
            assert chat.replicas == 2
            log = running.log_path.read_text()
        asked = real.asked - {GPU}

    assert "1 series name no pod; check namespaceLabel and podLabel" in message
    assert "Traceback" not in log
    assert not any(trap in log for trap in hostile_values() if len(trap) > 9)
    assert asked == {each.query for each in DEFAULT_QUERIES if each.meter not in LATENCIES}


def _missing(rig: Rig, namespace: str) -> str:
    status, _, message = condition(rig, namespace, "MetricsAvailable")
    return message if status == "False" else ""
