"""The status of a policy: computed whole, and written only when it says something new."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from plafond.api.constants import COST_POLICIES, GROUP, VERSION
from plafond.api.cost_policy_status import MAX_STATUS_TARGETS
from plafond.api.writer import ApiWriter, Result
from plafond.decide.decision import Decision
from plafond.decide.judge import Judgement
from plafond.model.budget import BudgetPosition
from plafond.model.policy import CostPolicy, InvalidPolicy
from plafond.report.conditions import Condition, written
from plafond.report.messages import amount, summary

MICRO = Decimal("0.000001")


def judged_status(policy: CostPolicy, judgement: Judgement) -> dict[str, Any]:
    """Return everything but the conditions of the status of a policy that was judged."""
    positions = [p for p in judgement.account.positions if p.policy == policy.name]
    status: dict[str, Any] = {
        "summary": summary(judgement),
        "budgets": [_budget(position) for position in positions],
        "targetCount": len(judgement.decisions),
        "targets": [_target(d) for d in judgement.decisions[:MAX_STATUS_TARGETS]],
    }
    if positions:
        fullest = max(positions, key=lambda p: p.used_percent)
        unit = fullest.budget.limit.unit
        status["spentPercent"] = min(max(fullest.used_percent, 0), 1_000_000)
        status["spent"] = amount(fullest.spend.value, unit)
        burn = judgement.account.burn_rate.get(unit, Decimal(0))
        status["burnRatePerHour"] = amount(burn, unit)
        carried = [b.carried_rate for b in judgement.pace.budgets if b.limit.unit == unit]
        if carried:
            status["carriedRatePerHour"] = amount(min(carried), unit)
    return status


@dataclass(frozen=True, slots=True)
class Subject:
    """The object whose status is written: its path, which object it is, and which spec is meant."""

    path: str
    uid: str
    generation: int


def policy_subject(policy: CostPolicy | InvalidPolicy) -> Subject:
    """Return *policy* as the subject of a status."""
    collection = f"/apis/{GROUP}/{VERSION}/namespaces/{policy.namespace}/{COST_POLICIES}"
    return Subject(f"{collection}/{policy.name}/status", policy.uid, policy.generation)


class StatusWriter:
    """Writes statuses, each at most once per interval, and only when what it says has changed."""

    def __init__(self, writer: ApiWriter, interval: timedelta) -> None:
        self._writer = writer
        self._interval = interval
        self._written: dict[tuple[str, str], tuple[datetime, Any]] = {}
        self._conditions: dict[tuple[str, str], list[Mapping[str, Any]]] = {}

    async def write(
        self,
        subject: Subject,
        conditions: list[Condition],
        status: Mapping[str, Any],
        now: datetime,
    ) -> list[Condition]:
        """Write the status if it is due; return the conditions that changed their status."""
        key = (subject.path, subject.uid)
        said = [(c.type, c.status, c.reason) for c in conditions]
        news = (subject.generation, said, _news(status))
        last = self._written.get(key)
        if last is not None and (last[1] == news or now - last[0] < self._interval):
            return []
        before = await self._before(subject)
        if before is None:
            return []
        listed = written(conditions, before, subject.generation, now)
        body = {**status, "observedGeneration": subject.generation, "conditions": listed}
        answer = await self._writer.merge(subject.path, {"status": {**_NOTHING, **body}})
        if answer.result is not Result.DONE:
            return []
        self._written[key] = (now, news)
        self._conditions[key] = list(listed)
        old = {c.get("type"): c.get("status") for c in before}
        return [c for c in conditions if old.get(c.type) != c.status.value]

    async def _before(self, subject: Subject) -> list[Mapping[str, Any]] | None:
        # Once per object and process: transition times outlive a restart.
        key = (subject.path, subject.uid)
        if key not in self._conditions:
            answer = await self._writer.read(subject.path)
            if answer.result is not Result.DONE or answer.body is None:
                return None
            self._conditions[key] = answer.body.get("status", {}).get("conditions", [])
        return self._conditions[key]


# A merge patch leaves out nothing by itself: what a status no longer says has to be taken back.
_NOTHING: dict[str, Any] = dict.fromkeys(
    (
        "summary",
        "spentPercent",
        "spent",
        "burnRatePerHour",
        "carriedRatePerHour",
        "budgets",
        "targetCount",
        "targets",
    )
)


def _news(status: Mapping[str, Any]) -> tuple[Any, ...]:
    # Amounts move in every pass; percentages, counts and reasons are what people look for.
    targets = [tuple(sorted(t.items())) for t in status.get("targets", ())]
    percents = [(b["name"], b["usedPercent"]) for b in status.get("budgets", ())]
    return status.get("spentPercent"), status.get("targetCount"), targets, percents


def _budget(position: BudgetPosition) -> dict[str, Any]:
    budget = position.budget
    return {
        "name": budget.name,
        "unit": budget.limit.unit,
        "limit": _decimal(budget.limit.value),
        "spent": _decimal(position.spend.value),
        "remaining": _decimal(position.remaining.value),
        "usedPercent": min(max(position.used_percent, 0), 1_000_000),
        "windowStart": f"{position.span.start:%Y-%m-%dT%H:%M:%SZ}",
        "windowEnd": f"{position.span.end:%Y-%m-%dT%H:%M:%SZ}",
    }


def _decimal(value: Decimal) -> str:
    return format(value.quantize(MICRO).normalize(), "f")


def _target(decision: Decision) -> dict[str, Any]:
    target: dict[str, Any] = {
        "group": decision.workload.group,
        "kind": decision.workload.kind,
        "name": decision.workload.name,
        "class": decision.workload_class.value,
        "observedReplicas": decision.observed_replicas,
        "recommendedReplicas": decision.recommended_replicas,
        "desiredReplicas": decision.desired_replicas,
    }
    if decision.ceiling is not None:
        target["ceiling"] = decision.ceiling
    if decision.reason is not None:
        target["reason"] = decision.reason.value
    return target
