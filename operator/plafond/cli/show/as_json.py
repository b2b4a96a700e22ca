"""An explanation and an overview as JSON for programs: a shape that does not change lightly."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from plafond.cli.explain.explanation import Counts, Explanation, Number, Rule
from plafond.cli.explain.facts import PolicyFacts
from plafond.cli.show.words import stamp
from plafond.model.autoscaler import Autoscaler
from plafond.model.workload import WorkloadId

API_VERSION: Final = "plafond.dev/cli/v1"


def explanation(said: Explanation) -> dict[str, Any]:
    """Return *said* as `-o json` prints it."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Explanation",
        "time": stamp(said.now),
        "workload": _workload(said.workload),
        "headline": said.headline,
        "mode": said.mode,
        "policies": list(said.policies),
        "class": said.workload_class,
        "ceiling": said.ceiling,
        "ceilingInForce": said.is_in_force,
        "replicas": _replicas(said.counts),
        "scaledBy": None if said.scaled_by is None else [_scaler(e) for e in said.scaled_by],
        "rule": _rule(said.rule),
        "numbers": [_number(each) for each in said.numbers],
        "next": [{"sentence": each.sentence, "time": _time(each.at)} for each in said.next],
        "lifts": [
            {"sentence": each.sentence, "command": each.command, "time": _time(each.at)}
            for each in said.lifts
        ],
        "troubles": [asdict(each) for each in said.troubles],
        "unread": list(said.unread),
        "overBudget": said.is_over_budget,
    }


def overview(policies: tuple[PolicyFacts, ...], now: datetime) -> dict[str, Any]:
    """Return *policies* as `-o json` prints them."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Overview",
        "time": stamp(now),
        "policies": [_policy(each) for each in policies],
        "overBudget": any(each.is_over_budget for each in policies),
    }


def _policy(each: PolicyFacts) -> dict[str, Any]:
    status = each.status
    return {
        "namespace": each.policy.namespace,
        "name": each.policy.name,
        "mode": each.mode.value if each.mode is not None else None,
        "time": _time(status.at),
        "summary": status.summary,
        "overBudget": each.is_over_budget,
        "conditions": [
            {"type": c.type, "status": c.status, "reason": c.reason, "message": c.message}
            for c in status.conditions
        ],
        "budgets": [
            {
                "name": b.name,
                "unit": b.unit,
                "limit": b.limit,
                "spent": b.spent,
                "remaining": b.remaining,
                "usedPercent": b.used_percent,
                "windowEnd": _time(b.window_end),
            }
            for b in status.budgets
        ],
        "workloads": [
            {
                **_workload(t.workload),
                "class": t.workload_class,
                "running": t.observed,
                "recommended": t.recommended,
                "desired": t.desired,
                "ceiling": t.ceiling,
                "reason": t.reason,
                "limit": t.limit,
            }
            for t in status.targets
        ],
    }


def _workload(workload: WorkloadId) -> dict[str, str]:
    return {
        "namespace": workload.namespace,
        "group": workload.group,
        "kind": workload.kind,
        "name": workload.name,
    }


def _replicas(counts: Counts) -> dict[str, int | None]:
    return {
        "running": counts.running,
        "ready": counts.ready,
        "recommended": counts.recommended,
        "desired": counts.desired,
        "floor": counts.floor,
        "fundedFloor": counts.funded_floor,
        "classMaximum": counts.class_maximum,
    }


def _scaler(found: Autoscaler) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "name": found.name,
        "minReplicas": found.least,
        "maxReplicas": found.most,
    }


def _number(number: Number) -> dict[str, str | None]:
    return {
        "name": number.name,
        "value": number.value,
        "unit": number.unit,
        "source": number.source,
        "time": _time(number.at),
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "reason": rule.reason.value if rule.reason is not None else None,
        "sentence": rule.sentence,
        "limit": rule.limit,
        "moves": [
            {"reason": each.reason, "before": each.before, "after": each.after}
            for each in rule.moves
        ],
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else stamp(at)
