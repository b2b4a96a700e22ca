"""Writes statuses: only what is news, each object at most once per interval, and nothing twice."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from plafond.api.constants import COST_POLICIES, GROUP, PRICE_SHEETS, VERSION
from plafond.api.writer import ApiWriter, Result
from plafond.model.capacity import PriceSheet
from plafond.model.policy import CostPolicy, InvalidPolicy
from plafond.report.conditions import Condition, written
from plafond.report.status import Wavering, news_of, wavering


@dataclass(frozen=True, slots=True)
class Subject:
    """The object whose status is written: its path, which object it is, and which spec is meant."""

    path: str
    uid: str
    generation: int

    @property
    def key(self) -> tuple[str, str]:
        """The object, whatever its spec: one of the same name that comes later is another."""
        return self.path, self.uid


def policy_subject(policy: CostPolicy | InvalidPolicy) -> Subject:
    """Return *policy* as the subject of a status."""
    collection = f"/apis/{GROUP}/{VERSION}/namespaces/{policy.namespace}/{COST_POLICIES}"
    return Subject(f"{collection}/{policy.name}/status", policy.uid, policy.generation)


def sheet_subject(sheet: PriceSheet) -> Subject:
    """Return *sheet* as the subject of a status."""
    path = f"/apis/{GROUP}/{VERSION}/{PRICE_SHEETS}/{sheet.name}/status"
    return Subject(path, sheet.uid, sheet.generation)


@dataclass(frozen=True, slots=True)
class Statement:
    """What the status of *subject* is to say; *warnings* are sentences in it, each of them news."""

    subject: Subject
    conditions: tuple[Condition, ...]
    status: Mapping[str, Any]
    warnings: tuple[str, ...] = ()

    @property
    def news(self) -> tuple[Any, ...]:
        """What is worth a write when it changes."""
        # Messages carry amounts and the words of others, which change all the time; that of Ready
        # says what has to be done, so it must never be about something else.
        said = [
            (c.type, c.status, c.reason, c.message if c.type == "Ready" else "")
            for c in self.conditions
        ]
        return self.subject.generation, said, news_of(self.status), self.warnings

    @property
    def wavering(self) -> Mapping[str, Wavering]:
        """What is worth a write when it is far enough from what was said."""
        return wavering(self.status)


@dataclass(frozen=True, slots=True)
class Transition:
    """A condition that says something else than before; *is_first* when there was none."""

    condition: Condition
    is_first: bool


@dataclass(slots=True)
class _Kept:
    """What is remembered of one object."""

    tried_at: datetime
    generation: int
    news: tuple[Any, ...] | None = None
    wavering: Mapping[str, Wavering] = field(default_factory=dict)
    conditions: list[dict[str, Any]] | None = None


class StatusWriter:
    """Writes statuses; what cannot be written is tried again when the interval is over."""

    def __init__(self, writer: ApiWriter, interval: timedelta) -> None:
        self._writer = writer
        self._interval = interval
        self._kept: dict[tuple[str, str], _Kept] = {}

    def is_due(self, statement: Statement, now: datetime) -> bool:
        """Say whether *statement* is news that may be written now; if not yet, it stays news."""
        kept = self._kept.get(statement.subject.key)
        if kept is None:
            return True
        # Whoever has just written a new spec waits for what comes of it.
        is_new = kept.generation != statement.subject.generation
        is_over = now - kept.tried_at >= self._interval
        is_news = kept.news != statement.news or _has_moved(kept.wavering, statement.wavering)
        return is_news and (is_new or is_over)

    async def write(self, statement: Statement, now: datetime) -> list[Transition]:
        """Write *statement*; return the conditions that changed their status."""
        subject = statement.subject
        kept = self._kept.setdefault(subject.key, _Kept(now, subject.generation))
        kept.tried_at, kept.generation = now, subject.generation
        if kept.conditions is None:
            # Once per object and process: transition times outlive a restart.
            kept.conditions = await self._said_before(subject)
        before = kept.conditions
        if before is None:
            return []
        listed = written(statement.conditions, before, subject.generation, now)
        status = {
            **statement.status,
            "observedGeneration": subject.generation,
            "conditions": listed,
        }
        answer = await self._writer.merge(subject.path, {"status": status})
        if answer.result is not Result.DONE:
            return []
        kept.news, kept.conditions = statement.news, listed
        kept.wavering = statement.wavering
        return _transitions(statement, before)

    def forget_all_but(self, subjects: Collection[Subject]) -> None:
        """Forget every object that is not among *subjects*: it is gone."""
        keys = {subject.key for subject in subjects}
        self._kept = {key: kept for key, kept in self._kept.items() if key in keys}

    async def _said_before(self, subject: Subject) -> list[dict[str, Any]] | None:
        answer = await self._writer.read(subject.path)
        if answer.result is not Result.DONE or answer.body is None:
            return None
        if answer.body.get("metadata", {}).get("uid", "") != subject.uid:
            return None  # another object of that name has come; the next pass knows it
        found: list[dict[str, Any]] = answer.body.get("status", {}).get("conditions", [])
        return found


def _has_moved(before: Mapping[str, Wavering], now: Mapping[str, Wavering]) -> bool:
    # What is said for the first time, or no more, is news among the budgets.
    return any(before[each].is_left_by(now[each]) for each in now.keys() & before.keys())


def _transitions(statement: Statement, before: list[dict[str, Any]]) -> list[Transition]:
    old = {each.get("type"): (each.get("status", ""), each.get("reason", "")) for each in before}
    return [
        Transition(condition, is_first=condition.type not in old)
        for condition in statement.conditions
        if _is_another(condition, old.get(condition.type, ("", "")))
    ]


def _is_another(condition: Condition, before: tuple[str, str]) -> bool:
    status, reason = before
    # How ceilings are enforced is worth telling, also where they still are.
    is_how = condition.type == "Enforcing" and reason not in ("", condition.reason)
    return status != condition.status.value or is_how
