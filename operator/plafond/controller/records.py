"""
Ledgers and memory between two passes, and when they are written down.

In memory they are as new as the last pass; in the cluster as new as the last checkpoint. What a
write of this pass depends on is written before it; the rest when its time has come.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from plafond.api.writer import Result
from plafond.decide.evaluate import Evaluation
from plafond.model.memory import Memory, NamespaceRecord
from plafond.model.snapshot import Snapshot
from plafond.report.checkpoint import Checkpoints
from plafond.report.closed_days import ClosedDays
from plafond.report.metrics import Metrics
from plafond.report.side_by_side import side_by_side

logger = logging.getLogger(__name__)

# Within the time that Kubernetes gives a process to end.
LONGEST_LAST_WRITE = timedelta(seconds=15)
# Namespaces that are gone; those that went first are forgotten first.
MOST_DEPARTED = 1000


@dataclass(frozen=True, slots=True)
class LedgerVersion:
    """
    The record of a namespace as it was read, and the version of the object that held it.

    Attributes:
        continues: the name of the closed object that held a part of it; empty where none did.
        pasts: the closed objects that it continues, or did so, by name, with their uids.

    """

    version: str
    record: NamespaceRecord
    continues: str = ""
    pasts: Mapping[str, str] = field(default_factory=dict)


class Records:
    """Every namespace's record, from one pass to the next."""

    def __init__(
        self, checkpoints: Checkpoints, days: ClosedDays, metrics: Metrics, longest: timedelta
    ) -> None:
        self._checkpoints = checkpoints
        self._days = days
        self._metrics = metrics
        self._longest = longest
        self._records: dict[str, NamespaceRecord] = {}
        self._governed: frozenset[str] = frozenset()
        self._awaited: set[str] = set()
        self._failing: dict[str, str] = {}
        self._unclosed: set[tuple[str, str]] = set()
        self._lost: dict[str, str] = {}
        self._unreadable: frozenset[str] = frozenset()
        self._departed: dict[str, NamespaceRecord] = {}

    def joined(
        self,
        snapshot: Snapshot,
        ledgers: Mapping[str, LedgerVersion],
        unreadable: Iterable[str],
    ) -> Snapshot:
        """Return *snapshot* with our own newer records; *ledgers* are those that it was read of."""
        unreadable = frozenset(unreadable)
        self._drop_unreadable(unreadable)
        self._drop_lost(ledgers)
        self._checkpoints.see({name: ledger.pasts for name, ledger in ledgers.items()})
        for namespace, ledger in ledgers.items():
            if namespace not in self._records:
                _say_if_lost(namespace, ledger)
                self._checkpoints.begin_with(
                    namespace, ledger.version, ledger.record, ledger.continues
                )
        returned = {
            name: record
            for name, record in self._departed.items()
            if name in snapshot.namespaces and name not in ledgers and name not in unreadable
        }
        return replace(snapshot, records={**returned, **snapshot.records, **self._records})

    def _drop_unreadable(self, unreadable: frozenset[str]) -> None:
        # What was in an object that nobody can read now is not known, not even to us; when it can
        # be read again, it counts, and not what was counted without it meanwhile.
        for namespace in self._unreadable | unreadable:
            self._records.pop(namespace, None)
        self._unreadable = unreadable

    def _drop_lost(self, ledgers: Mapping[str, LedgerVersion]) -> None:
        for namespace, version in list(self._lost.items()):
            if namespace not in ledgers:
                del self._lost[namespace]
            elif _is_newer(ledgers[namespace].version, version):
                # Somebody else wrote it. Those facts count, and we go on from them.
                del self._lost[namespace]
                self._records.pop(namespace, None)

    def keep(
        self, snapshot: Snapshot, evaluation: Evaluation, ledgers: Mapping[str, LedgerVersion]
    ) -> None:
        """Take the records that a pass came to; forget namespaces that are gone."""
        existing = {name for name, found in snapshot.namespaces.items() if not found.is_terminating}
        self._records = {
            name: record
            for name, record in evaluation.records.items()
            if name in snapshot.namespaces
        }
        self._part_with(evaluation.records)
        judged = {j.account.policy_set.namespace for j in evaluation.judgements}
        remembered = {name for name, record in self._records.items() if record.memory.sets}
        self._governed = frozenset(
            (judged | remembered | set(ledgers)) & existing & set(self._records)
        )
        self._awaited = (self._awaited | evaluation.must_be_kept) & self._governed
        self._checkpoints.forget_all_but(self._governed)
        self._days.forget_all_but(self._governed)
        self._unclosed = {each for each in self._unclosed if each[0] in self._governed}
        self._failing = {n: why for n, why in self._failing.items() if n in self._governed}
        self._lost = {n: version for n, version in self._lost.items() if n in self._governed}

    def _part_with(self, records: Mapping[str, NamespaceRecord]) -> None:
        """Keep what was spent in namespaces that are gone: one of the same name has spent it."""
        for name, record in records.items():
            self._departed.pop(name, None)
            if name not in self._records and record.ledger.series:
                self._departed[name] = _spent_only(record)
        for name in [*self._departed][: max(0, len(self._departed) - MOST_DEPARTED)]:
            del self._departed[name]

    def forget_all(self) -> None:
        """Forget what is only in memory: another operator has written since."""
        self._records = {}
        self._departed = {}
        self._governed = frozenset()
        self._awaited.clear()
        self._lost.clear()
        self._checkpoints.forget_all_but(())
        self._days.forget_all_but(())

    async def write_awaited(self, now: datetime) -> Mapping[str, str]:
        """Write what this pass depends on; return the namespaces where that failed, and why."""
        await self._write(self._awaited, now, self._longest)
        return {name: self._failing.get(name, "no answer in time") for name in self._awaited}

    async def write_due(self, now: datetime) -> None:
        """Write the records whose time has come."""
        # What was awaited was tried in this pass already.
        others = self._governed - self._awaited
        due = [name for name in others if self._checkpoints.is_due(name, now)]
        await self._write(due, now, self._longest)
        jobs = [partial(self._close_one, name) for name in due if name not in self._failing]
        await side_by_side(jobs, self._longest)

    async def write_all(self, now: datetime) -> None:
        """Write everything that is still only in memory."""
        if not await self._write(self._governed, now, LONGEST_LAST_WRITE):
            logger.warning("not every ledger could be written in time")

    async def _write(self, names: Iterable[str], now: datetime, within: timedelta) -> bool:
        # Where another has written, nothing is written before that was read.
        mine = sorted(name for name in names if name not in self._lost)
        jobs = [partial(self._write_one, name, now) for name in mine]
        return await side_by_side(jobs, within)

    async def _write_one(self, name: str, now: datetime) -> None:
        version = self._checkpoints.version_of(name)
        answer = await self._checkpoints.write(name, self._records[name], now)
        self._metrics.checkpoints.labels(answer.result.value).inc()
        if answer.result is Result.DONE:
            self._awaited.discard(name)
            self._note_unclosed(name, "the past", answer.detail)
            if self._failing.pop(name, None) is not None:
                logger.info("the ledger of %s can be written again", name)
            return
        if answer.result is Result.CONFLICT:
            self._lost[name] = version
        self._fail(name, answer.detail)

    async def _close_one(self, name: str) -> None:
        answer = await self._days.close(name, self._records[name])
        why = "" if answer.result is Result.DONE else answer.detail
        self._note_unclosed(name, "a day or a month", why)

    def _note_unclosed(self, name: str, what: str, why: str) -> None:
        # No decision waits for it, and every checkpoint tries again; so it is said once.
        if not why:
            self._unclosed.discard((name, what))
        elif (name, what) not in self._unclosed:
            self._unclosed.add((name, what))
            logger.warning("%s of %s could not be closed: %s", what, name, why)

    def _fail(self, name: str, why: str) -> None:
        # Said once, not in every pass.
        level = logging.DEBUG if name in self._failing else logging.WARNING
        logger.log(level, "the ledger of %s could not be written: %s", name, why)
        self._failing[name] = f"the ledger could not be written: {why}"


def _spent_only(record: NamespaceRecord) -> NamespaceRecord:
    # Workloads of the same name are others; what was spent is the same.
    kept = record.memory
    memory = Memory(
        counted_since=kept.counted_since,
        complete_from=kept.complete_from,
        searched_from=kept.searched_from,
    )
    return NamespaceRecord(record.ledger, memory)


def _say_if_lost(namespace: str, ledger: LedgerVersion) -> None:
    if ledger.continues and ledger.continues not in ledger.pasts:
        logger.warning(
            "the ledger of %s continues %s, which is not there: what was spent before is asked of "
            "the history of plafond_allocated_cost_total",
            namespace,
            ledger.continues,
        )


def _is_newer(version: str, than: str) -> bool:
    # Resource versions grow; a cache that lags must not bring back what we have replaced ourselves.
    return not than or (version.isdecimal() and than.isdecimal() and int(version) > int(than))
