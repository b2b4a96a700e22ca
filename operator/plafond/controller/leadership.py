"""
Who writes: one of several operators, by a Lease.

Election does not fence: a leader that was asleep may wake up and write. So it stops by its own,
monotonic clock before anybody else may begin, every write is one that may be repeated, and what
loosens a limit needs leadership that was confirmed after the facts that it rests on. Then two
leaders at once can only hold more tightly than one.

Who leads again after another did leads in a new term. A pass writes only in the term that it began
in: what it knows from before may be older than what the other one has written.
"""

import asyncio
import contextlib
import logging
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from plafond.api.writer import ApiWriter, Result, Written

logger = logging.getLogger(__name__)

LEASE: Final = "plafond"


class Leadership(Protocol):
    """Whether this process is the one that decides."""

    @property
    def is_standby(self) -> bool:
        """Another one decides, as far as is known, or nobody yet."""

    def begin(self) -> int:
        """Begin a pass, and return its term: what is written from now on belongs to that one."""

    async def confirm(self, term: int) -> bool:
        """Say whether this process has led since *term* began, asked of the API server now."""


class Alone:
    """No election: whoever switches it off runs exactly one operator."""

    is_standby = False
    may_write = True

    def begin(self) -> int:
        """There is one term."""
        return 0

    async def confirm(self, term: int) -> bool:
        """Nobody else is there to ask for."""
        return term == 0


@dataclass(frozen=True, slots=True)
class LeaseTiming:
    """
    When others may take over, when we stop before that, and how often we renew.

    They are our own: what a Lease says of its duration must not lock everybody else out.

    Attributes:
        duration: a lease that was not renewed for so long may be taken by another.
        renew_deadline: a leader that could not renew for so long writes nothing any more.
        retry_period: between two attempts to renew, or to become leader.

    """

    duration: timedelta = timedelta(seconds=15)
    renew_deadline: timedelta = timedelta(seconds=10)
    retry_period: timedelta = timedelta(seconds=2)

    @property
    def longest_write(self) -> timedelta:
        """How long a write that began while we led may take, and be over before another's."""
        return self.duration - self.renew_deadline


def own_identity() -> str:
    """
    Return what this process calls itself: where it runs, and what no other process ever has.

    Pods in the network of their host share its name, and in a container nearly every pid is 1.
    """
    return f"{socket.gethostname()}_{uuid.uuid4()}"


@dataclass(frozen=True, slots=True)
class _Seen:
    """
    The lease as the API server had it.

    Attributes:
        acquired: when the holder took it, by the holder's clock; another with every taking.
        at: when by our own clock it was first seen so.

    """

    holder: str
    version: str
    acquired: str
    transitions: int
    at: float


