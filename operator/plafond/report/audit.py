"""The audit log: one line of JSON for every decision that differs from the last on its workload."""

import json
import logging
from datetime import datetime

from plafond.decide.decision import Decision
from plafond.decide.judge import Judgement

logger = logging.getLogger("plafond.audit")


class AuditLog:
    """Remembers what was said last, so that an unchanged world is silent."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str, str], tuple[object, ...]] = {}

    def record(self, judgement: Judgement, now: datetime) -> int:
        """Write a line for every changed decision of *judgement*; return how many."""
        policy_set = judgement.account.policy_set
        lines = 0
        for decision in judgement.decisions:
            key = (policy_set.namespace, policy_set.key, str(decision.workload))
            value = (decision.desired_replicas, decision.ceiling, decision.reason)
            if self._said.get(key) == value:
                continue
            self._said[key] = value
            logger.info("%s", json.dumps(_line(judgement, decision, now), ensure_ascii=False))
            lines += 1
        return lines


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
