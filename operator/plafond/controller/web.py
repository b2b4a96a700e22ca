"""The operator's own endpoints: `/metrics` for Prometheus and `/readyz` for Kubernetes."""

import socket
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from plafond.controller.address import Address

# Nobody who still reads an answer holds up the end of the process.
LONGEST_GOODBYE_SECONDS = 1.0


async def serve(
    address: Address, registry: CollectorRegistry, is_ready: Callable[[], bool]
) -> web.AppRunner:
    """Serve on *address* until the runner that is returned is cleaned up."""

    async def metrics(_: web.Request) -> web.Response:
        body = generate_latest(registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def readyz(_: web.Request) -> web.Response:
        if is_ready():
            return web.Response(text="ok\n")
        return web.Response(status=503, text="no pass was completed lately\n")

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics), web.get("/readyz", readyz)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=LONGEST_GOODBYE_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, address.host, address.port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


def require_free(address: Address) -> None:
    """Raise OSError when nobody can listen on *address*."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    socket.create_server((address.host, address.port), family=family).close()
