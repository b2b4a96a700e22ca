"""
The ledger's objects: written before what depends on them, and now and then.

A write replaces exactly the version that its facts began with. Whoever finds another version has
lost: the facts of the winner count, and the loser goes on from them. A ledger to which nothing was
added is not written.

What began before this hour is in a closed object, the past, which the ledger names, so that it does
not ride on every checkpoint. Each hour has a past of its own: it is made before the ledger that
names it, and the one before is deleted after that. Whatever comes in between, a ledger and the past
that it names hold each fact once.
"""

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from plafond.account.closing import past_until, reach, split
from plafond.api.convert_closed import closed_spec, past_name
from plafond.api.convert_ledger import Continued, ledger_spec
from plafond.api.errors import InvalidResource
from plafond.api.writer import ApiWriter, Result, Written
from plafond.model.memory import NamespaceRecord
from plafond.report.ledger_objects import LedgerObjects

Facts = Mapping[str, Any]
# Others say that nobody answers, or that nobody may write: then nothing else is tried.
_REFUSALS: Final = frozenset({Result.REFUSED, Result.FORBIDDEN, Result.CONFLICT, Result.GONE})
# By namespace and name, their uids.
Pasts = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class _Kept:
    """The object as we know it: its version, what is in it, and what may have come into it."""

    at: datetime | None
    version: str
    facts: Facts
    attempted: Facts | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What a record is written as: the ledger's spec, and that of the past that it continues."""

    ledger: dict[str, Any]
    past: dict[str, Any] | None = None
    past_name: str = ""


class Checkpoints:
    """Writes the records of namespaces into their `SpendLedger`."""

    def __init__(self, writer: ApiWriter, interval: timedelta) -> None:
        self._objects = LedgerObjects(writer)
        self._interval = interval
        self._kept: dict[str, _Kept] = {}
        self._seen: Pasts = {}
        self._made: dict[str, str] = {}

    def begin_with(
        self, namespace: str, version: str, record: NamespaceRecord, continues: str = ""
    ) -> None:
        """
        Take *record*, read in *version*, as what the next write replaces; once is enough.

        It was read of an object that *continues* the past of this name, or none.
        """
        if namespace in self._kept:
            return
        facts: Facts = {}  # whatever is in it, the next write is another
        with contextlib.suppress(InvalidResource):
            parts = parts_of(record)
            facts = _facts(parts.ledger) if parts.past_name == continues else facts
        self._kept[namespace] = _Kept(record.ledger.as_of, version, facts)

    def see(self, pasts: Pasts) -> None:
        """Take note of the pasts that are there: one that somebody deleted is made again."""
        self._seen = pasts
        self._made = {ns: name for ns, name in self._made.items() if name not in pasts.get(ns, ())}

    def forget_all_but(self, namespaces: Collection[str]) -> None:
        """Forget the objects of namespaces that are gone."""
        self._kept = {name: kept for name, kept in self._kept.items() if name in namespaces}
        self._made = {name: past for name, past in self._made.items() if name in namespaces}

    def version_of(self, namespace: str) -> str:
        """Return the version that the next write replaces; empty when it creates the object."""
        kept = self._kept.get(namespace)
        return "" if kept is None else kept.version

    def is_due(self, namespace: str, now: datetime) -> bool:
        """Say whether *namespace* was not written for an interval."""
        kept = self._kept.get(namespace)
        return kept is None or kept.at is None or now - kept.at >= self._interval

    async def write(self, namespace: str, record: NamespaceRecord, now: datetime) -> Written:
        """
        Write *record*; a conflict means that somebody else's facts count now.

        Where that was done and has a detail, this is what kept the past from being closed.
        """
        try:
            # A count may wait for the first write; what can be closed is so with the next.
            parts = parts_of(record) if namespace in self._kept else Parts(ledger_spec(record))
            closed = await self._close(namespace, parts)
            if closed.result in _REFUSALS:
                # Nothing is lost where nothing can be closed: the ledger holds it all, as it can.
                parts = Parts(ledger_spec(record))
            elif closed.result is not Result.DONE:
                return closed
        except InvalidResource as error:
            return Written(Result.REFUSED, str(error))
        answer = await self._write(namespace, parts.ledger, now)
        if answer.result is not Result.DONE:
            return answer
        if answer.body is not None:
            await self._delete_all_but(namespace, parts.past_name)
        return replace(answer, detail=closed.detail)

    async def _close(self, namespace: str, parts: Parts) -> Written:
        """Make the past, where it is not there."""
        name = parts.past_name
        is_there = name in self._seen.get(namespace, ()) or name == self._made.get(namespace)
        if parts.past is None or is_there:
            return Written(Result.DONE)
        answer = await self._objects.close(namespace, name, parts.past)
        if answer.result is Result.DONE:
            self._made[namespace] = name
        return answer

    async def _delete_all_but(self, namespace: str, kept: str) -> None:
        # What could not be deleted is seen again, and tried again with the next write.
        for name, uid in sorted(self._seen.get(namespace, {}).items()):
            if name != kept:
                await self._objects.delete(namespace, name, uid)

    async def _write(self, namespace: str, spec: Facts, now: datetime) -> Written:
        facts, kept = _facts(spec), self._kept.get(namespace)
        if kept is None:
            answer = await self._objects.create(namespace, spec)
        elif kept.facts == facts:
            self._kept[namespace] = replace(kept, at=now)
            return Written(Result.DONE)
        else:
            self._kept[namespace] = replace(kept, attempted=facts)
            answer = await self._replace(namespace, spec, kept)
        if answer.result is Result.DONE and answer.body is not None:
            version = answer.body["metadata"]["resourceVersion"]
            self._kept[namespace] = _Kept(now, version, facts)
        elif answer.result in (Result.CONFLICT, Result.GONE):
            self._kept.pop(namespace, None)
        return answer

    async def _replace(self, namespace: str, spec: Facts, kept: _Kept) -> Written:
        answer = await self._objects.replace(namespace, spec, kept.version)
        if answer.result is not Result.CONFLICT:
            return answer
        current = await self._objects.read(namespace)
        if current.result is not Result.DONE or current.body is None:
            return answer
        # A label, or a write of our own whose answer was lost, is nobody else's facts.
        if _facts(current.body.get("spec", {})) not in (kept.facts, kept.attempted):
            return answer
        version = current.body["metadata"]["resourceVersion"]
        again = await self._objects.replace(namespace, spec, version)
        # A conflict over our own facts is nobody else's win: there is nothing newer to wait for.
        is_ours = again.result is Result.CONFLICT
        return Written(Result.UNAVAILABLE, again.detail) if is_ours else again


def parts_of(record: NamespaceRecord) -> Parts:
    """Return what *record* is written as; raise `InvalidResource` where no object can hold it."""
    as_of = record.ledger.as_of
    if as_of is None:
        return Parts(ledger_spec(record))
    older, newer = split(record.ledger, past_until(as_of))
    span = reach(older)
    if span is None:
        return Parts(ledger_spec(record))
    past = closed_spec(older, span)
    name = past_name(past)
    continues = Continued(name, span.end)
    return Parts(ledger_spec(replace(record, ledger=newer), continues), past, name)


def _facts(spec: Facts) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key != "asOf"}
