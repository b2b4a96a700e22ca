"""Refuse worlds that no cluster can be in: a law that fails in one of them says nothing."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from plafond.model.memory import NamespaceRecord
from plafond.model.snapshot import Snapshot
from plafond.model.workload import Pod

WITHOUT_CURRENCY = {"gpuHours", "tokens"}


class ImpossibleWorldError(ValueError):
    """A test asks what happens in a world that cannot be."""


def refuse_impossible(snapshot: Snapshot) -> None:
    """Raise `ImpossibleWorldError` with everything that is wrong about *snapshot*."""
    wrong = [*_names(snapshot), *_owners(snapshot), *_policies(snapshot), *_memories(snapshot)]
    wrong += [sentence for pod in snapshot.pods for sentence in _life(pod, snapshot)]
    if wrong:
        raise ImpossibleWorldError("; ".join(wrong))


def _names(snapshot: Snapshot) -> Iterator[str]:
    kinds = {
        "workload": (workload.id for workload in snapshot.workloads),
        "pod uid": (pod.uid for pod in snapshot.pods),
        "policy": ((policy.namespace, policy.name) for policy in snapshot.policies),
        "sheet": (sheet.name for sheet in snapshot.sheets),
    }
    for kind, names in kinds.items():
        for name, count in Counter(names).items():
            if count > 1:
                yield f"{kind} {name} exists {count} times"
    yield from (f"{key} is called {n.name}" for key, n in snapshot.nodes.items() if key != n.name)


def _owners(snapshot: Snapshot) -> Iterator[str]:
    known = {workload.id for workload in snapshot.workloads}
    for pod in snapshot.pods:
        # A pod that ended may have outlived the workload that it belonged to.
        if pod.owner is not None and pod.ended_at is None and pod.owner not in known:
            yield f"pod {pod.name} is owned by {pod.owner}, which does not exist"
        if pod.owner is not None and pod.owner.namespace != pod.namespace:
            yield f"pod {pod.name} is owned from another namespace"
    yield from (
        f"{workload.id} has {workload.replicas} replicas"
        for workload in snapshot.workloads
        if workload.replicas < 0
    )


def _life(pod: Pod, snapshot: Snapshot) -> Iterator[str]:
    if pod.scheduled_at is None and (pod.node or pod.ready_at):
        yield f"pod {pod.name} has a node or is ready, but was never scheduled"
    moments = [pod.scheduled_at, pod.ready_at, pod.ended_at]
    known = [moment for moment in moments if moment is not None]
    if known != sorted(known):
        yield f"pod {pod.name} was scheduled, ready and ended in another order"
    if any(moment.tzinfo is None for moment in (*known, snapshot.now)):
        yield f"pod {pod.name} has an instant without a time zone"


def _policies(snapshot: Snapshot) -> Iterator[str]:
    for policy in snapshot.policies:
        units = {budget.limit.unit for budget in policy.budgets}
        if policy.currency is None and (
            policy.ceilings.cost_per_hour is not None or units - WITHOUT_CURRENCY
        ):
            yield f"policy {policy.name} limits cost without a currency"
        if units - {*WITHOUT_CURRENCY, policy.currency}:
            yield f"policy {policy.name} has budgets in other currencies than its own"
        yield from (
            f"class {rule.workload_class} promises more than it allows"
            for rule in policy.classes
            if rule.max_replicas is not None and rule.max_replicas < rule.min_replicas
        )


def _memories(snapshot: Snapshot) -> Iterator[str]:
    for namespace, record in snapshot.records.items():
        as_of = record.ledger.as_of
        if as_of is not None and as_of > snapshot.now:
            yield f"the ledger of {namespace} is of the future"
        yield from _buckets(namespace, record)


def _buckets(namespace: str, record: NamespaceRecord) -> Iterator[str]:
    for key, buckets in record.ledger.series.items():
        for before, after in pairwise(buckets):
            if after.start < before.end:
                yield f"{key} of {namespace} has buckets that overlap at {after.start}"
