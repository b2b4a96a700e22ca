"""The fleet's demand as `external.metrics.k8s.io`, so that real HPAs can follow it.

The API server's aggregator asks for it over TLS; an APIService with a Service of type ExternalName
leads it to loopback.
"""

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from e2e.rig.world import Demand, World

GROUP, VERSION = "external.metrics.k8s.io", "v1beta1"
ROOT = f"/apis/{GROUP}/{VERSION}"
# The label of a metric's selector that names the Deployment.
WORKLOAD = "workload"
IN_FLIGHT, OFFERED = "inference_requests", "inference_requests_per_second"
SERVICE, SERVICE_NAMESPACE = "fleet-metrics", "kube-system"


class ExternalMetrics:
    """Answers for every workload of the world; *is_lost* makes every question fail."""

    def __init__(self, world: Callable[[], World]):
        self._world = world
        self._port: int | None = None
        self._starting = asyncio.Lock()
        self.is_lost = False

    async def serve(self, certificate: Path, key: Path) -> int:
        """Serve on a free loopback port, once; return the port."""
        async with self._starting:
            if self._port is None:
                self._port = await self._serve(certificate, key)
        return self._port

    async def _serve(self, certificate: Path, key: Path) -> int:
        app = web.Application()
        app.add_routes([
            web.get(ROOT, self._resources),
            web.get(f"{ROOT}/namespaces/{{namespace}}/{{metric}}", self._values),
        ])  # fmt: skip
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate, key)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        port: int = runner.addresses[0][1]
        return port

    async def _resources(self, _: web.Request) -> web.Response:
        resources = [
            {"name": name, "singularName": "", "namespaced": True, "verbs": ["get"],
             "kind": "ExternalMetricValueList"}
            for name in (IN_FLIGHT, OFFERED)
        ]  # fmt: skip
        return web.json_response({
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{GROUP}/{VERSION}",
            "resources": resources,
        })  # fmt: skip

    async def _values(self, request: web.Request) -> web.Response:
        if self.is_lost:
            return web.json_response({}, status=500)
        _, _, name = request.query.get("labelSelector", "").partition(f"{WORKLOAD}=")
        metric = request.match_info["metric"]
        workload = f"{request.match_info['namespace']}/{name}"
        found = value_of(self._world(), workload, metric)
        items = [] if found is None else [_item(metric, name, found)]
        body = {"kind": "ExternalMetricValueList", "apiVersion": f"{GROUP}/{VERSION}"}
        return web.json_response({**body, "metadata": {}, "items": items})


def value_of(world: World, workload: str, metric: str) -> float | None:
    """Return what *metric* of *workload* is now, None if there is no such thing."""
    if metric == OFFERED and workload in world.demand:
        return world.demand.get(workload, Demand()).requests_per_second
    if metric == IN_FLIGHT and workload in world.engines:
        return world.engines[workload].running + world.engines[workload].waiting
    return None


def _item(metric: str, name: str, value: float) -> dict[str, Any]:
    now = datetime.now(UTC)  # noqa: TID251 - the metrics are of the real now
    return {
        "metricName": metric,
        "metricLabels": {WORKLOAD: name},
        "timestamp": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "value": f"{round(value * 1000)}m",
    }


def registration(port: int) -> list[dict[str, Any]]:
    """Return what leads the API server's aggregator to *port* on loopback."""
    service = {"name": SERVICE, "namespace": SERVICE_NAMESPACE}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": service,
            "spec": {"type": "ExternalName", "externalName": "localhost"},
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"{VERSION}.{GROUP}"},
            "spec": {
                "group": GROUP,
                "version": VERSION,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "service": {**service, "port": port},
                # It would be checked for the Service's name, which loopback does not have.
                "insecureSkipTLSVerify": True,
            },
        },
    ]
