"""
The ledger's objects: written before what depends on them, and now and then.

A write compares the resource version; whoever loses takes the newer version and writes in the next
pass. A ledger to which nothing was added is not written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from plafond.api.constants import API_VERSION, GROUP, LEDGER_NAME, SPEND_LEDGERS, VERSION
from plafond.api.convert_ledger import ledger_spec
from plafond.api.errors import InvalidResource
from plafond.api.writer import ApiWriter, Result, Written
from plafond.model.memory import NamespaceRecord


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was written last."""

    at: datetime
    spec: Mapping[str, Any]
    version: str


class Checkpoints:
    """Writes the records of namespaces into their `SpendLedger`."""

    def __init__(self, writer: ApiWriter, interval: timedelta) -> None:
        self._writer = writer
        self._interval = interval
        self._kept: dict[str, _Kept] = {}

    def is_due(self, namespace: str, now: datetime) -> bool:
        """Say whether *namespace* was not written for an interval."""
        kept = self._kept.get(namespace)
        return kept is None or now - kept.at >= self._interval

    async def write(self, namespace: str, record: NamespaceRecord, now: datetime) -> Written:
        """Write *record*; the caller decides that it is time."""
        try:
            spec = ledger_spec(record)
        except InvalidResource as error:
            return Written(Result.REFUSED, str(error))
        kept = self._kept.get(namespace)
        if kept is not None and _facts(kept.spec) == _facts(spec):
            self._kept[namespace] = _Kept(now, spec, kept.version)
            return Written(Result.DONE)
        answer = await self._put(namespace, spec, kept)
        if answer.result is Result.DONE and answer.body is not None:
            version = answer.body["metadata"]["resourceVersion"]
            self._kept[namespace] = _Kept(now, spec, version)
        elif answer.result in (Result.CONFLICT, Result.GONE):
            self._kept.pop(namespace, None)
        return answer

    async def _put(self, namespace: str, spec: Mapping[str, Any], kept: _Kept | None) -> Written:
        collection = f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{SPEND_LEDGERS}"
        if kept is None:
            current = await self._writer.read(f"{collection}/{LEDGER_NAME}")
            if current.result is Result.GONE:
                return await self._writer.create(collection, _object(namespace, spec, None))
            if current.result is not Result.DONE or current.body is None:
                return current
            version = current.body["metadata"]["resourceVersion"]
        else:
            version = kept.version
        patch = _object(namespace, spec, version)
        return await self._writer.merge(f"{collection}/{LEDGER_NAME}", patch)


def _object(namespace: str, spec: Mapping[str, Any], version: str | None) -> dict[str, Any]:
    metadata = {"name": LEDGER_NAME, "namespace": namespace}
    if version is not None:
        metadata["resourceVersion"] = version
    return {
        "apiVersion": API_VERSION,
        "kind": "SpendLedger",
        "metadata": metadata,
        "spec": dict(spec),
    }


def _facts(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key != "asOf"}
