"""
Everything that kopf calls. Handlers are wiring: they start, stop and wake the loop, nothing else.

No timers, daemons, indices, finalizers or peering: kopf's timers die for good with a failing patch,
its indices keep ghosts, and its finalizers would hold up namespaces while the operator is down.
"""

from typing import Any

import kopf

from plafond.api.constants import COST_POLICIES, GROUP, PRICE_SHEETS, VERSION
from plafond.controller.generations import Generations
from plafond.controller.process import Process


def register(registry: kopf.OperatorRegistry, process: Process) -> None:
    """Connect *process* to kopf's events."""
    generations = Generations()

    def is_news(*, type: str | None, meta: kopf.Meta, **_: Any) -> bool:  # noqa: A002 - kopf's name
        return generations.is_news(type, meta)

    @kopf.on.login(id="login", registry=registry)
    def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**kwargs) or kopf.login_via_client(**kwargs)

    @kopf.on.startup(id="start", registry=registry, errors=kopf.ErrorsMode.PERMANENT)
    async def start(**_: Any) -> None:
        await process.start()

    @kopf.on.cleanup(id="stop", registry=registry, errors=kopf.ErrorsMode.PERMANENT)
    async def stop(**_: Any) -> None:
        await process.stop()

    @kopf.on.event(
        GROUP, VERSION, COST_POLICIES, id="cost-policy-changed", when=is_news, registry=registry
    )
    async def cost_policy_changed(**_: Any) -> None:
        process.wake()

    @kopf.on.event(
        GROUP, VERSION, PRICE_SHEETS, id="price-sheet-changed", when=is_news, registry=registry
    )
    async def price_sheet_changed(**_: Any) -> None:
        process.wake()
