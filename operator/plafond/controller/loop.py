"""
The control loop: a pass on a fixed grid, and at once when something relevant changes.

Observe, evaluate, keep what must not be lost, enforce, report. It is supervised: a pass that fails
is logged and counted, and the next one starts from the world as it then is. `/healthz` looks at
when the last pass was completed.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from plafond.api.writer import Result
from plafond.decide.evaluate import Evaluation, evaluate
from plafond.decide.plan import PlanPart
from plafond.enforce.enforcer import Enforcer
from plafond.model.memory import NamespaceRecord
from plafond.model.policy import Mode
from plafond.model.settings import Settings
from plafond.model.snapshot import Snapshot
from plafond.observe.errors import ObservationError
from plafond.observe.snapshot import Observer
from plafond.report.checkpoint import Checkpoints
from plafond.report.metrics import Metrics
from plafond.report.reporter import Reporter, Written

logger = logging.getLogger(__name__)

# A pass may miss a few periods before the process is called unhealthy, and at least so long.
MISSED_PERIODS = 3
LEAST_PATIENCE = timedelta(seconds=30)
# A quiet watch is silent for a minute or more; beyond this, what is known of the cluster is old.
LONGEST_SILENCE = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything that touches the world."""

    observer: Observer
    enforcers: Mapping[Mode, Enforcer]
    checkpoints: Checkpoints
    reporter: Reporter
    metrics: Metrics
    clock: Callable[[], datetime]


class ControlLoop:
    """Runs passes until it is stopped."""

    def __init__(self, settings: Settings, around: Surroundings) -> None:
        self._settings = settings
        self._around = around
        self._records: dict[str, NamespaceRecord] = {}
        self._governed: set[str] = set()
        self._gaps: frozenset[str] = frozenset()
        self._changed = asyncio.Event()
        self._completed_at: datetime | None = None
        self._started_at = around.clock()

    def wake(self) -> None:
        """Ask for a pass now rather than at the next point of the grid."""
        self._changed.set()

    @property
    def is_ready(self) -> bool:
        """At least one pass was completed, and not long ago."""
        if self._completed_at is None or not self.is_healthy:
            return False
        silence = self._around.observer.oldest_contact(self._around.clock())
        return silence is not None and silence <= LONGEST_SILENCE

    @property
    def is_healthy(self) -> bool:
        """Passes are being completed."""
        since = self._completed_at or self._started_at
        patience = max(LEAST_PATIENCE, MISSED_PERIODS * self._settings.timing.evaluation_period)
        return self._around.clock() - since <= patience

    async def run(self) -> None:
        """Run passes for ever."""
        period = self._settings.timing.evaluation_period.total_seconds()
        due = time.monotonic()
        while True:
            await self._supervised_pass()
            due += period
            if due < time.monotonic():
                # Never catch up: a pass looks at everything, a missed one is not missing anything.
                due = time.monotonic() + period - (time.monotonic() - due) % period
            await self._wait_until(due)

    async def finish(self) -> None:
        """Write down everything that is still only in memory."""
        now = self._around.clock()
        for namespace in sorted(self._governed & set(self._records)):
            await self._around.checkpoints.write(namespace, self._records[namespace], now)

    async def run_pass(self) -> None:
        """Run one pass."""
        around = self._around
        snapshot = await around.observer.snapshot(around.clock())
        self._say_what_is_missing()
        # What was in an object that nobody can read now is not known any more, not even to us.
        for namespace in around.observer.unreadable_ledgers():
            self._records.pop(namespace, None)
        snapshot = replace(snapshot, records={**snapshot.records, **self._records})
        evaluation = evaluate(snapshot, self._settings)
        kept = await self._keep(snapshot, evaluation)
        written = await self._enforce(evaluation, kept)
        self._records = dict(evaluation.records)
        around.observer.acknowledge_ended(
            pod.uid for pod in snapshot.pods if pod.ended_at is not None
        )
        await around.reporter.report(snapshot, evaluation, written)

    def _say_what_is_missing(self) -> None:
        gaps = frozenset(gap.why for gap in self._around.observer.gaps())
        for why in sorted(gaps - self._gaps):
            logger.warning("not observed: %s", why)
        for why in sorted(self._gaps - gaps):
            logger.info("observed again, after: %s", why)
        self._gaps = gaps

    async def _supervised_pass(self) -> None:
        started = time.monotonic()
        try:
            await self.run_pass()
        except ObservationError as error:
            self._around.metrics.passes.labels("unobserved").inc()
            logger.warning("the pass was skipped: %s", error)
        except Exception:
            # A bug must not end enforcement for everybody; it must not go unseen either.
            self._around.metrics.passes.labels("error").inc()
            logger.exception("the pass failed")
        else:
            self._completed_at = self._around.clock()
            self._around.metrics.passes.labels("done").inc()
            self._around.metrics.last_pass.set(self._completed_at.timestamp())
            self._around.metrics.pass_seconds.observe(time.monotonic() - started)

    async def _wait_until(self, due: float) -> None:
        # However often something changes, a fifth of the period passes between two passes.
        least = self._settings.timing.evaluation_period.total_seconds() / 5
        await asyncio.sleep(max(0.0, min(least, due - time.monotonic())))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), max(0.0, due - time.monotonic()))
        self._changed.clear()

    async def _keep(self, snapshot: Snapshot, evaluation: Evaluation) -> frozenset[str]:
        """Write the records that are due; return the namespaces whose plan may be carried out."""
        self._governed = {
            name
            for name, record in evaluation.records.items()
            if record.memory.sets or (name in snapshot.records and name in self._governed)
        } | {j.account.policy_set.namespace for j in evaluation.judgements}
        failed: set[str] = set()
        for name in sorted(self._governed & set(evaluation.records)):
            must = name in evaluation.must_be_kept
            if not must and not self._around.checkpoints.is_due(name, snapshot.now):
                continue
            record = evaluation.records[name]
            answer = await self._around.checkpoints.write(name, record, snapshot.now)
            if answer.result is not Result.DONE:
                logger.warning("the ledger of %s could not be written: %s", name, answer.detail)
                if must:
                    failed.add(name)
        return frozenset(evaluation.records) - failed

    async def _enforce(self, evaluation: Evaluation, kept: frozenset[str]) -> list[Written]:
        written: list[Written] = []
        for mode, enforcer in self._around.enforcers.items():
            parts: list[PlanPart] = [
                part
                for part in evaluation.plan.parts
                if part.mode is mode and part.namespace in kept
            ]
            actions = tuple(action for part in parts for action in part.actions)
            written += [
                Written(outcome.action, mode, outcome.result, outcome.detail)
                for outcome in await enforcer.carry_out(actions)
            ]
        return written
