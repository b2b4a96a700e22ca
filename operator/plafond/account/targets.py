"""Which workloads a policy set may scale, and what each of its policies says about them."""

from itertools import chain
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
        policies = tuple([p for p in policy_set.policies if _targets(p, workload, settings)])
        if policies and not workload.is_ignored and not workload.is_terminating:
            found.append(_joined(workload, policies))
    return tuple(found)


def _joined(workload: Workload, policies: tuple[CostPolicy, ...]) -> TargetedWorkload:
    rules = chain.from_iterable([policy.classes for policy in policies])
    rule = next((r for r in rules if r.selector.matches(workload.labels)), UNMATCHED)
    scaling = next(iter([p.scaling for p in policies if p.scaling is not None]), None)
    followed = None if workload.autoscaler else scaling
    return TargetedWorkload(workload, rule, followed, tuple([p.name for p in policies]))


def _targets(policy: CostPolicy, workload: Workload, settings: Settings) -> bool:
    if workload.id.namespace != policy.namespace:
        return False
    if policy.targets is None:
        # Whoever keeps state is scaled only where somebody has said so.
        return workload.id.kind == "Deployment" and _asks_for_accelerators(workload, settings)
    return any(_selects(target, workload) for target in policy.targets)


def _asks_for_accelerators(workload: Workload, settings: Settings) -> bool:
    return any(n > 0 and settings.is_accelerator(each) for each, n in workload.requests.items())


def _selects(target: Target, workload: Workload) -> bool:
    if (target.group, target.kind) != (workload.id.group, workload.id.kind):
        return False
    if target.name is not None:
        return target.name == workload.id.name
    return target.selector is not None and target.selector.matches(workload.labels)
