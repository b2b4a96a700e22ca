"""
A namespace's days and months, closed: what each workload spent, for whoever asks later.

Nothing is decided by them. So a day is closed once, as it is known when its last hour is whole, and
what comes later is in the ledger alone; and a day that is lost is missing here, and nowhere else.
When all days of a month are older than eight days, the month takes their place.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from plafond.account.closing import by_day, day_of, finished_day, finished_months, month_of
from plafond.account.ledger import DAY, KEPT_FOR
from plafond.api.convert_closed import (
    ClosedLedger,
    closed_spec,
    day_name,
    month_name,
    parse_closed,
)
from plafond.api.errors import InvalidResource
from plafond.api.writer import ApiWriter, Result, Written
from plafond.model.ledger import Ledger
from plafond.model.memory import NamespaceRecord
from plafond.model.window import Span
from plafond.report.ledger_objects import LedgerObjects

_DONE: Final = Written(Result.DONE)


@dataclass(frozen=True, slots=True)
class _There:
    uid: str
    closed: ClosedLedger

    @property
    def is_day(self) -> bool:
        """It is of a day, and not of a month."""
        return self.closed.name == day_name(self.closed.span)


class ClosedDays:
    """Closes each day of a namespace once it is over, and each month after its last days."""

    def __init__(self, writer: ApiWriter) -> None:
        self._objects = LedgerObjects(writer)
        self._closed: dict[str, datetime] = {}
        self._tidied: dict[str, datetime] = {}

    def forget_all_but(self, namespaces: Collection[str]) -> None:
        """Forget what was done in namespaces that are gone."""
        self._closed = {name: end for name, end in self._closed.items() if name in namespaces}
        self._tidied = {name: end for name, end in self._tidied.items() if name in namespaces}

    async def close(self, namespace: str, record: NamespaceRecord) -> Written:
        """Close what is finished of *record*, unless that was done; say what kept it from that."""
        as_of = record.ledger.as_of
        if as_of is None:
            return _DONE
        day, months = finished_day(as_of), finished_months(as_of)
        if self._closed.get(namespace) != day.end and not _is_awaited(record, day):
            answer = await self._close_day(namespace, day, day_of(record.ledger, day))
            if answer.result is not Result.DONE:
                return answer
            self._closed[namespace] = day.end
        if self._tidied.get(namespace) != months:
            answer = await self._tidy(namespace, months, as_of)
            if answer.result is not Result.DONE:
                return answer
            self._tidied[namespace] = months
        return _DONE

    async def _close_day(self, namespace: str, day: Span, held: Ledger) -> Written:
        if not held.series:
            return _DONE
        try:
            spec = closed_spec(held, day)
        except InvalidResource as error:
            return Written(Result.REFUSED, str(error))
        answer = await self._objects.close(
            namespace, day_name(day), spec, _label_of_days(day.start)
        )
        # It was closed before, perhaps by an operator that knew another part of it.
        return _DONE if answer.result is Result.CONFLICT else answer

    async def _tidy(self, namespace: str, months: datetime, as_of: datetime) -> Written:
        """Put months in the place of their days until *months*, and delete what is too old."""
        answer = await self._objects.all_but(namespace, _rightful(months, as_of))
        if answer.result is not Result.DONE or answer.body is None:
            return answer
        try:
            there = [_there(raw) for raw in answer.body.get("items", ())]
        except InvalidResource as error:
            return Written(Result.REFUSED, str(error))
        old = [each for each in there if as_of - each.closed.span.end > KEPT_FOR]
        days: dict[datetime, list[_There]] = defaultdict(list)
        for each in sorted(there, key=lambda each: each.closed.span.start):
            if each.is_day and each.closed.span.end <= months and each not in old:
                days[month_of(each.closed.span.start).start].append(each)
        for start in sorted(days):
            answer = await self._close_month(namespace, month_of(start), days[start])
            if answer.result is not Result.DONE:
                return answer
        return await self._delete(namespace, old)

    async def _close_month(self, namespace: str, month: Span, days: list[_There]) -> Written:
        whole = by_day(each.closed.ledger for each in days)
        name = month_name(month)
        try:
            spec = closed_spec(whole, month)
            answer = await self._objects.close(namespace, name, spec, _label(month))
            if answer.result is Result.CONFLICT and answer.body is not None:
                # Made from more days than are left: some of them are deleted already.
                if not _covers(parse_closed(answer.body).ledger, whole):
                    return Written(Result.REFUSED, f"{name} lacks days that are still there")
                answer = _DONE
        except InvalidResource as error:
            return Written(Result.REFUSED, str(error))
        return answer if answer.result is not Result.DONE else await self._delete(namespace, days)

    async def _delete(self, namespace: str, gone: list[_There]) -> Written:
        for each in gone:
            answer = await self._objects.delete(namespace, each.closed.name, each.uid)
            if answer.result is not Result.DONE:
                return answer
        return _DONE


def _there(raw: Mapping[str, Any]) -> _There:
    meta = raw["metadata"]
    try:
        return _There(meta["uid"], parse_closed(raw))
    except InvalidResource as error:
        field = f"{meta['name']}: {error.field}"
        raise InvalidResource(field, error.sentence) from error


def _rightful(months: datetime, as_of: datetime) -> Iterator[str]:
    """Yield the labels of what is to stay: months until *months*, and days after that."""
    at = as_of
    while as_of - at <= KEPT_FOR + DAY:
        month = month_of(at)
        yield _label(month) if month.end <= months else _label_of_days(month.start)
        at = month.start - DAY


def _label_of_days(day: datetime) -> str:
    return f"{day:%Y-%m}"


def _label(month: Span) -> str:
    return f"whole-{month.start:%Y-%m}"


def _is_awaited(record: NamespaceRecord, day: Span) -> bool:
    # What history is still to tell of a day belongs into it.
    memory = record.memory
    since = memory.counted_since
    return memory.history_wanted_at is not None and since is not None and day.start < since


def _covers(month: Ledger, days: Ledger) -> bool:
    """Say whether *month* holds something of every day that *days* holds."""
    return _days_in(days) <= _days_in(month)


def _days_in(ledger: Ledger) -> frozenset[date]:
    return frozenset(b.start.date() for buckets in ledger.series.values() for b in buckets)
