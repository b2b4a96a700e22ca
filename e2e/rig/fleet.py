"""The fleet exporter: plays demand against the pods that really run and shows their meters.

A process of its own. `GET /metrics` is for Prometheus; the rest is for stories, on loopback:
`PUT /demand` sets one workload's demand, `PUT /play` plays a recording, `GET /served` tells the
truth about the work done, `DELETE /demand` ends all demand. `PUT /external-metrics` begins to show
demand to HPAs, and loses it.
"""

import argparse
import asyncio
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from aiohttp import web

from e2e.rig import kubeconfig
from e2e.rig.demand import Recording, recording
from e2e.rig.engine import Kind, Profile
from e2e.rig.exposition import exposition
from e2e.rig.external_metrics import ExternalMetrics
from e2e.rig.pods import ReadyPods
from e2e.rig.world import Demand, World

TICK_SECONDS = 0.25


class FleetExporter:
    """Holds the world, moves it on, and answers about it."""

    def __init__(self, pods: ReadyPods):
        self._pods = pods
        self._world = World()
        self._external = ExternalMetrics(lambda: self._world)
        self._playing: tuple[Recording, float, float] | None = None

    def app(self) -> web.Application:
        """Return the HTTP server's application."""
        app = web.Application()
        app.add_routes([
            web.get("/healthz", self._healthz),
            web.get("/metrics", self._metrics),
            web.get("/served", self._served),
            web.put("/demand", self._set_demand),
            web.delete("/demand", self._end_demand),
            web.put("/play", self._play),
            web.put("/external-metrics", self._show_to_hpas),
        ])  # fmt: skip
        return app

    async def run(self) -> None:
        """Move the world on in real time, for ever."""
        then = time.monotonic()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            self._follow_recording(now)
            self._world = self._world.tick(self._pods.now(), now - then)
            then = now

    def _follow_recording(self, now: float) -> None:
        if self._playing is None:
            return
        played, began, speed = self._playing
        offset = (now - began) * speed
        for workload, rate in played.at(offset).items():
            self._change(workload, requests_per_second=rate)
        if offset >= played.ends_at:
            self._playing = None

    def _change(self, workload: str, **changes: Any) -> None:
        demand = self._world.demand.get(workload, Demand())
        self._world = self._world.with_demand(workload, replace(demand, **changes))

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _metrics(self, _: web.Request) -> web.Response:
        body = exposition(self._world.meters.values())
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4"})

    async def _served(self, _: web.Request) -> web.Response:
        world = self._world
        return web.json_response({
            workload: {
                "offered": engine.offered,
                "served": engine.served,
                "dropped": engine.dropped,
                "waiting": engine.waiting,
                "running": engine.running,
                "requests_per_second": world.demand.get(workload, Demand()).requests_per_second,
            }
            for workload, engine in world.engines.items()
            if workload in world.demand
        })  # fmt: skip

    async def _set_demand(self, request: web.Request) -> web.Response:
        """Take {workload: {requests_per_second?, profile?}}; what is left out stays as it is."""
        for workload, wanted in (await request.json()).items():
            changes = dict(wanted)
            if "profile" in changes:
                changes["profile"] = parse_profile(changes["profile"])
            self._change(workload, **changes)
        return web.json_response({})

    async def _end_demand(self, _: web.Request) -> web.Response:
        self._playing = None
        for workload in self._world.demand:
            self._change(workload, requests_per_second=0.0)
        return web.json_response({})

    async def _play(self, request: web.Request) -> web.Response:
        body = await request.json()
        rows = [(offset, workload, rate) for offset, workload, rate in body["rows"]]
        self._playing = (recording(rows), time.monotonic(), body["speed"])
        return web.json_response({})

    async def _show_to_hpas(self, request: web.Request) -> web.Response:
        """Take {certificate, key, lost}: serve with them, or fail; answer with the port."""
        body = await request.json()
        port = await self._external.serve(Path(body["certificate"]), Path(body["key"]))
        self._external.is_lost = body["lost"]
        return web.json_response({"port": port})


def parse_profile(fields: dict[str, Any]) -> Profile:
    """Return the profile that JSON *fields* describe."""
    return Profile(**{**fields, "kind": Kind(fields.get("kind", Kind.LLM.value))})


def profile_fields(profile: Profile) -> dict[str, Any]:
    """Return *profile* as JSON fields."""
    return {**asdict(profile), "kind": profile.kind.value}


async def serve(config: Path, port: int) -> None:
    """Export the fleet of the cluster that *config* names, until the process ends."""
    pods = ReadyPods(kubeconfig.access(config))
    exporter = FleetExporter(pods)
    runner = web.AppRunner(exporter.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.gather(pods.follow(), exporter.run())


def main() -> None:
    """Run the exporter."""
    parser = argparse.ArgumentParser(prog="python -m e2e.rig.fleet", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.kubeconfig, arguments.port))


if __name__ == "__main__":
    main()
