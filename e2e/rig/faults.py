"""
What may befall requests to the API server on their way: the faults that a proxy can have.

Each fault is one misfortune, and leaves alone what it is not about. They run in the proxy's loop.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Event = Mapping[str, Any]
Query = tuple[tuple[str, str], ...]

DONE, GONE = 200, 410
JSON = {"Content-Type": "application/json"}
CLUSTER_WIDE = ("nodes", "pricesheets")
GROUP_PARTS, CORE_PARTS = 4, 3


class DroppedError(Exception):
    """The connection ends without an answer."""


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: Query = ()
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_watch(self) -> bool:
        """Whether it asks for events."""
        return self.method == "GET" and ("watch", "true") in self.query

    @property
    def is_list(self) -> bool:
        """Whether it asks for every object of a kind, in all namespaces."""
        return self.method == "GET" and not self.is_watch and self.kind != ""

    @property
    def is_write(self) -> bool:
        """Whether something is stored; questions in the form of a write are none."""
        is_question = any(name == "dryRun" for name, _ in self.query) or "reviews" in self.path
        return self.method != "GET" and not is_question

    @property
    def is_lease(self) -> bool:
        """Whether it is about leadership."""
        return "/leases" in self.path

    @property
    def kind(self) -> str:
        """The plural of the kind that is listed or watched in all namespaces, else empty."""
        parts = self.path.strip("/").split("/")
        length = CORE_PARTS if parts[0] == "api" else GROUP_PARTS
        return parts[-1] if len(parts) == length else ""

    @property
    def named(self) -> str:
        """Verb and resource, as people name a write: `PATCH deployments/scale`."""
        parts = self.path.strip("/").split("/")
        parts = parts[2:] if parts[0] == "api" else parts[3:]
        parts = parts[2:] if parts[0] == "namespaces" and len(parts) > 2 else parts
        return f"{self.method} {'/'.join((*parts[:1], *parts[2:]))}"


@dataclass(frozen=True)
class Answered:
    """One answer."""

    code: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: dict(JSON))


def refusal(code: int, headers: Mapping[str, str] | None = None) -> Answered:
    """Return the answer of an API server that refuses with *code*."""
    said = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    body = json.dumps({**said, "message": f"made up: {code}"}).encode()
    return Answered(code, body, {**JSON, **(headers or {})})


def expired() -> Event:
    """Return the event that ends a watch whose version is too old."""
    gone = {"kind": "Status", "apiVersion": "v1", "code": GONE, "message": "too old"}
    return {"type": "ERROR", "object": {**gone, "status": "Failure", "reason": "Expired"}}


class Fault:
    """A misfortune; this one does nothing."""

    def changed(self, asked: Asked) -> Asked:
        """Return the request as it is passed on."""
        return asked

    async def instead(self, asked: Asked) -> Answered | None:
        """Return an answer to be given instead of the API server's."""
        return None

    async def answered(self, asked: Asked, answer: Answered) -> Answered:
        """Return what becomes of an answer."""
        return answer

    async def told(self, asked: Asked, event: Event) -> Iterable[Event]:
        """Return what becomes of a watch event."""
        return (event,)


class OnlyNamespace(Fault):
    """Shows one namespace alone, so that several operators can work side by side on one cluster."""

    def __init__(self, namespace: str):
        self.namespace = namespace

    def changed(self, asked: Asked) -> Asked:
        if not (asked.is_list or asked.is_watch) or asked.kind in ("", *CLUSTER_WIDE):
            return asked
        key = "metadata.name" if asked.kind == "namespaces" else "metadata.namespace"
        return replace(asked, query=_selected(asked.query, f"{key}={self.namespace}"))


def _selected(query: Query, selector: str) -> Query:
    before = [value for name, value in query if name == "fieldSelector"]
    rest = tuple(each for each in query if each[0] != "fieldSelector")
    return (*rest, ("fieldSelector", ",".join((*before, selector))))


