"""`python -m plafond` as it is started: one pass, the end by SIGTERM, and every failed start."""

import asyncio
import json
import os
import ssl
import sys
from pathlib import Path

import aiohttp
import pytest
import yaml
from e2e.rig.certificates import make_pki
from e2e.rig.ports import free_ports
from tests.integration.fakes import objects as made
from tests.integration.fakes import prometheus
from tests.integration.fakes.discovery import OURS, documents
from tests.integration.fakes.kubernetes_api import FakeKubernetes, running
from tests.integration.fakes.raw_server import at_once, serving
from tests.integration.observe.support import eventually

from plafond.api.convert_ledger import parse_ledger

ROOT = Path(__file__).parents[3]
SECONDS = 20.0


class Operator:
    """One start of the operator, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.health, self.metrics = free_ports(2)
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "operator"),
            "PYTHONUNBUFFERED": "1",
            "HOME": str(directory),
            # Nothing may be sent there.
            "HTTP_PROXY": "http://127.0.0.1:9",
            "http_proxy": "http://127.0.0.1:9",
        }
        self.process = None

    def configure(self, **config) -> None:
        fields = {
            "evaluationPeriod": "1s",
            "healthAddress": f"127.0.0.1:{self.health}",
            "metricsAddress": f"127.0.0.1:{self.metrics}",
            **config,
        }
        (self.directory / "plafond.yaml").write_text(yaml.safe_dump(fields))

    def use_cluster(self, url: str) -> None:
        named = {"name": "fake", "cluster": {"server": url}}
        context = {"name": "fake", "context": {"cluster": "fake", "user": "me"}}
        kubeconfig = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [named],
            "users": [{"name": "me", "user": {"token": "sesame"}}],
            "contexts": [context],
            "current-context": "fake",
        }
        path = self.directory / "kubeconfig"
        path.write_text(yaml.safe_dump(kubeconfig))
        self.environment["KUBECONFIG"] = str(path)

    async def start(self, *args: str) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-W",
            "error::RuntimeWarning",
            "-m",
            "plafond",
            "--config",
            str(self.directory / "plafond.yaml"),
            *args,
            cwd=self.directory,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def ended(self) -> tuple[int, str, str]:
        """Return the exit code and what was said."""
        async with asyncio.timeout(SECONDS):
            output, errors = await self.process.communicate()
        return self.process.returncode, output.decode(), errors.decode()

    async def answers(self, port: int, path: str) -> int | None:
        try:
            url = f"http://127.0.0.1:{port}{path}"
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                return answer.status
        except aiohttp.ClientConnectionError:
            return None


@pytest.fixture
async def operator(tmp_path):
    made_ = Operator(tmp_path)
    made_.configure(prometheus={"url": "http://127.0.0.1:9"})
    yield made_
    if made_.process is not None and made_.process.returncode is None:
        made_.process.kill()
        await made_.process.wait()


@pytest.fixture
async def cluster(operator):
    """An API server with one team, two replicas of llm that run, and one too many of them."""
    fake = FakeKubernetes()
    fake.documents = documents()
    fake.put(made.NAMESPACES, made.namespace("team-a"))
    fake.put(made.NODES, made.node("node-1"))
    fake.put(made.PRICES, made.price_sheet("eur"))
    fake.put(made.POLICIES, made.policy("limits", currency="EUR", ceilings={"replicas": 1}))
    fake.put(made.DEPLOYMENTS, made.deployment("llm", replicas=2))
    fake.put(made.REPLICA_SETS, made.replica_set("llm-1", "llm"))
    for number in range(2):
        fake.put(made.PODS, made.pod(f"llm-1-{number}", replica_set="llm-1"))
    async with running(fake) as client:
        operator.use_cluster(client.configuration.host)
        yield fake


async def test_it_runs_passes_and_ends_in_order_when_it_is_told_to(operator, cluster):
    async with prometheus.running(prometheus.FakePrometheus()) as url:
        operator.configure(prometheus={"url": url})
        await operator.start()
        deployment = cluster.objects[made.DEPLOYMENTS]["team-a/llm"]

        async def is_lowered():
            return cluster.objects[made.DEPLOYMENTS]["team-a/llm"]["spec"]["replicas"] == 1

        assert deployment["spec"]["replicas"] == 2
        await eventually(is_lowered, within=SECONDS)
        assert await operator.answers(operator.health, "/healthz") == 200

        async def is_ready():
            return await operator.answers(operator.metrics, "/readyz") == 200

        await eventually(is_ready, within=SECONDS)
        first = parse_ledger(cluster.objects[made.LEDGERS]["team-a/plafond"]).ledger.as_of
        await asyncio.sleep(1.2)

        operator.process.terminate()
        code, output, errors = await operator.ended()

    assert code == 0, errors
    assert parse_ledger(cluster.objects[made.LEDGERS]["team-a/plafond"]).ledger.as_of > first
    assert [json.loads(line)["workload"] for line in output.splitlines()][:1] == [
        "deployments.apps/llm"
    ]
    assert "Traceback" not in errors
    assert "sesame" not in errors + output


async def test_the_token_for_prometheus_is_sent_there_and_is_nowhere_else(
    operator, cluster, tmp_path
):
    canary = "canary-5ecret"
    (tmp_path / "token").write_text(canary)
    pki = make_pki(tmp_path / "pki")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pki.certificate("apiserver"), pki.key("apiserver"))
    scaling = {"gpuUtilization": {"targetPercent": 70}}
    cluster.put(made.POLICIES, made.policy("limits", mode="Observe", scaling=scaling))
    # Whoever is not let in is told what was sent, in head and body.
    refused = f"HTTP/1.1 401 Bearer {canary}\r\nContent-Length: 13\r\n\r\n{canary}".encode()

    def told():
        return json.dumps(cluster.objects[made.POLICIES]["team-a/limits"].get("status", {}))

    async with serving(at_once(refused), tls) as guarded, serving(at_once(refused)) as proxy:
        operator.configure(
            prometheus={
                "url": f"https://127.0.0.1:{guarded.port}",
                "tokenFile": str(tmp_path / "token"),
                "caFile": str(pki.certificate("ca")),
            },
            timing={"metricsGapReportedAfter": "1s", "statusInterval": "1s"},
        )
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            for each in (name, name.lower()):
                operator.environment[each] = f"http://127.0.0.1:{proxy.port}"
        await operator.start("--verbose")
        await eventually(lambda: "check prometheus.tokenFile" in told(), within=SECONDS)
        url = f"http://127.0.0.1:{operator.metrics}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            metrics = await answer.text()
        operator.process.terminate()
        _, output, errors = await operator.ended()

    assert f"Bearer {canary}".encode() in guarded.requests[0]
    assert proxy.requests == []
    assert "does not let the operator in (401)" in errors
    assert canary not in output + errors + metrics + repr(cluster.objects) + repr(cluster.requests)


async def test_a_port_that_is_taken_is_a_sentence(operator, cluster):
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", operator.metrics)
    async with taken:
        await operator.start()
        code, _, errors = await operator.ended()

    assert code == 1
    (line,) = errors.splitlines()
    assert line.startswith("plafond: metricsAddress cannot be listened on: ")
    assert line.endswith(f"('127.0.0.1', {operator.metrics}): address already in use")


async def test_missing_definitions_are_a_sentence_that_helps(operator, cluster):
    cluster.documents = documents(ours=OURS[:2])
    await operator.start()
    code, _, errors = await operator.ended()

    assert code == 1
    assert errors == (
        "plafond: the cluster does not know spendledgers of plafond.dev/v1alpha1; install the "
        "custom resource definitions first: kubectl apply -f crds/\n"
    )


async def test_a_cluster_that_is_away_is_waited_for(operator):
    operator.use_cluster("http://127.0.0.1:9")
    await operator.start()

    async def is_alive():
        return await operator.answers(operator.health, "/healthz") == 200

    await eventually(is_alive, within=SECONDS)
    assert await operator.answers(operator.metrics, "/readyz") == 503

    # Told to end, kopf would wait five seconds for requests of its own.
    operator.process.kill()
    _, _, errors = await operator.ended()
    assert "the API server was not reached yet" in errors
    assert "Traceback" not in errors
