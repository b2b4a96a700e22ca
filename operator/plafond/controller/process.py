"""The operator's process: builds everything that touches the world, and takes it down again."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta

from kubernetes.aio.client.api_client import ApiClient

from plafond.api.constants import FIELD_MANAGER
from plafond.api.writer import ApiWriter, WriteTimeouts
from plafond.controller.admission_watch import AdmissionWatch
from plafond.controller.api_servers import ApiServers
from plafond.controller.cluster import connect, require_kinds, say_if_other_account
from plafond.controller.config import Config
from plafond.controller.errors import StartError
from plafond.controller.leadership import Alone, LeaseElection, own_identity
from plafond.controller.loop import ControlLoop, Surroundings
from plafond.controller.records import Records
from plafond.controller.web import metrics_page, serve, yes_or_no
from plafond.enforce.enforcer import ClusterEnforcer, ObservingEnforcer
from plafond.model.admission import Admission
from plafond.model.policy import Mode
from plafond.observe.admission import AdmissionProbe, Candidate
from plafond.observe.history import PrometheusHistory
from plafond.observe.history_points import Teller
from plafond.observe.meters import Meters
from plafond.observe.snapshot import Observer
from plafond.report.checkpoint import Checkpoints
from plafond.report.closed_days import ClosedDays
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
            await self._serve_health(undo)
            api = await connect()
            undo.push_async_callback(api.close)
            around = await self._surroundings(api, undo)
            await around.observer.start()
            self._run(ControlLoop(self._config.settings, around), undo)
            self._undo = undo.pop_all()

    async def stop(self) -> None:
        """Stop the loop, write down what is in memory, and let go of everything."""
        await self._undo.aclose()

    def wake(self) -> None:
        """Ask for a pass now."""
        if self._loop is not None:
            self._loop.wake()

    @property
    def is_healthy(self) -> bool:
        """Passes come to an end; where they do not, a restart may help."""
        return self._loop is not None and self._loop.is_healthy and not self._is_dead

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

    async def _surroundings(self, api: ApiClient, undo: AsyncExitStack) -> Surroundings:
        leadership = self._leadership(api)

        def may_write() -> bool:
            return leadership.may_write

        writer = ApiWriter(api, FIELD_MANAGER, self._write_timeouts, may_write)
        await require_kinds(writer)
        # Asking who we are is no write that needs to lead.
        await say_if_other_account(ApiWriter(api, FIELD_MANAGER), self._config.namespace)
        meters = Meters(self._config.prometheus.source, self._config.queries)
        undo.callback(meters.close)
        history = self._history()
        undo.callback(history.close)
        metrics = Metrics()
        await self._serve_metrics(metrics, undo)
        observer = Observer(api, meters, now, self.wake)
        undo.push_async_callback(observer.stop)
        records = self._records(writer, metrics)
        await self._elect(leadership, undo)
        enforcing = ClusterEnforcer(api, FIELD_MANAGER, self._write_timeouts, may_write)
        return Surroundings(
            observer,
            {Mode.ENFORCE: enforcing, Mode.OBSERVE: ObservingEnforcer()},
            records,
            self._reporter(writer, metrics),
            metrics,
            now,
            leadership,
            self._admission(api, undo),
            history,
        )

    def _history(self) -> PrometheusHistory:
        timing = self._config.settings.timing
        # Up to a pass until it is counted, and up to a scrape until that is seen.
        lag = (timing.evaluation_period + timing.observation_lag) / 2
        return PrometheusHistory(
            self._config.prometheus.source, Teller(self._config.namespace, lag)
        )

    def _admission(self, api: ApiClient, undo: AsyncExitStack) -> AdmissionWatch:
        servers = ApiServers(api, self._config.api_servers)

        async def ask(candidate: Candidate | None) -> Admission:
            return await AdmissionProbe(await servers.writers()).ask(candidate)

        interval = self._config.timing.admission_probe_interval
        watch = AdmissionWatch(ask, interval, self.wake)
        undo.push_async_callback(servers.close)
        undo.push_async_callback(_ended, asyncio.create_task(watch.run(), name="admission-probe"))
        return watch

    def _leadership(self, api: ApiClient) -> Alone | LeaseElection:
        config = self._config.leader_election
        if not config.enabled:
            return Alone()
        # An answer that comes late is no better than none.
        patience = config.renew_deadline.total_seconds() / 2
        writer = ApiWriter(api, FIELD_MANAGER, WriteTimeouts(patience, patience))
        return LeaseElection(writer, self._config.namespace, own_identity(), config.timing)

    @property
    def _write_timeouts(self) -> WriteTimeouts:
        election = self._config.leader_election
        return election.write_timeouts if election.enabled else WriteTimeouts()

    async def _elect(self, leadership: Alone | LeaseElection, undo: AsyncExitStack) -> None:
        if isinstance(leadership, Alone):
            logger.info("there is no election: this must be the only operator")
            return

        leadership.on_succession = self.wake
        task = asyncio.create_task(leadership.run(), name="election")
        # What is written down at the end needs the lease: it is given back after that.
        undo.push_async_callback(leadership.release)
        undo.push_async_callback(_ended, task)

    async def _serve_health(self, undo: AsyncExitStack) -> None:
        healthz = yes_or_no(lambda: self.is_healthy, "no pass came to an end lately")
        with _listening("healthAddress"):
            runner = await serve(self._config.health_address, {"/healthz": healthz})
        undo.push_async_callback(runner.cleanup)

    async def _serve_metrics(self, metrics: Metrics, undo: AsyncExitStack) -> None:
        readyz = yes_or_no(lambda: self.is_ready, "no pass was completed lately")
        pages = {"/metrics": metrics_page(metrics.registry), "/readyz": readyz}
        with _listening("metricsAddress"):
            runner = await serve(self._config.metrics_address, pages)
        undo.push_async_callback(runner.cleanup)

    @property
    def _time_for_writes(self) -> timedelta:
        return max(LEAST_TIME_FOR_WRITES, self._config.evaluation_period / 3)

    def _records(self, writer: ApiWriter, metrics: Metrics) -> Records:
        checkpoints = Checkpoints(writer, self._config.timing.checkpoint_interval)
        return Records(checkpoints, ClosedDays(writer), metrics, self._time_for_writes)

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
