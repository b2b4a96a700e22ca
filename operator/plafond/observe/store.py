"""
The records of one kind, as they were last seen. No I/O: lists and events are handed in.

Records are keyed by uid, so what is said of a deleted object never touches its successor of the
same name.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from plafond.model.gap import Gap
from plafond.observe.records.fields import Raw

R = TypeVar("R")


def _as_parsed(record: R, _before: R | None, _at: datetime) -> R:
    return record


def _differs(before: R | None, after: R | None) -> bool:
    return before != after


@dataclass(frozen=True, slots=True)
class Kind(Generic[R]):
    """
    A kind of object and how it becomes a record.

    Attributes:
        name: what a person calls it, in the plural.
        path: where it is listed.
        parse: raises ValueError (or trips over the shape) when the object makes no sense.
        settle: completes a record with what only the observer knows: the record before, and when.
        is_relevant: whether going from one record to another (None: absent) should wake the loop.
        keeps_vanished: whether a record that is gone stays readable for a while.
        selection: what of it is listed, as query parameters; all of it without any.

    """

    name: str
    path: str
    parse: Callable[[Raw], R]
    settle: Callable[[R, R | None, datetime], R] = _as_parsed
    is_relevant: Callable[[R | None, R | None], bool] = _differs
    keeps_vanished: bool = False
    selection: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Vanished(Generic[R]):
    """A record whose object is gone, and when its absence was observed."""

    record: R
    at: datetime


@dataclass(frozen=True, slots=True)
class Unread:
    """An object that makes no sense as it is now, and why."""

    namespace: str
    name: str
    gap: Gap


@dataclass(frozen=True, slots=True)
class Held(Generic[R]):
    """A record with the version it was read from; a gap says that this version makes no sense."""

    record: R | None  # None: never made sense
    version: int | None
    gap: Unread | None = None


class Store(Generic[R]):
    """What is known of one kind; what takes facts says whether the loop should wake."""

    def __init__(self, kind: Kind[R], keep_vanished: timedelta) -> None:
        self._kind = kind
        self._keep = keep_vanished
        self._held: dict[str, Held[R]] = {}
        self._vanished: dict[str, Vanished[R]] = {}

    @property
    def records(self) -> dict[str, R]:
        """Every record by uid, in the order in which the objects were first seen."""
        return {uid: held.record for uid, held in self._held.items() if held.record is not None}

    @property
    def vanished(self) -> Mapping[str, Vanished[R]]:
        """What is gone but not forgotten, by uid."""
        return self._vanished

    @property
    def gaps(self) -> tuple[Unread, ...]:
        """The objects that make no sense; where there was a record before, it still stands."""
        return tuple(held.gap for held in self._held.values() if held.gap is not None)

    def understood(self, raws: Iterable[Raw], at: datetime) -> dict[str, Held[R]]:
        """Return what a page of a list means; nothing is taken over yet."""
        found = {}
        for raw in raws:
            uid = _uid(raw)
            found[uid] = self._understood(raw, self._held.get(uid), at)
        return found

    def replace(self, listed: Mapping[str, Held[R]], at: datetime) -> bool:
        """Take a complete list: what is not on it is gone."""
        before, self._held = self._held, {}
        wake = False
        for uid, held in listed.items():
            wake |= self._hold(uid, held, before.get(uid))
        for uid, held in before.items():
            if uid not in listed:
                wake |= self._vanish(uid, held.record, at)
        self._expire(at)
        return wake

    def put(self, raw: Raw, at: datetime) -> bool:
        """Take an object that was added or modified."""
        uid = _uid(raw)
        before = self._held.get(uid)
        if before is not None and _is_older(raw, before):
            return False
        self._expire(at)
        return self._hold(uid, self._understood(raw, before, at), before)

    def renew(self, raw: Raw, at: datetime) -> bool:
        """Take an object as a write left it; what is not known, or not any more, stays so."""
        return _uid(raw) in self._held and self.put(raw, at)

    def remove(self, raw: Raw, at: datetime) -> bool:
        """Take an object, as it last was, that was deleted."""
        uid = _uid(raw)
        before = self._held.pop(uid, None)
        if before is None:
            return False
        self._expire(at)
        return self._vanish(uid, self._understood(raw, before, at).record, at)

    def forget(self, uids: Iterable[str]) -> None:
        """Drop what vanished: somebody has taken note of it."""
        for uid in uids:
            self._vanished.pop(uid, None)

    def _understood(self, raw: Raw, before: Held[R] | None, at: datetime) -> Held[R]:
        if before is not None and _is_known(raw, before):
            return before
        last = before.record if before is not None else None
        try:
            record = self._kind.settle(self._kind.parse(raw), last, at)
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
            return Held(last, _version(raw), _unread(raw, self._kind.name, error))
        return Held(record, _version(raw))

    def _hold(self, uid: str, held: Held[R], before: Held[R] | None) -> bool:
        self._held[uid] = held
        self._vanished.pop(uid, None)
        return self._kind.is_relevant(before.record if before is not None else None, held.record)

    def _vanish(self, uid: str, record: R | None, at: datetime) -> bool:
        if record is None:
            return False
        if self._kind.keeps_vanished:
            self._vanished[uid] = Vanished(record, at)
        return self._kind.is_relevant(record, None)

    def _expire(self, at: datetime) -> None:
        # In order of vanishing, so the first that is young enough ends the search.
        while self._vanished:
            uid, oldest = next(iter(self._vanished.items()))
            if at - oldest.at <= self._keep:
                return
            del self._vanished[uid]


def _uid(raw: Raw) -> str:
    metadata = raw.get("metadata") or {}
    return str(metadata.get("uid") or _called(raw))


def _called(raw: Raw) -> str:
    metadata = raw.get("metadata") or {}
    return f"{metadata.get('namespace', '')}/{metadata.get('name', '')}".lstrip("/")


def _unread(raw: Raw, kind: str, error: Exception) -> Unread:
    metadata = raw.get("metadata") or {}
    gap = Gap(f"{kind} {_called(raw)} cannot be read: {error}")
    return Unread(metadata.get("namespace", ""), metadata.get("name", ""), gap)


def _version(raw: Raw) -> int | None:
    text = str((raw.get("metadata") or {}).get("resourceVersion", ""))
    return int(text) if text.isdecimal() else None


def _is_known(raw: Raw, held: Held[R]) -> bool:
    # A full list tells the same versions again and again: each is understood once.
    return held.gap is None and held.version is not None and held.version == _version(raw)


def _is_older(raw: Raw, held: Held[R]) -> bool:
    version = _version(raw)
    return version is not None and held.version is not None and version < held.version
