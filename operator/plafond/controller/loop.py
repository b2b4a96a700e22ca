"""
The control loop: a pass on a fixed grid, and at once when something relevant changes.

Observe, evaluate, keep what must not be lost, enforce, report. It is supervised: a pass that fails
or does not end is logged and counted, and the next one starts from the world as it then is.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from plafond.account.asking import history_wanted
from plafond.api.writer import Result
from plafond.controller.admission_watch import AdmissionView, NotWatched
from plafond.controller.heartbeat import Heartbeat
from plafond.controller.isolation import evaluated
from plafond.controller.leadership import Alone, Leadership
from plafond.controller.missing import Missing
from plafond.controller.records import LedgerVersion, Records
from plafond.decide.plan import Action, Plan, ScaleTo
from plafond.decide.relaxing import without_relaxing
from plafond.enforce.enforcer import Enforcer
from plafond.model.policy import Mode
from plafond.model.settings import Settings
from plafond.model.snapshot import Snapshot
from plafond.observe.errors import ObservationError
from plafond.observe.history import HistoryReader, NoHistory
from plafond.observe.snapshot import Observer
from plafond.report.attempt import Attempt
from plafond.report.metrics import Metrics
from plafond.report.reporter import Reporter

logger = logging.getLogger(__name__)

# A pass may take a few periods before it is given up, and at least so long.
MOST_PERIODS = 3
LEAST_PATIENCE = timedelta(seconds=30)
# However often something changes, this part of a period lies between two passes.
LEAST_PART_OF_PERIOD = 5
FIRST_LISTS = timedelta(seconds=5)
# On standby nobody takes note of pods that end; whoever takes over needs those since the ledger.
KEPT_ON_STANDBY = timedelta(minutes=15)
# A quiet watch is silent for a minute or more; beyond this, what is known of the cluster is old.
LONGEST_SILENCE = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything that touches the world."""

    observer: Observer
    enforcers: Mapping[Mode, Enforcer]
    records: Records
    reporter: Reporter
    metrics: Metrics
    clock: Callable[[], datetime]
    leadership: Leadership = field(default_factory=Alone)
    admission: AdmissionView = field(default_factory=NotWatched)
    history: HistoryReader = field(default_factory=NoHistory)


def longest_pass(period: timedelta) -> timedelta:
    """Return how long a pass may take before it is given up."""
    return max(LEAST_PATIENCE, MOST_PERIODS * period)


