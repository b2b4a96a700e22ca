"""The operator's process: builds everything that touches the world, and takes it down again."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta

import kopf

from plafond.api.constants import FIELD_MANAGER
from plafond.api.writer import ApiWriter
from plafond.controller.cluster import connect, require_kinds
from plafond.controller.config import Config
from plafond.controller.errors import StartError
from plafond.controller.loop import ControlLoop, Surroundings
from plafond.controller.records import Records
from plafond.controller.web import require_free, serve
from plafond.enforce.enforcer import ClusterEnforcer, ObservingEnforcer
from plafond.model.policy import Mode
from plafond.observe.meters import Meters
from plafond.observe.snapshot import Observer
from plafond.report.checkpoint import Checkpoints
from plafond.report.metrics import Metrics
from plafond.report.reporter import Reporter, ReportSettings

logger = logging.getLogger(__name__)

# How much of a pass may go by with telling, and with checkpoints that nothing waits for.
LEAST_TIME_FOR_WRITES = timedelta(seconds=2)


def now() -> datetime:
    """Return the time; the only clock of the operator."""
    return datetime.now(UTC)


class Process:
    """One running operator."""

    def __init__(self, settings: Config) -> None:
        self._config = settings
        self._loop: ControlLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._undo = AsyncExitStack()

    async def start(self) -> None:
        """Connect, start to observe, and run the loop in the background; or undo all of it."""
        # Kopf's own tasks have to begin before they can be ended by a start that fails at once.
        await asyncio.sleep(0)
        async with AsyncExitStack() as undo:
            with _listening("healthAddress"):
                # Kopf listens there later, and would fail with more words than help.
                require_free(self._config.health_address)
            api = await connect()
            undo.push_async_callback(api.close)
            writer = ApiWriter(api, FIELD_MANAGER)
            await require_kinds(writer)
            meters = Meters(self._config.prometheus.source, self._config.queries)
            undo.callback(meters.close)
            metrics = Metrics()
            await self._serve(metrics, undo)
            observer = Observer(api, meters, now, self.wake)
            undo.push_async_callback(observer.stop)
            loop = ControlLoop(
                self._config.settings,
                Surroundings(
                    observer,
                    {
                        Mode.ENFORCE: ClusterEnforcer(api, FIELD_MANAGER),
                        Mode.OBSERVE: ObservingEnforcer(),
                    },
                    self._records(writer, metrics),
                    self._reporter(writer, metrics),
                    metrics,
                    now,
                ),
            )
            await observer.start()
            self._run(loop, undo)
            self._undo = undo.pop_all()

    async def stop(self) -> None:
        """Stop the loop, write down what is in memory, and let go of everything."""
        await self._undo.aclose()

    def wake(self) -> None:
        """Ask for a pass now."""
        if self._loop is not None:
            self._loop.wake()

    def require_healthy(self) -> str:
        """Return a word for the probe; raise when passes do not come to an end any more."""
        if self._loop is None or self._is_dead or not self._loop.is_healthy:
            msg = "no pass came to an end lately"
            raise kopf.PermanentError(msg)
        return "ok"

    @property
    def is_ready(self) -> bool:
        """Passes are completed, from facts that are not old."""
        return self._loop is not None and self._loop.is_ready and not self._is_dead

    @property
    def _is_dead(self) -> bool:
        return self._task is not None and self._task.done()

    def _run(self, loop: ControlLoop, undo: AsyncExitStack) -> None:
        self._loop = loop
        self._task = asyncio.create_task(loop.run(), name="control-loop")
        undo.push_async_callback(loop.finish)
        undo.push_async_callback(_ended, self._task)
        logger.info("running a pass every %s", self._config.evaluation_period)

    async def _serve(self, metrics: Metrics, undo: AsyncExitStack) -> None:
        with _listening("metricsAddress"):
            address = self._config.metrics_address
            runner = await serve(address, metrics.registry, lambda: self.is_ready)
        undo.push_async_callback(runner.cleanup)

    @property
    def _time_for_writes(self) -> timedelta:
        return max(LEAST_TIME_FOR_WRITES, self._config.evaluation_period / 3)

    def _records(self, writer: ApiWriter, metrics: Metrics) -> Records:
        checkpoints = Checkpoints(writer, self._config.timing.checkpoint_interval)
        return Records(checkpoints, metrics, self._time_for_writes)

    def _reporter(self, writer: ApiWriter, metrics: Metrics) -> Reporter:
        timing = self._config.timing
        settings = ReportSettings(
            timing.status_interval,
            timing.metrics_gap_reported_after,
            self._time_for_writes,
            self._config.settings.excluded_namespaces,
        )
        return Reporter(writer, metrics, settings)


@contextmanager
def _listening(field: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        msg = f"{field} cannot be listened on: {error.strerror or error}"
        raise StartError(msg) from error


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
