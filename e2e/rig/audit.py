"""The API server's audit log as the oracle for who wrote what, when, and what came of it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from e2e.rig.lifetimes import PodLifetime, pod_lifetimes


@dataclass(frozen=True)
class AuditWrite:
    """One request that meant to change something, and its answer."""

    user: str
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    at: datetime
    request_object: Mapping[str, Any] | None = None
    response_object: Mapping[str, Any] | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the API server did what was asked."""
        return 200 <= self.code < 300


class AuditLog:
    """What all API servers of a cluster wrote down; a question reads what came since the last."""

    def __init__(self, *paths: Path):
        self.paths = paths
        self._files = [_AuditFile(path) for path in paths]

    @property
    def torn_lines(self) -> int:
        """How many lines were left unfinished by a killed API server."""
        return sum(each.torn_lines for each in self._files)

    def writes(self) -> tuple[AuditWrite, ...]:
        """Return every write so far, in the order in which they were answered."""
        for each in self._files:
            each.read_on()
        if len(self._files) == 1:
            return tuple(self._files[0].writes)
        every = [write for each in self._files for write in each.writes]
        return tuple(sorted(every, key=lambda write: write.at))

    def writes_by(
        self, user: str, resource: str | None = None, namespace: str | None = None
    ) -> tuple[AuditWrite, ...]:
        """Return the writes of *user*, of one resource or namespace if named."""
        return tuple(
            write
            for write in self.writes()
            if write.user == user
            and resource in (None, write.resource)
            and namespace in (None, write.namespace)
        )

    def pod_lifetimes(self, namespace: str | None = None) -> tuple[PodLifetime, ...]:
        """Return the life of every pod that was created, of one namespace if named."""
        lives = pod_lifetimes(self.writes())
        return tuple(life for life in lives if namespace in (None, life.namespace))


class _AuditFile:
    """The audit log of one API server, as far as it was read."""

    def __init__(self, path: Path):
        self.writes: list[AuditWrite] = []
        self.torn_lines = 0
        self._path = path
        self._offset = 0

    def read_on(self) -> None:
        """Read what was added since the last time."""
        if not self._path.exists():
            return
        with self._path.open("rb") as log:
            log.seek(self._offset)
            added = log.read()
        # The last line may still be in the making.
        whole = added[: added.rfind(b"\n") + 1]
        self._offset += len(whole)
        lines = [line for line in whole.split(b"\n") if line]
        events = [event for event in map(_parsed, lines) if event is not None]
        self.torn_lines += len(lines) - len(events)
        self.writes += written(events)


def _parsed(line: bytes) -> Mapping[str, Any] | None:
    # A killed API server leaves half a line, and the next one continues on it.
    try:
        event: Mapping[str, Any] = json.loads(line)
    except ValueError:
        return None
    return event


def written(events: Iterable[Mapping[str, Any]]) -> Iterator[AuditWrite]:
    """Yield the writes among audit events; dry runs change nothing and are none."""
    for event in events:
        if event["stage"] == "ResponseComplete" and "dryRun=" not in event.get("requestURI", ""):
            yield _write(event)


def _write(event: Mapping[str, Any]) -> AuditWrite:
    reference = event.get("objectRef", {})
    response = event.get("responseObject")
    # With generateName, only the answer knows the name.
    answered = (response or {}).get("metadata", {}).get("name", "")
    return AuditWrite(
        user=event.get("impersonatedUser", event["user"])["username"],
        verb=event["verb"],
        resource=reference.get("resource", ""),
        subresource=reference.get("subresource", ""),
        namespace=reference.get("namespace", ""),
        name=reference.get("name") or answered,
        code=event["responseStatus"]["code"],
        at=datetime.fromisoformat(event["stageTimestamp"]),
        request_object=event.get("requestObject"),
        response_object=response,
    )
