"""What a pass says: status, conditions, Events, metrics, audit lines. Nothing here decides."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from plafond.api.constants import API_VERSION
from plafond.api.writer import ApiWriter, Result
from plafond.decide.evaluate import Evaluation
from plafond.decide.judge import Judgement
from plafond.decide.plan import Action, ScaleTo
from plafond.model.gap import Gap
from plafond.model.policy import CostPolicy, InvalidPolicy, Mode
from plafond.model.snapshot import Snapshot
from plafond.report.audit import AuditLog
from plafond.report.conditions import Condition, Observed, Truth, conditions, excluded, invalid
from plafond.report.events import Event, EventRecorder, EventType, Involved
from plafond.report.messages import moved
from plafond.report.metrics import Metrics
from plafond.report.price_sheets import sheet_conditions, sheet_subject
from plafond.report.status import StatusWriter, judged_status, policy_subject

# Conditions that are good news while true.
ALARMING = {"Ready", "WithinBudget", "MetricsAvailable"}


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one write of the plan."""

    action: Action
    mode: Mode
    result: Result
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """How often statuses are written, and how long a meter may fail before that is news."""

    status_interval: timedelta = timedelta(seconds=30)
    metrics_gap_reported_after: timedelta = timedelta(minutes=1)


class Reporter:
    """Says what was decided, and only what is new."""

    def __init__(self, writer: ApiWriter, metrics: Metrics, settings: ReportSettings) -> None:
        self._events = EventRecorder(writer)
        self._status = StatusWriter(writer, settings.status_interval)
        self._metrics = metrics
        self._audit = AuditLog()
        self._settings = settings
        self._gap_since: datetime | None = None

    async def report(
        self, snapshot: Snapshot, evaluation: Evaluation, written: Sequence[Written]
    ) -> None:
        """Report one pass."""
        self._metrics.show(snapshot, evaluation)
        for each in written:
            kind = type(each.action).__name__
            self._metrics.actions.labels(kind, each.result.value, each.mode.value).inc()
        for judgement in evaluation.judgements:
            self._audit.record(judgement, snapshot.now)
        await self._explain_moves(snapshot, evaluation, written)
        await self._policies(snapshot, evaluation, written)
        for sheet in snapshot.sheets:
            said = sheet_conditions(sheet, snapshot.sheets, snapshot.now)
            await self._status.write(sheet_subject(sheet), said, {}, snapshot.now)

    async def _explain_moves(
        self, snapshot: Snapshot, evaluation: Evaluation, written: Iterable[Written]
    ) -> None:
        decisions = {
            d.workload: d
            for j in evaluation.judgements
            if j.account.policy_set.is_enforced
            for d in j.decisions
        }
        for each in written:
            action = each.action
            if not isinstance(action, ScaleTo) or each.result is not Result.DONE:
                continue
            decision = decisions.get(action.workload)
            reason = "Restored" if decision is None or not decision.reason else decision.reason
            message = f"{action.before} → {action.after} replicas: the count before is restored"
            if decision is not None:
                message = moved(decision)
            self._metrics.moves.labels(str(reason)).inc()
            target = Involved(
                "apps/v1", action.workload.kind, action.namespace, action.workload.name, action.uid
            )
            await self._events.record(
                Event(target, EventType.NORMAL, str(reason), message), snapshot.now
            )

    async def _policies(
        self, snapshot: Snapshot, evaluation: Evaluation, written: Sequence[Written]
    ) -> None:
        observed = self._observed(snapshot)
        shown: dict[tuple[str, str], list[Condition]] = {}
        judged = {
            (p.namespace, p.name): j
            for j in evaluation.judgements
            for p in j.account.policy_set.policies
        }
        policies: tuple[CostPolicy | InvalidPolicy, ...] = (*snapshot.policies, *snapshot.invalid)
        for policy in policies:
            judgement = judged.get((policy.namespace, policy.name))
            found, status = _found(policy, judgement, observed, written)
            shown[policy.namespace, policy.name] = found
            subject = policy_subject(policy)
            news = await self._status.write(subject, found, status, snapshot.now)
            for condition in news:
                await self._announce(policy, condition, snapshot.now)
        self._metrics.show_conditions(shown)

    def _observed(self, snapshot: Snapshot) -> Gap | None:
        gaps = [r.gap for r in snapshot.meters.values() if r.gap is not None]
        if not gaps:
            self._gap_since = None
            return None
        self._gap_since = self._gap_since or snapshot.now
        lasted = snapshot.now - self._gap_since
        return gaps[0] if lasted >= self._settings.metrics_gap_reported_after else None

    async def _announce(
        self, policy: CostPolicy | InvalidPolicy, condition: Condition, now: datetime
    ) -> None:
        if condition.type not in ALARMING | {"Enforcing"}:
            return
        bad = condition.type in ALARMING and condition.status is Truth.FALSE
        involved = Involved(API_VERSION, "CostPolicy", policy.namespace, policy.name, policy.uid)
        kind = EventType.WARNING if bad else EventType.NORMAL
        await self._events.record(Event(involved, kind, condition.reason, condition.message), now)


def _found(
    policy: CostPolicy | InvalidPolicy,
    judgement: Judgement | None,
    metrics_gap: Gap | None,
    written: Iterable[Written],
) -> tuple[list[Condition], Mapping[str, Any]]:
    if isinstance(policy, InvalidPolicy):
        return invalid(policy), {"summary": f"{policy.field}: {policy.why}"[:1024]}
    if judgement is None:
        found = excluded(policy.namespace)
        return found, {"summary": found[0].message}
    trouble = next(
        (
            w.detail or w.result.value
            for w in written
            if w.action.namespace == policy.namespace and w.result in _TROUBLES
        ),
        None,
    )
    found = conditions(policy, judgement, Observed(metrics_gap, trouble))
    return found, judged_status(policy, judgement)


_TROUBLES = {Result.FORBIDDEN, Result.REFUSED, Result.UNAVAILABLE}