class LeaseElection:
    """Takes the Lease, renews it, and gives it back at the end."""

    def __init__(
        self,
        writer: ApiWriter,
        namespace: str,
        identity: str,
        timing: LeaseTiming | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._writer = writer
        self._namespace = namespace
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._identity = identity
        self._timing = timing or LeaseTiming()
        self._monotonic = monotonic
        self._seen: _Seen | None = None
        self._renewed_at: float | None = None
        self._lock = asyncio.Lock()
        self._trouble = ""
        self._told = ""
        self._term = 0
        self._begun = 0
        # What the lease says of when it was taken for our present term.
        self._acquired: str | None = None
        self.on_succession: Callable[[], None] = _nothing

    @property
    def is_standby(self) -> bool:
        """Another one decides, as far as is known, or nobody yet."""
        return self._seen is None or self._seen.holder != self._identity

    @property
    def leads(self) -> bool:
        """Nobody else can have begun to write: the last renewal is younger than the deadline."""
        if self.is_standby or self._renewed_at is None:
            return False
        deadline = self._timing.renew_deadline.total_seconds()
        return self._monotonic() - self._renewed_at < deadline

    @property
    def may_write(self) -> bool:
        """Nobody else can have begun to write, nor has since the pass began."""
        return self.leads and self._begun == self._term

    def begin(self) -> int:
        """Begin a pass, and return its term: what is written from now on belongs to that one."""
        self._begun = self._term
        return self._term

    async def confirm(self, term: int) -> bool:
        """Renew now, and say whether that was possible, and no other term has begun."""
        return await self.attempt() and self._term == term

    async def run(self) -> None:
        """Become leader, stay leader, become it again; for ever."""
        while True:
            led = self.leads
            await self.attempt()
            self._tell(led=led)
            await asyncio.sleep(self._timing.retry_period.total_seconds())

    async def release(self) -> None:
        """Give the lease back, so that a successor need not wait for its end."""
        async with self._lock:
            seen, self._renewed_at = self._seen, None
            if seen is None or seen.holder != self._identity:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._timing.retry_period.total_seconds()):
                    await self._replace("", seen)
            self._seen = None

    async def attempt(self) -> bool:
        """Renew the lease, or take it if it is free; say whether that gave us the lead."""
        async with self._lock:
            with contextlib.suppress(TimeoutError):
                # An answer that comes after the deadline helps nobody.
                async with asyncio.timeout(self._timing.renew_deadline.total_seconds()):
                    return await self._renewed_or_taken() and self.leads
            return False

    def _tell(self, *, led: bool) -> None:
        if self.leads and not led:
            logger.info("%s leads: it decides and writes", self._identity)
        elif led and not self.leads:
            logger.warning("%s does not lead any more: it writes nothing", self._identity)
        holder = self._seen.holder if self._seen is not None else ""
        if holder and holder not in (self._identity, self._told):
            logger.info("standing by for %s", holder)
        self._told = holder or self._told

    async def _renewed_or_taken(self) -> bool:
        begun = self._monotonic()
        if self._seen is None or self._seen.holder != self._identity:
            found = await self._writer.read(f"{self._collection}/{LEASE}")
            self._look(found)
            if found.result not in (Result.DONE, Result.GONE):
                self._say(found)
                return False
            if self._seen is not None and not self._is_free(self._seen):
                return False
        answer = await self._written()
        if answer.result is Result.DONE:
            self._look(answer)
            self._renewed_at = begun
            self._count_terms()
        else:
            self._say(answer)
        if answer.result in (Result.CONFLICT, Result.GONE):
            # Somebody was faster, or the lease is gone: the next attempt begins with a look.
            self._seen, self._renewed_at = None, None
        return answer.result is Result.DONE

    def _count_terms(self) -> None:
        # By the lease itself: the answer to the write that took it may have been lost.
        acquired = self._seen.acquired if self._seen is not None else None
        if acquired != self._acquired:
            self._acquired = acquired
            self._term += 1
            self.on_succession()

    def _say(self, answer: Written) -> None:
        # Somebody else's turn is no trouble; and what lasts is said once.
        expected = answer.result in (Result.DONE, Result.CONFLICT, Result.GONE)
        trouble = "" if expected else answer.detail
        if trouble and trouble != self._trouble:
            logger.warning("the lease cannot be read or written: %s", trouble)
        self._trouble = trouble

    async def _written(self) -> Written:
        if self._seen is None:
            return await self._writer.create(self._collection, self._lease(self._identity, None))
        return await self._replace(self._identity, self._seen)

    async def _replace(self, holder: str, seen: _Seen) -> Written:
        path = f"{self._collection}/{LEASE}"
        return await self._writer.merge(path, self._lease(holder, seen))

    def _is_free(self, seen: _Seen) -> bool:
        # By our own clock alone: that of the holder may be another one.
        is_over = self._monotonic() - seen.at > self._timing.duration.total_seconds()
        return seen.holder in ("", self._identity) or is_over

    def _look(self, answer: Written) -> None:
        if answer.result is Result.GONE:
            self._seen = None
        if answer.result is not Result.DONE or answer.body is None:
            return
        found = _parsed(answer.body, self._monotonic())
        if self._seen is None or self._seen.version != found.version:
            self._seen = found

    def _lease(self, holder: str, seen: _Seen | None) -> Mapping[str, Any]:
        stamp = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        spec: dict[str, Any] = {"holderIdentity": holder, "renewTime": stamp}
        metadata: dict[str, Any] = {"name": LEASE, "namespace": self._namespace}
        if seen is not None:
            metadata["resourceVersion"] = seen.version
        if seen is None or holder != seen.holder:
            spec["leaseDurationSeconds"] = max(1, round(self._timing.duration.total_seconds()))
            spec["acquireTime"] = stamp
            spec["leaseTransitions"] = 0 if seen is None else seen.transitions + 1
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": spec,
        }


def _nothing() -> None:
    pass


def _parsed(body: Mapping[str, Any], now: float) -> _Seen:
    spec = body.get("spec") or {}
    return _Seen(
        spec.get("holderIdentity") or "",
        body["metadata"]["resourceVersion"],
        spec.get("acquireTime") or "",
        spec.get("leaseTransitions") or 0,
        now,
    )
