"""
The quota: how many accelerators all pods of a namespace may request together.

Replica counts do not bound accelerators: a template may ask for more of them, and ReplicaSets, bare
pods, surge and long terminations pass every clamp on a count. A ResourceQuota counts pods
themselves. It allows what the ceilings allow, what is unmanaged, and the surge of one rollout.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from plafond.account.account import WorkloadAccount
from plafond.decide.judge import Judgement
from plafond.decide.plan import Action, ClearQuota, SetQuota
from plafond.model.money import (
    GPU_HOURS,
    REPLICAS,
    TOKENS,
    ZERO,
    is_resource_unit,
    occurrences,
    resource_unit,
    summed,
)
from plafond.model.settings import Settings
from plafond.model.snapshot import Namespace, Quota, Snapshot
from plafond.model.workload import Pod

Hard = dict[str, int]


@dataclass(frozen=True, slots=True)
class QuotaWrites:
    """What happens to a namespace's quota: raised before counts may rise, lowered after."""

    first: tuple[Action, ...] = ()
    last: tuple[Action, ...] = ()


def quota_name(resource: str) -> str:
    """Return what a ResourceQuota calls the sum of requests for *resource*."""
    return f"requests.{resource}"


def known_accelerators(snapshot: Snapshot, settings: Settings) -> frozenset[str]:
    """Return every accelerator that can be named: those configured, and those found by prefix."""
    # A quota has no wildcards: of MIG profiles only those that exist somewhere can be bounded.
    found = {name for node in snapshot.nodes.values() for name in node.allocatable}
    # Nearly all of what pods and workloads request is shared.
    requests = {id(pod.requests): pod.requests for pod in snapshot.pods}
    requests |= {id(workload.requests): workload.requests for workload in snapshot.workloads}
    found |= {name for each in requests.values() for name in each}
    named = {name for name in found if settings.is_accelerator(name)}
    return frozenset(named) | frozenset(settings.accelerators)


def quota_writes(
    namespace: Namespace,
    enforced: Judgement | None,
    pods: Iterable[Pod],
    accelerators: frozenset[str],
) -> QuotaWrites:
    """Return what makes the namespace's quota what *enforced* asks for."""
    if enforced is not None and enforced.left_alone is not None:
        return QuotaWrites()
    # A pod counts until its phase is terminal or it is gone: not yet scheduled, or terminating.
    present = tuple([pod for pod in pods if pod.ended_at is None])
    hard = None if enforced is None else _hard(enforced, present, accelerators, namespace)
    return _difference(namespace, hard)


