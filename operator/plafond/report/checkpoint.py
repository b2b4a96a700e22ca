"""
The ledger's objects: written before what depends on them, and now and then.

A write replaces exactly the version that its facts began with. Whoever finds another version has
lost: the facts of the winner count, and the loser goes on from them. A ledger to which nothing was
added is not written.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from plafond.api.constants import API_VERSION, GROUP, LEDGER_NAME, SPEND_LEDGERS, VERSION
from plafond.api.convert_ledger import ledger_spec
from plafond.api.errors import InvalidResource
from plafond.api.writer import ApiWriter, Result, Written
from plafond.model.memory import NamespaceRecord

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Kept:
    """The object as we know it: its version, what is in it, and what may have come into it."""

    at: datetime | None
    version: str
    facts: Facts
    attempted: Facts | None = None


class Checkpoints:
    """Writes the records of namespaces into their `SpendLedger`."""

    def __init__(self, writer: ApiWriter, interval: timedelta) -> None:
        self._writer = writer
        self._interval = interval
        self._kept: dict[str, _Kept] = {}

    def begin_with(self, namespace: str, version: str, record: NamespaceRecord) -> None:
        """Take *record*, read in *version*, as what the next write replaces; once is enough."""
        if namespace in self._kept:
            return
        try:
            facts = _facts(ledger_spec(record))
        except InvalidResource:
            facts = {}  # whatever is in it, the next write is another
        self._kept[namespace] = _Kept(record.ledger.as_of, version, facts)

    def forget_all_but(self, namespaces: Collection[str]) -> None:
        """Forget the objects of namespaces that are gone."""
        self._kept = {name: kept for name, kept in self._kept.items() if name in namespaces}

    def version_of(self, namespace: str) -> str:
        """Return the version that the next write replaces; empty when it creates the object."""
        kept = self._kept.get(namespace)
        return "" if kept is None else kept.version

    def is_due(self, namespace: str, now: datetime) -> bool:
        """Say whether *namespace* was not written for an interval."""
        kept = self._kept.get(namespace)
        return kept is None or kept.at is None or now - kept.at >= self._interval

    async def write(self, namespace: str, record: NamespaceRecord, now: datetime) -> Written:
        """Write *record*; a conflict means that somebody else's facts count now."""
        try:
            spec = ledger_spec(record)
        except InvalidResource as error:
            return Written(Result.REFUSED, str(error))
        facts, kept = _facts(spec), self._kept.get(namespace)
        if kept is None:
            answer = await self._create(namespace, spec)
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

    async def _create(self, namespace: str, spec: Facts) -> Written:
        return await self._writer.create(_collection(namespace), _object(namespace, spec))

    async def _replace(self, namespace: str, spec: Facts, kept: _Kept) -> Written:
        path = f"{_collection(namespace)}/{LEDGER_NAME}"
        answer = await self._writer.merge(path, _object(namespace, spec, kept.version))
        if answer.result is not Result.CONFLICT:
            return answer
        current = await self._writer.read(path)
        if current.result is not Result.DONE or current.body is None:
            return answer
        # A label, or a write of our own whose answer was lost, is nobody else's facts.
        if _facts(current.body.get("spec", {})) not in (kept.facts, kept.attempted):
            return answer
        version = current.body["metadata"]["resourceVersion"]
        again = await self._writer.merge(path, _object(namespace, spec, version))
        # A conflict over our own facts is nobody else's win: there is nothing newer to wait for.
        is_ours = again.result is Result.CONFLICT
        return Written(Result.UNAVAILABLE, again.detail) if is_ours else again


def _collection(namespace: str) -> str:
    return f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{SPEND_LEDGERS}"


def _object(namespace: str, spec: Facts, version: str | None = None) -> dict[str, Any]:
    metadata = {"name": LEDGER_NAME, "namespace": namespace}
    if version is not None:
        metadata["resourceVersion"] = version
    return {
        "apiVersion": API_VERSION,
        "kind": "SpendLedger",
        "metadata": metadata,
        "spec": dict(spec),
    }


def _facts(spec: Facts) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key != "asOf"}
