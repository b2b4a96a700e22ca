"""Which workloads a policy set may scale, and what each of its policies says about them."""

from operator import attrgetter
from typing import NamedTuple

from plafond.model.labels import LabelSelector
from plafond.model.policy import (
    DEFAULT_FLOORS,
    DEFAULT_UTILIZATION_LIMIT_PERCENT,
    ClassRule,
    CostPolicy,
    PolicySet,
    Scaling,
    Target,
)
from plafond.model.settings import Settings
from plafond.model.workload import Workload, WorkloadClass

UNMATCHED = ClassRule(
    WorkloadClass.WARM,
    LabelSelector(),
    min_replicas=DEFAULT_FLOORS[WorkloadClass.WARM],
    utilization_limit_percent=DEFAULT_UTILIZATION_LIMIT_PERCENT,
)


class TargetedWorkload(NamedTuple):
    """A workload that a policy set may scale; *scaling* is None when it follows no demand."""

    workload: Workload
    class_rule: ClassRule
    scaling: Scaling | None
    policies: tuple[str, ...]


def targeted(
    policy_set: PolicySet, workloads: tuple[Workload, ...], settings: Settings
) -> tuple[TargetedWorkload, ...]:
    """Return what *policy_set* may scale among *workloads*, in the order of their ids."""
    found = []
    for workload in sorted(workloads, key=attrgetter("id")):
        if workload.is_ignored or workload.is_terminating:
            continue
        policies = tuple([p for p in policy_set.policies if _targets(p, workload, settings)])
        if policies:
            found.append(_joined(workload, policies))
    return tuple(found)


def _joined(workload: Workload, policies: tuple[CostPolicy, ...]) -> TargetedWorkload:
    followed = None if workload.autoscaler else _scaling(policies)
    names = tuple([policy.name for policy in policies])
    return TargetedWorkload(workload, _rule(workload, policies), followed, names)


def _rule(workload: Workload, policies: tuple[CostPolicy, ...]) -> ClassRule:
    for policy in policies:
        for rule in policy.classes:
            if rule.selector.matches(workload.labels):
                return rule
    return UNMATCHED


def _scaling(policies: tuple[CostPolicy, ...]) -> Scaling | None:
    for policy in policies:
        if policy.scaling is not None:
            return policy.scaling
    return None


def _targets(policy: CostPolicy, workload: Workload, settings: Settings) -> bool:
    if workload.id.namespace != policy.namespace:
        return False
    if policy.targets is None:
        # Whoever keeps state is scaled only where somebody has said so.
        return workload.id.kind == "Deployment" and _asks_for_accelerators(workload, settings)
    return any(_selects(target, workload) for target in policy.targets)


def _asks_for_accelerators(workload: Workload, settings: Settings) -> bool:
    asked = [name for name, amount in workload.requests.items() if amount > 0]
    return any(map(settings.is_accelerator, asked))


def _selects(target: Target, workload: Workload) -> bool:
    if (target.group, target.kind) != (workload.id.group, workload.id.kind):
        return False
    if target.name is not None:
        return target.name == workload.id.name
    return target.selector is not None and target.selector.matches(workload.labels)
