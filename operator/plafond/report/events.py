"""
Events: what `kubectl describe` tells, on transitions only.

A repeated Event (same object, same reason) raises the count of the one that is there, at most once
a minute; so a flapping workload cannot fill etcd. Events are history; the status carries the state.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from plafond.api.writer import ApiWriter, Result
from plafond.report.messages import cut

REPEAT_INTERVAL = timedelta(minutes=1)
FORGET_AFTER = timedelta(minutes=50)
COMPONENT = "plafond"


class EventType(StrEnum):
    """The two types that Kubernetes knows."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True)
class Involved:
    """The object that an Event is about."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an object."""

    involved: Involved
    type: EventType
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class _Series:
    name: str
    count: int
    first: datetime
    last: datetime


class EventRecorder:
    """Posts Events; what cannot be posted is dropped, because nothing may wait for an Event."""

    def __init__(self, writer: ApiWriter) -> None:
        self._writer = writer
        self._series: dict[tuple[str, str], _Series] = {}

    async def record(self, event: Event, now: datetime) -> None:
        """Post *event*, or raise the count of the one before."""
        self._forget(now)
        key = (event.involved.uid, event.reason)
        before = self._series.get(key)
        if before is None:
            await self._create(event, now)
        elif now - before.last >= REPEAT_INTERVAL:
            await self._repeat(event, before, now)
        else:
            self._series[key] = _Series(before.name, before.count + 1, before.first, before.last)

    async def _create(self, event: Event, now: datetime) -> None:
        name = _name(event, now)
        body = _body(event, name, now)
        path = f"/api/v1/namespaces/{event.involved.namespace}/events"
        answer = await self._writer.create(path, body)
        if answer.result is Result.DONE:
            self._series[event.involved.uid, event.reason] = _Series(name, 1, now, now)

    async def _repeat(self, event: Event, before: _Series, now: datetime) -> None:
        path = f"/api/v1/namespaces/{event.involved.namespace}/events/{before.name}"
        count = before.count + 1
        patch = {"count": count, "lastTimestamp": _stamp(now), "message": cut(event.message)}
        answer = await self._writer.merge(path, patch)
        key = (event.involved.uid, event.reason)
        if answer.result is Result.DONE:
            self._series[key] = _Series(before.name, count, before.first, now)
        else:
            self._series.pop(key, None)

    def _forget(self, now: datetime) -> None:
        # The API server drops Events after an hour: start anew before that.
        old = [key for key, series in self._series.items() if now - series.first > FORGET_AFTER]
        for key in old:
            del self._series[key]


def _body(event: Event, name: str, now: datetime) -> dict[str, Any]:
    involved = event.involved
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": involved.namespace},
        "involvedObject": {
            "apiVersion": involved.api_version,
            "kind": involved.kind,
            "namespace": involved.namespace,
            "name": involved.name,
            "uid": involved.uid,
        },
        "type": event.type.value,
        "reason": event.reason,
        "message": cut(event.message),
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": COMPONENT,
        "firstTimestamp": _stamp(now),
        "lastTimestamp": _stamp(now),
        "count": 1,
    }


def _name(event: Event, now: datetime) -> str:
    text = f"{event.involved.uid}/{event.reason}/{now.isoformat()}"
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{event.involved.name[:200].rstrip('.-')}.{digest}"


def _stamp(now: datetime) -> str:
    return f"{now:%Y-%m-%dT%H:%M:%SZ}"
