"""What a pass says: status, conditions, Events, metrics, audit lines. Nothing here decides."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from plafond.api.constants import API_VERSION
from plafond.api.writer import ApiWriter, Result
from plafond.decide.decision import Decision
from plafond.decide.evaluate import Evaluation
from plafond.decide.plan import ScaleTo
from plafond.model.policy import CostPolicy, InvalidPolicy, Mode
from plafond.model.snapshot import Snapshot
from plafond.model.workload import WorkloadId
from plafond.report.attempt import Attempt
from plafond.report.audit import AuditLog
from plafond.report.condition_reason import EventReason
from plafond.report.conditions import Condition, Observed, Truth, conditions, excluded, invalid
from plafond.report.disruption import Shortfall, shortfalls
from plafond.report.events import Event, EventRecorder, EventType, Involved
from plafond.report.messages import cut, told
from plafond.report.meter_gaps import LastingGaps
from plafond.report.metrics import Metrics
from plafond.report.part import PolicyPart
from plafond.report.price_sheets import sheet_conditions
from plafond.report.side_by_side import Job, side_by_side
from plafond.report.status import empty_status, judged_status
from plafond.report.status_writer import (
    Statement,
    StatusWriter,
    Transition,
    policy_subject,
    sheet_subject,
)
from plafond.report.turning_points import TurningPoints

# Of what a condition says, this is history; the others follow from it.
ANNOUNCED = frozenset({"Ready", "WithinBudget", "Enforcing", "MetricsAvailable"})

PolicyKey = tuple[str, str]
AnyPolicy = CostPolicy | InvalidPolicy


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """
    How often, and for how long, is reported.

    Attributes:
        status_interval: an object's status is written at most once in it.
        metrics_gap_reported_after: how long metrics must be missing before that is said.
        longest: what is not written by then waits for a later pass.
        excluded_namespaces: those that are never governed.

    """

    status_interval: timedelta = timedelta(seconds=30)
    metrics_gap_reported_after: timedelta = timedelta(minutes=1)
    longest: timedelta = timedelta(seconds=5)
    excluded_namespaces: frozenset[str] = frozenset()


class Reporter:
    """Says what was decided, and only what is new."""

    def __init__(self, writer: ApiWriter, metrics: Metrics, settings: ReportSettings) -> None:
        self._events = EventRecorder(writer)
        self._status = StatusWriter(writer, settings.status_interval)
        self._metrics = metrics
        self._audit = AuditLog()
        self._settings = settings
        self._short: frozenset[tuple[PolicyKey, str]] = frozenset()
        self._turning_points = TurningPoints()
        self._gaps = LastingGaps(settings.metrics_gap_reported_after)

    async def report(
        self, snapshot: Snapshot, evaluation: Evaluation, attempts: Sequence[Attempt]
    ) -> None:
        """Report one pass."""
        self._metrics.show(snapshot, evaluation)
        self._count(attempts)
        self._audit.record(evaluation.judgements, snapshot.now)
        said = self._said_of_policies(snapshot, evaluation, attempts)
        self._metrics.show_conditions(
            {(policy.namespace, policy.name): s.conditions for policy, s in said}
        )
        sheets = [_of_sheet(snapshot, index) for index in range(len(snapshot.sheets))]
        self._status.forget_all_but(
            {*(statement.subject for _, statement in said), *(s.subject for s in sheets)}
        )
        jobs = [
            *self._told_moves(evaluation, attempts, snapshot.now),
            *self._told_policies(said, snapshot.now),
            *self._told_shortfalls(_parts(evaluation), snapshot),
            *self._told_sheets(sheets, snapshot.now),
        ]
        await side_by_side(jobs, self._settings.longest)

    def _count(self, attempts: Iterable[Attempt]) -> None:
        for attempt in attempts:
            kind = type(attempt.action).__name__
            self._metrics.actions.labels(kind, attempt.result.value, attempt.mode.value).inc()

    def _said_of_policies(
        self, snapshot: Snapshot, evaluation: Evaluation, attempts: Iterable[Attempt]
    ) -> list[tuple[AnyPolicy, Statement]]:
        parts = _parts(evaluation)
        gaps = self._gaps.lasting(parts.values(), snapshot.meters, snapshot.now)
        troubles = _troubles(attempts)
        said: list[tuple[AnyPolicy, Statement]] = []
        for policy in snapshot.policies:
            key = (policy.namespace, policy.name)
            if key in parts:
                trouble = troubles.get(policy.namespace)
                observed = Observed(gaps.get(key), trouble, snapshot.admission)
                said.append((policy, _of_part(parts[key], observed, snapshot)))
            elif policy.namespace in self._settings.excluded_namespaces:
                said.append((policy, _of_excluded(policy)))
        said += [(policy, _of_invalid(policy)) for policy in snapshot.invalid]
        return said

    def _told_moves(
        self, evaluation: Evaluation, attempts: Iterable[Attempt], now: datetime
    ) -> Iterator[Job]:
        decisions, written = _decisions(evaluation), set()
        for attempt in attempts:
            action = attempt.action
            if not isinstance(action, ScaleTo) or attempt.result is not Result.DONE:
                continue
            written.add(action.workload)
            event = _move(action, decisions.get(action.workload))
            self._metrics.moves.labels(event.reason).inc()
            yield partial(self._events.record, event, now)
        for workload, decision in self._turning_points.new(evaluation, written):
            event = _told(_of_workload(decision.workload, workload.uid), decision)
            yield partial(self._events.record, event, now)

    def _told_policies(
        self, said: Iterable[tuple[AnyPolicy, Statement]], now: datetime
    ) -> Iterator[Job]:
        for policy, statement in said:
            if self._status.is_due(statement, now):
                yield partial(self._tell, policy, statement, now)

    def _told_shortfalls(
        self, parts: Mapping[PolicyKey, PolicyPart], snapshot: Snapshot
    ) -> Iterator[Job]:
        found = {
            (key, short.budget.name): (part.policy, short)
            for key, part in parts.items()
            for short in shortfalls(part, snapshot)
        }
        new = [each for key, each in found.items() if key not in self._short]
        self._short = frozenset(found)
        for policy, short in new:
            yield partial(self._events.record, _fallen_short(policy, short), snapshot.now)

    def _told_sheets(self, statements: Iterable[Statement], now: datetime) -> Iterator[Job]:
        for statement in statements:
            if self._status.is_due(statement, now):
                yield partial(self._status.write, statement, now)

    async def _tell(self, policy: AnyPolicy, statement: Statement, now: datetime) -> None:
        for event in _announced(policy, await self._status.write(statement, now)):
            await self._events.record(event, now)


def _parts(evaluation: Evaluation) -> dict[PolicyKey, PolicyPart]:
    return {
        (policy.namespace, policy.name): PolicyPart(policy, judgement)
        for judgement in evaluation.judgements
        for policy in judgement.account.policy_set.policies
    }


def _troubles(attempts: Iterable[Attempt]) -> dict[str, str]:
    """Return the first trouble of every namespace that has one."""
    found: dict[str, str] = {}
    for attempt in attempts:
        if attempt.mode is Mode.ENFORCE and attempt.trouble is not None:
            found.setdefault(attempt.action.namespace, attempt.trouble)
    return found


def _decisions(evaluation: Evaluation) -> dict[WorkloadId, Decision]:
    return {
        decision.workload: decision
        for judgement in evaluation.judgements
        if judgement.account.policy_set.is_enforced
        for decision in judgement.decisions
    }


def _of_part(part: PolicyPart, observed: Observed, snapshot: Snapshot) -> Statement:
    subject = policy_subject(part.policy)
    short = tuple(each.sentence for each in shortfalls(part, snapshot))
    return Statement(subject, tuple(conditions(part, observed)), judged_status(part, short), short)


def _of_invalid(policy: InvalidPolicy) -> Statement:
    status = empty_status(cut(f"{policy.field}: {policy.why}"))
    return Statement(policy_subject(policy), tuple(invalid(policy)), status)


def _of_excluded(policy: CostPolicy) -> Statement:
    found = tuple(excluded(policy.namespace))
    return Statement(policy_subject(policy), found, empty_status(found[0].message))


def _of_sheet(snapshot: Snapshot, index: int) -> Statement:
    sheet = snapshot.sheets[index]
    found = sheet_conditions(sheet, snapshot.sheets, snapshot.now)
    return Statement(sheet_subject(sheet), found, {})


def _move(action: ScaleTo, decision: Decision | None) -> Event:
    """Return what is told of a workload whose count was written."""
    involved = _of_workload(action.workload, action.uid)
    if decision is None or decision.reason is None:
        message = f"{action.before} → {action.after} replicas: the count before is restored"
        return Event(involved, EventType.NORMAL, EventReason.RESTORED, message)
    return _told(involved, decision)


def _told(involved: Involved, decision: Decision) -> Event:
    reason = decision.reason.value if decision.reason is not None else EventReason.RESTORED
    return Event(involved, EventType.NORMAL, reason, told(decision))


def _of_workload(workload: WorkloadId, uid: str) -> Involved:
    version = f"{workload.group}/v1"
    return Involved(version, workload.kind, workload.namespace, workload.name, uid)


def _fallen_short(policy: CostPolicy, short: Shortfall) -> Event:
    involved = Involved(API_VERSION, "CostPolicy", policy.namespace, policy.name, policy.uid)
    return Event(involved, EventType.WARNING, EventReason.BELOW_DISRUPTION_BUDGET, short.sentence)


def _announced(policy: AnyPolicy, transitions: Iterable[Transition]) -> Iterator[Event]:
    involved = Involved(API_VERSION, "CostPolicy", policy.namespace, policy.name, policy.uid)
    told: set[str] = set()
    for transition in transitions:
        condition = transition.condition
        if not _is_history(transition) or condition.reason in told:
            continue
        told.add(condition.reason)
        kind = EventType.WARNING if condition.is_alarming else EventType.NORMAL
        yield Event(involved, kind, condition.reason, condition.message)


def _is_history(transition: Transition) -> bool:
    condition: Condition = transition.condition
    if condition.type not in ANNOUNCED or condition.status is Truth.UNKNOWN:
        return False
    # That a new policy is as it should be is no event.
    return condition.is_alarming or not transition.is_first
