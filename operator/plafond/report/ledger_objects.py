"""The `SpendLedger`s of a namespace in the API server: the one that is written, and closed ones."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from plafond.api.constants import (
    API_VERSION,
    GROUP,
    LEDGER_NAME,
    MONTH,
    SPEND_LEDGERS,
    VERSION,
)
from plafond.api.writer import ApiWriter, Result, Written

Spec = Mapping[str, Any]

# A merge leaves alone what it does not name.
_ABSENT: Final = {"continues": None}


class LedgerObjects:
    """Reads and writes them, one request each, and decides nothing."""

    def __init__(self, writer: ApiWriter) -> None:
        self._writer = writer

    async def create(self, namespace: str, spec: Spec) -> Written:
        """Create the ledger of *namespace*."""
        return await self._writer.create(_collection(namespace), _object(namespace, spec))

    async def replace(self, namespace: str, spec: Spec, version: str) -> Written:
        """Replace the ledger of *namespace*, if it still is the one of *version*."""
        body = _object(namespace, {**_ABSENT, **spec})
        body["metadata"]["resourceVersion"] = version
        return await self._writer.merge(_path(namespace), body)

    async def read(self, namespace: str, name: str = LEDGER_NAME) -> Written:
        """Return a ledger as it is now."""
        return await self._writer.read(_path(namespace, name))

    async def close(self, namespace: str, name: str, spec: Spec, label: str = "") -> Written:
        """
        Make the closed ledger *name*, with the *label* of a day or a month where it is of one.

        One that is there with the same content is done; with another it is a conflict, whose body
        is what is there.
        """
        body = _object(namespace, spec, name)
        if label:
            body["metadata"]["labels"] = {MONTH: label}
        answer = await self._writer.create(_collection(namespace), body)
        if answer.result is not Result.CONFLICT:
            return answer
        there = await self.read(namespace, name)
        if there.result is not Result.DONE or there.body is None:
            return there
        if there.body.get("spec") == spec:
            return there
        return replace(answer, detail=f"{name} is there with another content", body=there.body)

    async def delete(self, namespace: str, name: str, uid: str) -> Written:
        """Delete a closed ledger; one that is gone is deleted."""
        answer = await self._writer.delete(_path(namespace, name), uid)
        return replace(answer, result=Result.DONE) if answer.result is Result.GONE else answer

    async def all_but(self, namespace: str, labels: Iterable[str]) -> Written:
        """Return the closed days and months of *namespace* that have none of *labels*, listed."""
        selector = f"{MONTH},{MONTH} notin ({','.join(labels)})"
        return await self._writer.read(_collection(namespace), selector)


def _collection(namespace: str) -> str:
    return f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{SPEND_LEDGERS}"


def _path(namespace: str, name: str = LEDGER_NAME) -> str:
    return f"{_collection(namespace)}/{name}"


def _object(namespace: str, spec: Spec, name: str = LEDGER_NAME) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {
        "apiVersion": API_VERSION,
        "kind": "SpendLedger",
        "metadata": metadata,
        "spec": dict(spec),
    }
