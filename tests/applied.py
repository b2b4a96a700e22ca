"""What a world looks like after a plan was carried out, as far as our own writes change it."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from plafond.decide.evaluate import Evaluation
from plafond.decide.plan import (
    Action,
    ClearCeilings,
    ClearQuota,
    ScaleTo,
    SetCeilings,
    SetQuota,
)
from plafond.model.policy import Mode
from plafond.model.snapshot import Namespace, Quota, Snapshot
from plafond.model.workload import Workload


def applied(evaluation: Evaluation, snapshot: Snapshot) -> Snapshot:
    """
    Return *snapshot* with the enforced writes of *evaluation* in it, and its records.

    Pods stay as they are: they are the work of others, and take time.
    """
    actions = [a for p in evaluation.plan.parts if p.mode is Mode.ENFORCE for a in p.actions]
    return replace(
        snapshot,
        namespaces={name: _annotated(n, actions) for name, n in snapshot.namespaces.items()},
        workloads=tuple(_scaled(workload, actions) for workload in snapshot.workloads),
        records=evaluation.records,
    )


def _annotated(namespace: Namespace, actions: Iterable[Action]) -> Namespace:
    for action in actions:
        if action.namespace != namespace.name:
            continue
        if isinstance(action, SetCeilings):
            namespace = replace(
                namespace, ceilings=dict(action.ceilings), why=action.why, unreadable=None
            )
        elif isinstance(action, ClearCeilings):
            namespace = replace(namespace, ceilings=None, why=None, unreadable=None)
        elif isinstance(action, SetQuota):
            hard = {name: Decimal(most) for name, most in action.hard.items()}
            namespace = replace(namespace, quota=Quota("uid-quota", hard, is_ours=True))
        elif isinstance(action, ClearQuota):
            namespace = replace(namespace, quota=None)
    return namespace


def _scaled(workload: Workload, actions: Iterable[Action]) -> Workload:
    for action in actions:
        if isinstance(action, ScaleTo) and action.workload == workload.id:
            if (action.uid, action.before) != (workload.uid, workload.replicas):
                msg = f"{action} was planned for another {workload}"
                raise ValueError(msg)
            workload = replace(
                workload,
                replicas=action.after,
                is_count_ours=True,
                resource_version=f"{workload.resource_version}1",
            )
    return workload
