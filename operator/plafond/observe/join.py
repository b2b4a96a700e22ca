"""Pure: pods find their workloads, workloads their autoscalers, and policies their ledgers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from plafond.api.constants import QUOTA_NAME
from plafond.model.autoscaler import Autoscaler
from plafond.model.gap import Gap
from plafond.model.policy import CostPolicy, InvalidPolicy
from plafond.model.snapshot import Namespace
from plafond.model.workload import DisruptionBudget, Pod, Workload, WorkloadId
from plafond.observe.records import hpas
from plafond.observe.records.hpas import HpaRecord
from plafond.observe.records.pods import PodRecord
from plafond.observe.records.quotas import QuotaRecord
from plafond.observe.records.replicasets import ReplicaSetRecord
from plafond.observe.store import Store


def joined_pods(pods: Store[PodRecord], sets: Store[ReplicaSetRecord]) -> tuple[Pod, ...]:
    """Return every pod with its owner; one that vanished has ended when that was observed."""
    owners = _owners(sets)
    return tuple(
        sorted(_owned_pods(pods, owners), key=lambda pod: (pod.namespace, pod.name, pod.uid))
    )


def joined_namespaces(
    namespaces: Iterable[Namespace], quotas: Iterable[QuotaRecord]
) -> dict[str, Namespace]:
    """Return the namespaces by name, each with the quota in it that bears our name."""
    found = {each.namespace: each.quota for each in quotas if each.name == QUOTA_NAME}
    ordered = sorted(namespaces, key=lambda namespace: namespace.name)
    return {each.name: replace(each, quota=found.get(each.name)) for each in ordered}


def joined_workloads(
    workloads: Iterable[Workload], scalers: Iterable[HpaRecord]
) -> tuple[Workload, ...]:
    """Return the workloads, in order, each with the autoscaler that scales it."""
    by_target: dict[WorkloadId, Autoscaler] = {}
    for found in sorted(scalers, key=lambda scaler: scaler.autoscaler.name):
        rival = by_target.get(found.target)
        by_target[found.target] = (
            found.autoscaler if rival is None else hpas.joined(rival, found.autoscaler)
        )
    return tuple(
        replace(workload, autoscaler=by_target.get(workload.id))
        for workload in sorted(workloads, key=lambda workload: workload.id)
    )


def joined_budgets(found: Iterable[DisruptionBudget | None]) -> tuple[DisruptionBudget, ...]:
    """Return the disruption budgets that demand a minimum, in order."""
    demanding = (each for each in found if each is not None)
    return tuple(sorted(demanding, key=lambda budget: (budget.namespace, budget.name)))


def usable_policies(
    found: Iterable[CostPolicy | InvalidPolicy], unreadable_ledgers: Mapping[str, Gap]
) -> tuple[tuple[CostPolicy, ...], tuple[InvalidPolicy, ...]]:
    """
    Return the policies that can be decided on, and those that cannot, each in order.

    A budget whose ledger cannot be read is not one of which nothing was spent: its policy is not
    decided on, so that everything stays as it is, until somebody has looked.
    """
    checked = [
        _without_ledger(policy, unreadable_ledgers[policy.namespace])
        if isinstance(policy, CostPolicy) and policy.namespace in unreadable_ledgers
        else policy
        for policy in sorted(found, key=lambda policy: (policy.namespace, policy.name))
    ]
    return (
        tuple(policy for policy in checked if isinstance(policy, CostPolicy)),
        tuple(policy for policy in checked if isinstance(policy, InvalidPolicy)),
    )


def _without_ledger(policy: CostPolicy, gap: Gap) -> InvalidPolicy:
    return InvalidPolicy(
        namespace=policy.namespace,
        name=policy.name,
        uid=policy.uid,
        generation=policy.generation,
        field="SpendLedger",
        why=gap.why,
    )


def _owners(sets: Store[ReplicaSetRecord]) -> Mapping[str, WorkloadId | None]:
    gone = {uid: vanished.record.owner for uid, vanished in sets.vanished.items()}
    return gone | {uid: record.owner for uid, record in sets.records.items()}


def _owned_pods(pods: Store[PodRecord], owners: Mapping[str, WorkloadId | None]) -> Iterator[Pod]:
    for record in pods.records.values():
        yield _owned(record, owners)
    for vanished in pods.vanished.values():
        pod = _owned(vanished.record, owners)
        yield replace(pod, ended_at=pod.ended_at or vanished.at)


def _owned(record: PodRecord, owners: Mapping[str, WorkloadId | None]) -> Pod:
    owner = owners.get(record.replica_set_uid) if record.replica_set_uid else None
    return record.pod if owner is None else replace(record.pod, owner=owner)
