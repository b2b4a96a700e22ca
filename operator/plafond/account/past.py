"""
What a namespace spent before anybody counted it: what is wanted, what came of it, what is unknown.

A namespace that came to be while the cluster was watched has no past of its own; one of its name
may have been there before, and what that has spent counts too.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from plafond.account.filling import begins_at, filled
from plafond.account.ledger import KEPT_FOR, Grid
from plafond.model.changed import changed
from plafond.model.gap import Gap
from plafond.model.history import History, Past, Untold
from plafond.model.ledger import Ledger
from plafond.model.memory import Memory, NamespaceRecord
from plafond.model.policy import CostPolicy
from plafond.model.settings import Timing


@dataclass(frozen=True, slots=True)
class Before:
    """A namespace's past, beside the earliest start of its open windows (None: none is open)."""

    past: Past
    opened_at: datetime | None
    now: datetime


def before(policies: Iterable[CostPolicy], past: Past, now: datetime) -> Before:
    """Return what counts from *past* under *policies*."""
    budgets = (budget for policy in policies for budget in policy.budgets)
    spans = (budget.window.span_at(now) for budget in budgets)
    starts = [max(span.start, now - KEPT_FOR) for span in spans if span is not None]
    return Before(past, min(starts, default=None), now)


def begun(record: NamespaceRecord, past: Past, now: datetime) -> Memory:
    """Return the record's memory, which knows from when on its ledger was counted."""
    memory = record.memory
    if memory.counted_since is not None:
        return memory
    since = _first(record.ledger)
    if since is None:
        since = min(past.watched_since or now, now)
    return replace(memory, counted_since=since, complete_from=since, searched_from=since)


def _first(ledger: Ledger) -> datetime | None:
    starts = [buckets[0].start for buckets in ledger.series.values() if buckets]
    return min(starts, default=ledger.as_of)


def wanted_since(record: NamespaceRecord, known: Before) -> datetime | None:
    """Return from when on history is needed; None where what was counted reaches back."""
    searched = begun(record, known.past, known.now).searched_from
    opened = known.opened_at
    if opened is None or searched is None or opened >= searched:
        return None
    return opened


def with_past(record: NamespaceRecord, known: Before, grid: Grid) -> NamespaceRecord:
    """Return *record* with what history tells; an answer that is missing is waited for."""
    memory = begun(record, known.past, known.now)
    history = known.past.history
    if wanted_since(record, known) is None or history is None:
        return changed(record, memory=changed(memory, history_wanted_at=None))
    if isinstance(history, Gap):
        is_needed = _unknown_from(memory, known) is not None
        since = (memory.history_wanted_at or known.now) if is_needed else None
        return replace(record, memory=replace(memory, history_wanted_at=since))
    return _filled(replace(record, memory=memory), history, grid)


def _filled(record: NamespaceRecord, history: History, grid: Grid) -> NamespaceRecord:
    memory = record.memory
    complete = [memory.complete_from, begins_at(history)]
    return NamespaceRecord(
        filled(record.ledger, history, memory.counted_since or history.since, grid),
        replace(
            memory,
            complete_from=min(each for each in complete if each is not None),
            searched_from=history.since,
            history_wanted_at=None,
        ),
    )


def filled_before(memory: Memory) -> datetime | None:
    """Return before when the ledger was filled from history; None where it was not."""
    counted, complete = memory.counted_since, memory.complete_from
    return counted if counted is not None and complete is not None and complete < counted else None


def untold(memory: Memory, known: Before, timing: Timing) -> Untold | None:
    """Return what of the open windows nobody knows, if there is any."""
    since, until = _unknown_from(memory, known), memory.complete_from
    if since is None or until is None:
        return None
    why = known.past.history if isinstance(known.past.history, Gap) else None
    wanted = memory.history_wanted_at
    is_awaited = wanted is not None and known.now - wanted < timing.history_patience
    return Untold(since, until, why, is_awaited)


def _unknown_from(memory: Memory, known: Before) -> datetime | None:
    # Before it came to be a namespace spent nothing, or what its counters say.
    if known.opened_at is None or memory.complete_from is None:
        return None
    since = max(known.opened_at, known.past.created_at or known.opened_at)
    return since if since < memory.complete_from else None
