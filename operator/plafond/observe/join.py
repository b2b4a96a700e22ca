"""Pure: pods find their workloads, workloads their autoscalers, and policies their ledgers."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple

from plafond.api.constants import QUOTA_NAME
from plafond.model.autoscaler import Autoscaler
from plafond.model.changed import changed
from plafond.model.gap import Gap
from plafond.model.policy import CostPolicy, InvalidPolicy
from plafond.model.snapshot import Namespace
from plafond.model.workload import DisruptionBudget, Pod, Workload, WorkloadId
from plafond.observe.records import hpas
from plafond.observe.records.hpas import HpaRecord
from plafond.observe.records.pods import PodRecord
from plafond.observe.records.quotas import QuotaRecord
from plafond.observe.records.replicasets import ReplicaSetRecord
from plafond.observe.store import Store, Vanished


class _Owned(NamedTuple):
    """A pod with its owner, and what that was made of."""

    record: PodRecord
    owner: WorkloadId | None
    pod: Pod


class PodJoin:
    """Joins pods with their owners; one to which nothing happened stays the object that it was."""

    def __init__(self) -> None:
        self._known: dict[str, _Owned] = {}

    def joined(self, pods: Store[PodRecord], sets: Store[ReplicaSetRecord]) -> tuple[Pod, ...]:
        """Return every pod with its owner; one that vanished has ended when that was observed."""
        owners = _owners(sets)
        self._known = {
            uid: self._owned(uid, record, _owner(record, owners))
            for uid, record in pods.records.items()
        }
        found = [each.pod for each in self._known.values()]
        found += [_ended(vanished, owners) for vanished in pods.vanished.values()]
        return tuple(sorted(found, key=attrgetter("namespace", "name", "uid")))

    def _owned(self, uid: str, record: PodRecord, owner: WorkloadId | None) -> _Owned:
        before = self._known.get(uid)
        if before is not None and before.record is record and before.owner == owner:
            return before
        return _Owned(record, owner, changed(record.pod, owner=owner))


def joined_namespaces(
    namespaces: Iterable[Namespace], quotas: Iterable[QuotaRecord]
) -> dict[str, Namespace]:
    """Return the namespaces by name, each with the quota in it that bears our name."""
    found = {each.namespace: each.quota for each in quotas if each.name == QUOTA_NAME}
    ordered = sorted(namespaces, key=lambda namespace: namespace.name)
    return {each.name: changed(each, quota=found.get(each.name)) for each in ordered}


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
        changed(workload, autoscaler=by_target.get(workload.id))
        for workload in sorted(workloads, key=attrgetter("id"))
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


def _owner(record: PodRecord, owners: Mapping[str, WorkloadId | None]) -> WorkloadId | None:
    owner = owners.get(record.replica_set_uid) if record.replica_set_uid else None
    return record.pod.owner if owner is None else owner


def _ended(gone: Vanished[PodRecord], owners: Mapping[str, WorkloadId | None]) -> Pod:
    pod = gone.record.pod
    return replace(pod, owner=_owner(gone.record, owners), ended_at=pod.ended_at or gone.at)
