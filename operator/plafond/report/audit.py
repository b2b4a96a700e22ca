"""The audit log: one line of JSON for every decision that differs from the last on its workload."""

import json
import logging
from collections.abc import Iterable, Iterator
from datetime import datetime

from plafond.decide.decision import Decision
from plafond.decide.judge import Judgement
from plafond.model.workload import WorkloadId

logger = logging.getLogger("plafond.audit")

_Key = tuple[str, WorkloadId]


class AuditLog:
    """Remembers what was said last, so that an unchanged world is silent."""

    def __init__(self) -> None:
        self._said: dict[_Key, tuple[object, ...]] = {}

    def record(self, judgements: Iterable[Judgement], now: datetime) -> None:
        """Write a line for every changed decision; forget workloads that are not decided on."""
        said: dict[_Key, tuple[object, ...]] = {}
        for key, judgement, decision in _decisions(judgements):
            said[key] = (decision.desired_replicas, decision.ceiling, decision.reason)
            if self._said.get(key) != said[key]:
                logger.info("%s", json.dumps(_line(judgement, decision, now), ensure_ascii=False))
        self._said = said


def _decisions(judgements: Iterable[Judgement]) -> Iterator[tuple[_Key, Judgement, Decision]]:
    for judgement in judgements:
        for decision in judgement.decisions:
            yield (judgement.account.policy_set.key, decision.workload), judgement, decision


def _line(judgement: Judgement, decision: Decision, now: datetime) -> dict[str, object]:
    policy_set = judgement.account.policy_set
    return {
        "time": now.isoformat(),
        "namespace": policy_set.namespace,
        "policies": [policy.name for policy in policy_set.policies],
        "mode": policy_set.mode.value,
        "workload": str(decision.workload),
        "class": decision.workload_class.value,
        "observed": decision.observed_replicas,
        "recommended": decision.recommended_replicas,
        "desired": decision.desired_replicas,
        "ceiling": decision.ceiling,
        "limit": decision.limit,
        "moves": [f"{m.reason.value}: {m.before} to {m.after}" for m in decision.moves],
        "limits": {
            f"{b.position.policy}/{b.position.budget.name}": {
                "unit": b.position.budget.limit.unit,
                "remaining": f"{b.position.remaining.value:.6f}",
                "carriedPerHour": f"{b.carried_rate:.6f}",
                "utilizationPercent": b.utilization_percent,
            }
            for b in judgement.pace.budgets
        },
    }