def next_on_grid(start: float, period: float, now: float) -> float:
    """Return the first point after *now* of the grid that began at *start*."""
    # Passes that were missed stay missed: each one looks at everything.
    return start + ((now - start) // period + 1) * period


class ControlLoop:
    """Runs passes until it is stopped."""

    def __init__(self, settings: Settings, around: Surroundings) -> None:
        self._settings = settings
        self._around = around
        self._longest = longest_pass(settings.timing.evaluation_period)
        self._changed = asyncio.Event()
        self._missing = Missing()
        self._term = 0
        self._watched_since: datetime | None = None
        self._has_completed = False
        # A pass that is given up is no beat, one that has nothing to look at yet is.
        self._running = Heartbeat(2 * self._longest)
        self._completing = Heartbeat(self._longest)
        # One thread: a pass that was given up ends before the next one is evaluated.
        self._evaluator = ThreadPoolExecutor(1, "evaluation")

    def wake(self) -> None:
        """Ask for a pass now rather than at the next point of the grid."""
        self._changed.set()

    @property
    def is_healthy(self) -> bool:
        """Passes come to an end; where they do not, a restart may help."""
        return self._running.is_alive

    @property
    def is_ready(self) -> bool:
        """A pass was completed not long ago, or is another's; and the facts are not old."""
        has_passes = self._has_completed and self._completing.is_alive
        if not has_passes and not self._around.leadership.is_standby:
            return False
        silence = self._around.observer.oldest_contact(self._around.clock())
        return silence is not None and silence <= LONGEST_SILENCE

    async def run(self) -> None:
        """Run passes for ever."""
        with contextlib.suppress(ObservationError):
            # The first lists take a moment; what is missing after that, the first pass says.
            await self._around.observer.wait_synced(FIRST_LISTS)
        period = self._settings.timing.evaluation_period.total_seconds()
        start = time.monotonic()
        while True:
            await self._supervised_pass()
            await self._wait_until(next_on_grid(start, period, time.monotonic()))

    async def finish(self) -> None:
        """Write down everything that is still only in memory."""
        self._evaluator.shutdown(wait=False, cancel_futures=True)
        await self._around.records.write_all(self._around.clock())

    async def run_pass(self) -> None:
        """Run one pass."""
        around = self._around
        self._begin_term(around.leadership.begin())
        # Of the instant of the facts: a ledger that comes while meters are read was not counted on.
        ledgers, unreadable = self._ledgers(), around.observer.unreadable_ledgers()
        seen = await around.observer.snapshot(around.clock())
        self._watched_since = self._watched_since or seen.now
        observed = replace(
            seen, admission=around.admission.found, watched_since=self._watched_since
        )
        around.admission.look(observed)
        self._missing.update(self._missing_in(observed))
        joined = around.records.joined(observed, ledgers, unreadable)
        wanted = history_wanted(joined, self._settings)
        among = len(joined.namespaces)
        history = await around.history.read(wanted, joined.now, among)
        # Aside, because in a large cluster it takes seconds: probes, watches and the Lease go on.
        snapshot, evaluation = await asyncio.get_running_loop().run_in_executor(
            self._evaluator, evaluated, replace(joined, history=history), self._settings
        )
        # From here on what was counted is kept, however far the pass comes.
        around.records.keep(snapshot, evaluation, ledgers)
        around.observer.acknowledge_ended(p.uid for p in snapshot.pods if p.ended_at is not None)
        unkept = await around.records.write_awaited(snapshot.now)
        attempts = await self._enforce(evaluation.plan, unkept, snapshot)
        await around.records.write_due(snapshot.now)
        await around.reporter.report(snapshot, evaluation, attempts)

    def _begin_term(self, term: int) -> None:
        if term != self._term:
            # Another may have led in between: what we remember is older than what it has written.
            self._around.records.forget_all()
            self._watched_since = None
            self._term = term

    def _ledgers(self) -> dict[str, LedgerVersion]:
        found = self._around.observer.ledgers()
        return {
            name: LedgerVersion(each.resource_version, each.record, each.continues_name, each.pasts)
            for name, each in found.items()
        }

    def _missing_in(self, snapshot: Snapshot) -> dict[str, str]:
        gaps = {gap.why: gap.why for gap in self._around.observer.gaps()}
        readings = snapshot.meters.items()
        return gaps | {meter.value: r.gap.why for meter, r in readings if r.gap is not None}

    async def _supervised_pass(self) -> None:
        started = time.monotonic()
        result = await self._result_of_pass()
        self._around.metrics.passes.labels(result).inc()
        if result in ("done", "unobserved", "standby"):
            self._running.beat()
        if result == "done":
            self._has_completed = True
            self._completing.beat()
            self._around.metrics.last_pass.set(self._around.clock().timestamp())
            self._around.metrics.pass_seconds.observe(time.monotonic() - started)

    async def _result_of_pass(self) -> str:
        is_standby = self._around.leadership.is_standby
        self._around.metrics.lead(leads=not is_standby)
        if is_standby:
            self._around.observer.forget_ended(self._around.clock() - KEPT_ON_STANDBY)
            return "standby"
        try:
            async with asyncio.timeout(self._longest.total_seconds()):
                await self.run_pass()
        except ObservationError as error:
            self._missing.update({"the cluster": f"{error}"})
            return "unobserved"
        except TimeoutError:
            logger.warning("the pass was given up after %s", self._longest)
            return "timeout"
        except Exception:
            # A bug must not end enforcement for everybody; it must not go unseen either.
            logger.exception("the pass failed")
            return "error"
        return "done"

    async def _wait_until(self, due: float) -> None:
        period = self._settings.timing.evaluation_period.total_seconds()
        await asyncio.sleep(min(period / LEAST_PART_OF_PERIOD, max(0.0, due - time.monotonic())))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), max(0.0, due - time.monotonic()))
        self._changed.clear()

    async def _enforce(
        self, plan: Plan, unkept: Mapping[str, str], snapshot: Snapshot
    ) -> list[Attempt]:
        """Carry out *plan*, except for counts whose first value could not be written down."""
        attempts: list[Attempt] = []
        for mode, enforcer in self._around.enforcers.items():
            free: list[Action] = []
            for action in await self._backed(_actions(plan, mode), mode, snapshot):
                why = unkept.get(action.namespace)
                if why is not None and _depends_on_record(action, mode):
                    attempts.append(Attempt(action, mode, Result.SKIPPED, why))
                else:
                    free.append(action)
            outcomes = await enforcer.carry_out(free)
            self._around.observer.learn(o.stored for o in outcomes if o.stored is not None)
            attempts += [Attempt(o.action, mode, o.result, o.detail) for o in outcomes]
        return attempts

    async def _backed(self, actions: list[Action], mode: Mode, snapshot: Snapshot) -> list[Action]:
        """Return *actions*, without what loosens if another may have begun to lead."""
        if mode is not Mode.ENFORCE:
            return actions
        tightening = [
            without_relaxing(each, snapshot.namespaces[each.namespace]) for each in actions
        ]
        if tightening == actions or await self._around.leadership.confirm(self._term):
            return actions
        logger.warning("leadership could not be confirmed: nothing is loosened in this pass")
        return [each for each in tightening if each is not None]


def _actions(plan: Plan, mode: Mode) -> list[Action]:
    return [action for part in plan.parts if part.mode is mode for action in part.actions]


def _depends_on_record(action: Action, mode: Mode) -> bool:
    # Ceilings may stand without it: they change no count that would have to be given back.
    return mode is Mode.ENFORCE and isinstance(action, ScaleTo)
