"""
Everything that kopf calls. Handlers are wiring: they start, stop and wake the loop, nothing else.

No timers, daemons, indices, finalizers or peering: the reasons are in the documentation of kopf's
behaviour under faults, `docs/design/kopf.md`.
"""

import itertools
from typing import Any

import kopf

from plafond.api.constants import COST_POLICIES, GROUP, PRICE_SHEETS, VERSION
from plafond.controller.process import Process


def register(registry: kopf.OperatorRegistry, process: Process) -> None:
    """Connect *process* to kopf's events."""

    @kopf.on.login(id="login", registry=registry)
    def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)

    @kopf.on.startup(id="configure", registry=registry)
    def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.peering.standalone = True
        settings.posting.enabled = False
        settings.scanning.disabled = True
        # An API server that is away for long must not end the process: wait, and try again.
        settings.networking.error_backoffs = itertools.chain((1, 2, 4, 8), itertools.repeat(15))
        settings.networking.connect_timeout = 5
        settings.networking.request_timeout = 20

    @kopf.on.startup(id="start", registry=registry)
    async def start(**_: Any) -> None:
        await process.start()

    @kopf.on.cleanup(id="stop", registry=registry)
    async def stop(**_: Any) -> None:
        await process.stop()

    @kopf.on.probe(id="passes", registry=registry)
    def passes(**_: Any) -> str:
        return process.require_healthy()

    @kopf.on.event(GROUP, VERSION, COST_POLICIES, id="cost-policy-changed", registry=registry)
    async def cost_policy_changed(**_: Any) -> None:
        process.wake()

    @kopf.on.event(GROUP, VERSION, PRICE_SHEETS, id="price-sheet-changed", registry=registry)
    async def price_sheet_changed(**_: Any) -> None:
        process.wake()