class Written(Fault):
    """Notes the writes that come to here but those of the lease, and when pods were listed last."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.news_at = self.listed_at = time.monotonic()

    async def instead(self, asked: Asked) -> Answered | None:
        if asked.is_list and asked.kind == "pods":
            self.listed_at = time.monotonic()
        if asked.is_write and not asked.is_lease:
            self.names.append(asked.named)
            # What was spent is kept up however little happens.
            if "spendledgers" not in asked.path:
                self.news_at = time.monotonic()
        return None


class CrashAt(Fault):
    """
    Ends the program at its write number *number*: before it is stored, or before it knows.

    Whatever else it sends meanwhile gets no further. *crash* has to return when the program is
    gone; `hit` then names the write. Only writes to *resource* are counted where that is given.
    """

    def __init__(
        self, number: int, crash: Callable[[], None], *, is_before: bool, resource: str = ""
    ):
        self.hit = ""
        self._left, self._crash, self._is_before = number, crash, is_before
        self._resource = resource
        self._meant: Asked | None = None
        self._is_ending = False

    async def instead(self, asked: Asked) -> Answered | None:
        if self._is_ending:
            raise DroppedError
        if asked.is_write and not asked.is_lease and self._resource in asked.named:
            self._left -= 1
            if self._left == 0:
                self._meant = asked
                await self._end(asked, now=self._is_before)
        return None

    async def answered(self, asked: Asked, answer: Answered) -> Answered:
        if asked is self._meant:
            await self._end(asked, now=True)
        return answer

    async def _end(self, asked: Asked, *, now: bool) -> None:
        if now:
            self.hit, self._is_ending = asked.named, True
            try:
                await asyncio.to_thread(self._crash)
            finally:
                # The handler ends with its connection, which may be sooner.
                self._is_ending = False
            raise DroppedError


class RefusedWrites(Fault):
    """Refuses the first *times* writes of each resource with *code*."""

    def __init__(self, code: int, times: int, headers: Mapping[str, str] | None = None):
        self._answer, self._times = refusal(code, headers), times
        self._seen: defaultdict[str, int] = defaultdict(int)

    async def instead(self, asked: Asked) -> Answered | None:
        if not asked.is_write or asked.is_lease:
            return None
        self._seen[asked.named] += 1
        return self._answer if self._seen[asked.named] <= self._times else None


class RefusedReads(Fault):
    """Refuses the first *times* lists and watches of each kind with *code*."""

    def __init__(self, code: int, times: int, headers: Mapping[str, str] | None = None):
        self._answer, self._times = refusal(code, headers), times
        self._seen: defaultdict[tuple[str, bool], int] = defaultdict(int)

    async def instead(self, asked: Asked) -> Answered | None:
        if not (asked.is_list or asked.is_watch):
            return None
        key = asked.kind, asked.is_watch
        self._seen[key] += 1
        return self._answer if self._seen[key] <= self._times else None


class LostAnswers(Fault):
    """Loses the first *times* answers to writes of each resource: they are stored all the same."""

    def __init__(self, times: int):
        self._times = times
        self._seen: defaultdict[str, int] = defaultdict(int)

    async def answered(self, asked: Asked, answer: Answered) -> Answered:
        if asked.is_write and not asked.is_lease:
            self._seen[asked.named] += 1
            if self._seen[asked.named] <= self._times:
                raise DroppedError
        return answer


class ExpiredStreams(Fault):
    """Ends every watch with 410 after so many *events*, as long as it may still do so *times*."""

    def __init__(self, events: int, times: int):
        self._events, self._times = events, times
        self._seen: defaultdict[str, int] = defaultdict(int)

    async def told(self, asked: Asked, event: Event) -> Iterable[Event]:
        self._seen[asked.path] += 1
        turn, rest = divmod(self._seen[asked.path], self._events)
        if rest or turn > self._times:
            return (event,)
        # What comes after it on this stream is not read any more.
        return (expired(),)


class SilentWatches(Fault):
    """Keeps the watches that have begun open, and lets nothing through, for as long as it is on."""

    def __init__(self) -> None:
        self.is_on = False
        self._silenced: set[int] = set()

    async def told(self, asked: Asked, event: Event) -> Iterable[Event]:
        # Silent once, a stream stays so; one that is begun anew is another one.
        if self.is_on:
            self._silenced.add(id(asked))
        return () if id(asked) in self._silenced else (event,)


class RepeatedEvents(Fault):
    """Tells each event again, and before that the one before it of the same object."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], Event] = {}

    async def told(self, asked: Asked, event: Event) -> Iterable[Event]:
        if event["type"] in ("BOOKMARK", "ERROR"):
            return (event,)
        key = asked.path, event["object"]["metadata"]["uid"]
        before = self._last.get(key)
        self._last[key] = event
        return (event, before, event) if before and event["type"] != "DELETED" else (event, event)


class LateKinds(Fault):
    """Delays each kind's events by its own time: what is seen of one is older than of another."""

    def __init__(self, seconds: Mapping[str, float]):
        self._seconds = seconds
        self._told_at: defaultdict[str, float] = defaultdict(float)

    async def told(self, asked: Asked, event: Event) -> Iterable[Event]:
        late = self._seconds.get(asked.kind, 0)
        # What has come while the one before was waiting is late already.
        if time.monotonic() - self._told_at[asked.path] > late:
            await asyncio.sleep(late)
        self._told_at[asked.path] = time.monotonic()
        return (event,)


class LostEvents(Fault):
    """Loses every other event, until it is over: then the watches that lost some end with 410."""

    def __init__(self) -> None:
        self.is_over = False
        self._seen: defaultdict[int, int] = defaultdict(int)

    async def told(self, asked: Asked, event: Event) -> Iterable[Event]:
        self._seen[id(asked)] += 1
        if not self.is_over:
            return (event,) if self._seen[id(asked)] % 2 else ()
        return (expired(),) if self._seen[id(asked)] > 1 else (event,)


class OldLists(Fault):
    """Answers lists, once, with what they said *before*; and what watches tell comes late."""

    def __init__(self, before: Mapping[str, Answered], late_seconds: float):
        self._before, self._late_seconds = dict(before), late_seconds
        self._begins = time.monotonic()

    async def instead(self, asked: Asked) -> Answered | None:
        return self._before.pop(asked.kind, None) if asked.is_list else None

    async def told(self, asked: Asked, event: Event) -> Iterable[Event]:
        await asyncio.sleep(self._begins + self._late_seconds - time.monotonic())
        return (event,)


class RememberedLists(Fault):
    """Remembers the first answer to each kind's list."""

    def __init__(self) -> None:
        self.first: dict[str, Answered] = {}

    async def answered(self, asked: Asked, answer: Answered) -> Answered:
        if asked.is_list and answer.code == DONE:
            self.first.setdefault(asked.kind, answer)
        return answer
