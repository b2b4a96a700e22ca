"""
One kind of object, kept up to date by LIST and WATCH.

A watch can lie by silence and a list can be cut short; so silence ends a watch, an expired version
starts over, and every few minutes a full list replaces everything that was believed.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from plafond.observe.api_reader import ApiReader
from plafond.observe.backoff import Backoff
from plafond.observe.errors import ExpiredError, ObservationError, SilenceError
from plafond.observe.records.fields import Raw, part, parts
from plafond.observe.recovery import Recovery
from plafond.observe.store import Held, Kind, Store

R = TypeVar("R")

logger = logging.getLogger(__name__)

_GONE = 410


@dataclass(frozen=True, slots=True)
class CacheTiming:
    """
    How often a cache looks afresh, and how long it remembers.

    Attributes:
        relist: between two full lists.
        watch: after which the server is asked to end a watch, so that load balances.
        keep_vanished: how long what is gone stays readable if nobody takes note of it.
        page_size: objects per page of a list.
        backoff: makes the delays after failures.

    """

    relist: timedelta = timedelta(minutes=10)
    watch: timedelta = timedelta(minutes=5)
    keep_vanished: timedelta = timedelta(hours=1)
    page_size: int = 500
    backoff: Callable[[], Backoff] = field(default=Backoff)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every cache is given: the source, the clock, whom to wake, and how the others fare."""

    reader: ApiReader
    clock: Callable[[], datetime]
    on_change: Callable[[], None]
    timing: CacheTiming = field(default_factory=CacheTiming)
    recovery: Recovery = field(default_factory=Recovery)


class Cache(Generic[R]):
    """Keeps the records of one kind; `run` never returns and survives every failing source."""

    def __init__(self, kind: Kind[R], around: Surroundings) -> None:
        self._kind = kind
        self._around = around
        self._backoff = around.timing.backoff()
        self._version = ""
        self._listed_at = 0.0
        self.store = Store(kind, around.timing.keep_vanished)
        self.synced = asyncio.Event()
        self.last_contact: datetime | None = None
        self.trouble: str | None = None

    @property
    def name(self) -> str:
        """What a person calls the kind."""
        return self._kind.name

    def age(self, now: datetime) -> timedelta | None:
        """Return how long ago the API server last said something; None: never."""
        return None if self.last_contact is None else now - self.last_contact

    async def run(self) -> None:
        """List, watch until the next full list is due, and so on for ever."""
        while True:
            try:
                await self._list()
                await self._watch_until_relist()
            except ObservationError as error:
                self._note(error)
                await self._pause()

    def learn(self, found: Raw) -> None:
        """Take what the API server answered to a write, where the object is known already."""
        if self.synced.is_set() and self.store.renew(found, self._around.clock()):
            self._around.on_change()

    async def _list(self) -> None:
        listed: dict[str, Held[R]] = {}
        query = {**self._kind.selection, "limit": str(self._around.timing.page_size)}
        while True:
            page = await self._around.reader.get(self._kind.path, query)
            self._version, token = _page_marks(page, self._kind.path)
            listed |= self.store.understood(parts(page, "items"), self._around.clock())
            if not token:
                break
            query["continue"] = token
        self._listed_at = asyncio.get_running_loop().time()
        self._heard(wake=self.store.replace(listed, self._around.clock()))
        if not self.synced.is_set():
            self.synced.set()
            self._around.on_change()

    async def _watch_until_relist(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._around.timing.relist.total_seconds()
        while (began := loop.time()) < due:
            is_expired = await self._watch_once(due - began)
            # What worked for a while did not fail like what came before. An expired version is an
            # answer, too: after an outage nothing is gained by waiting longer, unless it repeats.
            since = self._listed_at if is_expired else began
            if loop.time() - since > self._backoff.limit_seconds:
                self._backoff.reset()
            # A server that ends every watch at once must not be asked again at once.
            await self._pause()
            if is_expired:
                return

    async def _watch_once(self, left_seconds: float) -> bool:
        """Follow one watch, however it ends; say whether its version has expired."""
        try:
            await self._watch(left_seconds)
        except ExpiredError as expired:
            logger.debug("%s are listed afresh: %s", self._kind.name, expired)
            return True
        except SilenceError as silence:
            logger.debug("%s are watched afresh: %s", self._kind.name, silence)
        except ObservationError as error:
            self._note(error)
        return False

    async def _watch(self, left_seconds: float) -> None:
        """Follow one watch to its end."""
        length = min(self._around.timing.watch.total_seconds(), left_seconds)
        query = {
            **self._kind.selection,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(max(1, round(length))),
        }
        async with self._around.reader.watch(self._kind.path, query) as events:
            # That it was accepted is a sign of life: where little happens, bookmarks are rare.
            self._heard(wake=False)
            async for event in events:
                self._take(event)

    def _take(self, event: Raw) -> None:
        kind, found = event.get("type"), event.get("object")
        if not isinstance(found, Mapping):
            msg = f"{self._kind.path}: an event carries no object"
            raise ObservationError(msg)
        at = self._around.clock()
        match kind:
            case "ADDED" | "MODIFIED":
                self._heard(wake=self.store.put(found, at))
            case "DELETED":
                self._heard(wake=self.store.remove(found, at))
            case "BOOKMARK":
                self._heard(wake=False)
            case _:
                raise _stream_error(found, self._kind.path)
        # Kept event by event: a watch that breaks off goes on from here, and not from its start.
        self._version = str(part(found, "metadata").get("resourceVersion") or self._version)

    async def _pause(self) -> None:
        await self._around.recovery.wait(self._backoff.next_seconds())

    def _heard(self, *, wake: bool) -> None:
        self.last_contact = self._around.clock()
        if self.trouble is not None:
            logger.info("%s can be read again", self._kind.name)
            self.trouble = None
            self._around.recovery.tell()
        if wake and self.synced.is_set():
            self._around.on_change()

    def _note(self, error: ObservationError) -> None:
        # Said once, not at every retry: an outage of an hour is one line, not a thousand.
        level = logging.WARNING if self.trouble is None else logging.DEBUG
        logger.log(level, "%s cannot be read: %s", self._kind.name, error)
        self.trouble = str(error)


def _page_marks(page: Raw, path: str) -> tuple[str, str]:
    marks = part(page, "metadata")
    version = marks.get("resourceVersion")
    if not version or not isinstance(page.get("items") or [], list):
        msg = f"{path}: the API server's answer is not a list"
        raise ObservationError(msg)
    return str(version), str(marks.get("continue") or "")


def _stream_error(status: Raw, path: str) -> ObservationError:
    why = f"{path}: the watch ended with {status.get('code')} {status.get('message', '')}".rstrip()
    return ExpiredError(why) if status.get("code") == _GONE else ObservationError(why)
