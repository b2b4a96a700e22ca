"""The operator's process: builds everything that touches the world, and takes it down again."""

import asyncio
import logging
from datetime import UTC, datetime

import kopf
from aiohttp import web
from kubernetes.aio import client, config

from plafond.api.constants import FIELD_MANAGER
from plafond.api.writer import ApiWriter
from plafond.controller.config import Config
from plafond.controller.loop import ControlLoop, Surroundings
from plafond.controller.web import serve
from plafond.enforce.enforcer import ClusterEnforcer, ObservingEnforcer
from plafond.model.policy import Mode
from plafond.observe.meters import Meters
from plafond.observe.snapshot import Observer
from plafond.report.checkpoint import Checkpoints
from plafond.report.metrics import Metrics
from plafond.report.reporter import Reporter, ReportSettings

logger = logging.getLogger(__name__)


def now() -> datetime:
    """Return the time; the only clock of the operator."""
    return datetime.now(UTC)


class Process:
    """One running operator."""

    def __init__(self, settings: Config) -> None:
        self._config = settings
        self._loop: ControlLoop | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect, start to observe, and run the loop in the background."""
        await _load_access()
        self._api = client.ApiClient()
        self._meters = Meters(self._config.prometheus.source, self._config.queries)
        self._observer = Observer(self._api, self._meters, now, self.wake)
        metrics = Metrics()
        self._loop = ControlLoop(self._config.settings, self._surroundings(metrics))
        self._web: web.AppRunner = await serve(
            self._config.metrics_address, metrics.registry, lambda: self._ready
        )
        await self._observer.start()
        self._task = asyncio.create_task(self._loop.run(), name="control-loop")
        logger.info("running a pass every %s", self._config.evaluation_period)

    async def stop(self) -> None:
        """Stop the loop, write down what is in memory, and let go of everything."""
        if self._loop is None or self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._loop.finish()
        await self._observer.stop()
        self._meters.close()
        await self._web.cleanup()
        await self._api.close()

    def wake(self) -> None:
        """Ask for a pass now."""
        if self._loop is not None:
            self._loop.wake()

    def require_healthy(self) -> str:
        """Return a word for the probe; raise when passes are no longer completed."""
        if self._loop is None or not self._loop.is_healthy or self._is_dead:
            msg = "no pass was completed lately"
            raise kopf.PermanentError(msg)
        return "ok"

    @property
    def _is_dead(self) -> bool:
        return self._task is not None and self._task.done()

    @property
    def _ready(self) -> bool:
        return self._loop is not None and self._loop.is_ready

    def _surroundings(self, metrics: Metrics) -> Surroundings:
        writer = ApiWriter(self._api, FIELD_MANAGER)
        timing = self._config.timing
        reports = ReportSettings(timing.status_interval, timing.metrics_gap_reported_after)
        return Surroundings(
            self._observer,
            {
                Mode.ENFORCE: ClusterEnforcer(self._api, FIELD_MANAGER),
                Mode.OBSERVE: ObservingEnforcer(),
            },
            Checkpoints(writer, timing.checkpoint_interval),
            Reporter(writer, metrics, reports),
            metrics,
            now,
        )


async def _load_access() -> None:
    try:
        config.load_incluster_config()
    except config.ConfigException:
        await config.load_kube_config()
