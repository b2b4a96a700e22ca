"""What of a write loosens a limit: it waits for better evidence than a tightening needs."""

from collections.abc import Mapping
from dataclasses import replace

from plafond.decide.plan import Action, ClearCeilings, ClearQuota, ScaleTo, SetCeilings, SetQuota
from plafond.model.snapshot import Namespace
from plafond.model.workload import WorkloadId


def without_relaxing(action: Action, namespace: Namespace) -> Action | None:
    """Return *action* without what it loosens in *namespace*; None when nothing else is left."""
    match action:
        case ScaleTo():
            return action if action.after <= action.before else None
        case SetCeilings():
            return replace(action, ceilings=_tighter(action.ceilings, namespace.ceilings or {}))
        case SetQuota():
            # Of two writes in one pass the second would else take the first one's rise for granted.
            quota = namespace.quota
            stands = quota.hard if quota is not None and quota.is_ours else {}
            before = {name: int(most) for name, most in stands.items()}
            least = {name: min(n, before.get(name, n)) for name, n in action.hard.items()}
            return replace(action, hard={**before, **least})
        case ClearCeilings() | ClearQuota():
            return None


def _tighter(
    ceilings: Mapping[WorkloadId, int], before: Mapping[WorkloadId, int]
) -> dict[WorkloadId, int]:
    least = {workload: min(n, before.get(workload, n)) for workload, n in ceilings.items()}
    return {**before, **least}