@dataclass(frozen=True)
class _Case:
    """A judgement beside the pods of its namespace, one resource at a time."""

    judgement: Judgement
    pods: tuple[Pod, ...]
    accelerators: frozenset[str]

    @cached_property
    def _replicas(self) -> Mapping[str, list["_Replica"]]:
        """The targets of which a replica takes up a resource, by that."""
        found: dict[str, list[_Replica]] = defaultdict(list)
        wholes = _Wholes(self.accelerators)
        for target in self.judgement.account.targets:
            replica = _replica(target, wholes)
            for resource in {*replica.of_pod, *replica.of_template}:
                found[resource].append(replica)
        return found

    @cached_property
    def is_unpriced(self) -> bool:
        """Something has no price: what it takes up, and so what is left, is not known."""
        units = {limit.unit for limit in self.judgement.limits}
        # A target whose tokens are not measured is kept at what runs: no room hangs on them.
        free = {REPLICAS, TOKENS}
        priced = {unit for unit in units if unit not in free and not is_resource_unit(unit)}
        targets = self.judgement.account.targets
        return not units.isdisjoint(self.judgement.account.unpriced) or any(
            priced - set(target.price) for target in targets
        )

    @cached_property
    def is_over(self) -> bool:
        """What ceilings and unmanaged pods may cost passes a limit: nothing beside them fits."""
        targets, ceilings = self.judgement.account.targets, self.judgement.ceilings
        whole = ((target.cost, ceilings.get(target.id, 0)) for target in targets)
        total = summed(self.judgement.account.unmanaged, whole)
        return any(total.get(each.unit, ZERO) > each.rate for each in self.judgement.limits)

    def is_asked_for(self, resource: str) -> bool:
        """Say whether any target, or any pod, takes up some of it."""
        return resource in self._replicas or resource in self._requested

    def use(self, resource: str) -> int:
        """Return what all pods request now, as the quota counts."""
        return _whole(self._requested[resource])

    @cached_property
    def _requested(self) -> Mapping[str, Decimal]:
        return _requested(self.pods, self.accelerators)

    def unmanaged(self, resource: str) -> int:
        """Return what pods request that the policies may not scale."""
        return _whole(self._unmanaged[resource])

    @cached_property
    def _unmanaged(self) -> Mapping[str, Decimal]:
        owners = {target.id for target in self.judgement.account.targets}
        foreign = (pod for pod in self.pods if pod.owner not in owners)
        return _requested(foreign, self.accelerators)

    def granted(self, resource: str) -> int | None:
        """Return what the ceilings allow; None when a workload without a ceiling may use it."""
        total = 0
        for replica in self._replicas[resource]:
            ceiling = self.judgement.ceilings.get(replica.target.id)
            if ceiling is None:
                return None
            total += replica.of_pod.get(resource, 0) * ceiling
        return total

    def cap(self, resource: str) -> int | None:
        """Return the strictest of the policies' own limits."""
        unit = resource_unit(resource)
        rates = [limit.rate for limit in self.judgement.limits if limit.unit == unit]
        return min(map(_whole, rates), default=None)

    def surge(self, resource: str) -> int:
        """Return the most that one rollout takes up beside what it replaces."""
        return max([self._rollout(each, resource) for each in self._replicas[resource]], default=0)

    def _rollout(self, replica: "_Replica", resource: str) -> int:
        workload = replica.target.workload
        ceiling = self.judgement.ceilings.get(workload.id, workload.replicas)
        pods = workload.surge.of(ceiling)
        of_pod = replica.of_pod.get(resource, 0)
        # Of pods that grow, the first shows what the next ones cost; it has to find room for that,
        # in place of another where there is no surge.
        first = replica.of_template.get(resource, 0) - (0 if pods else of_pod)
        return max(pods * of_pod, first if ceiling else 0)


class _Replica(NamedTuple):
    """
    What a replica of *target* takes up of each accelerator; what it does not is absent.

    Attributes:
        of_pod: like its price, the most of any that runs; without any, what the template asks for.
        of_template: what the next one asks for.

    """

    target: WorkloadAccount
    of_pod: Mapping[str, int]
    of_template: Mapping[str, int]


def _replica(target: WorkloadAccount, wholes: "_Wholes") -> _Replica:
    of_template = wholes.of(target.workload.requests)
    # Pods of one template nearly always share their requests.
    running = {id(pod.requests): pod.requests for pod in target.pods}.values()
    of_pod: dict[str, int] = {}
    for requests in running:
        for resource, count in wholes.of(requests).items():
            of_pod[resource] = max(count, of_pod.get(resource, 0))
    return _Replica(target, of_pod if running else of_template, of_template)


class _Wholes:
    """What requests ask for of each accelerator; those that are shared are looked at once."""

    def __init__(self, accelerators: frozenset[str]) -> None:
        self._accelerators = accelerators
        # By identity: the requests live as long as the judgement that they are part of.
        self._known: dict[int, Mapping[str, int]] = {}

    def of(self, requests: Mapping[str, Decimal]) -> Mapping[str, int]:
        """Return what *requests* ask for; what they do not is absent."""
        found = self._known.get(id(requests))
        if found is None:
            named = ((r, n) for r, n in requests.items() if n and r in self._accelerators)
            found = self._known[id(requests)] = {r: _whole(n) for r, n in named}
        return found


def _requested(pods: Iterable[Pod], accelerators: frozenset[str]) -> Mapping[str, Decimal]:
    total: dict[str, Decimal] = defaultdict(Decimal)
    # Nearly all of what pods request is shared.
    for requests, count in occurrences([pod.requests for pod in pods]):
        for resource, amount in requests.items():
            if resource in accelerators:
                total[resource] += amount * count
    return total


def _hard(
    judgement: Judgement,
    pods: tuple[Pod, ...],
    accelerators: frozenset[str],
    namespace: Namespace,
) -> Hard | None:
    """Return the bounds to be in force; None when no limit of cost or accelerators is."""
    if not any(_bounds_accelerators(limit.unit, accelerators) for limit in judgement.limits):
        return None
    before = namespace.quota.hard if namespace.quota is not None else {}
    named = frozenset({*accelerators, *_named(before)})
    case = _Case(judgement, pods, named)
    hard = {quota_name(each): _bound(case, each, before) for each in sorted(named)}
    return {name: most for name, most in hard.items() if most is not None}


def _bounds_accelerators(unit: str, accelerators: Iterable[str]) -> bool:
    if unit == REPLICAS:
        return False
    is_money = unit == GPU_HOURS or not is_resource_unit(unit)
    return is_money or unit in {resource_unit(each) for each in accelerators}


def _named(before: Mapping[str, Decimal]) -> Iterable[str]:
    # What was bounded once stays bounded, also while no node offers it.
    prefix = quota_name("")
    return (name.removeprefix(prefix) for name in before if name.startswith(prefix) and "/" in name)


def _bound(case: _Case, resource: str, before: Mapping[str, Decimal]) -> int | None:
    in_force = before.get(quota_name(resource))
    if not in_force and not case.is_asked_for(resource):
        return 0
    granted, cap, surge = case.granted(resource), case.cap(resource), case.surge(resource)
    if granted is None and cap is None:
        return None
    promised = _least(granted, cap) + surge
    carried = _least(None if granted is None else granted + case.unmanaged(resource), cap) + surge
    if in_force is not None and case.is_unpriced:
        # Unknown is not zero, and no reason to let more in.
        carried = max(promised, _whole(in_force))
    elif in_force is not None and case.is_over:
        # Else whoever takes the room of a rollout would be given that of another, and so on.
        carried = min(carried, max(promised, _whole(in_force)))
    return max(case.use(resource), carried)


def _difference(namespace: Namespace, hard: Hard | None) -> QuotaWrites:
    quota = namespace.quota
    if quota is None or not quota.is_ours:
        return QuotaWrites(last=() if hard is None else (SetQuota(namespace.name, hard, quota),))
    if hard is None:
        return QuotaWrites(first=(ClearQuota(namespace.name, quota.uid),))
    return QuotaWrites() if quota.hard == hard else _changed(namespace.name, quota, hard)


def _changed(namespace: str, quota: Quota, hard: Hard) -> QuotaWrites:
    first = {name: max(most, _whole(quota.hard.get(name, ZERO))) for name, most in hard.items()}
    if not any(name in quota.hard and most > quota.hard[name] for name, most in hard.items()):
        return QuotaWrites(last=(SetQuota(namespace, hard, quota),))
    raised = SetQuota(namespace, first, quota)
    if first == hard:
        return QuotaWrites((raised,))
    between = Quota(quota.uid, _decimals(first), is_ours=True)
    return QuotaWrites((raised,), (SetQuota(namespace, hard, between),))


def _decimals(hard: Hard) -> dict[str, Decimal]:
    return {name: Decimal(most) for name, most in hard.items()}


def _least(left: int | None, right: int | None) -> int:
    if left is None or right is None:
        return (left or 0) if right is None else right
    return min(left, right)


def _whole(value: Decimal) -> int:
    return int(value)
