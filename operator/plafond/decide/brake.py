"""
The brake: no cliff by mistake.

A mistyped limit or price acts within seconds, in forty namespaces at once. So of what a change of
them lowers, and what the accepted terms would not lower on the same snapshot, only so much happens
in each interval; the rest waits until somebody confirms the change, or until its time has come.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from plafond.account.account import Account, SetAccount
from plafond.decide.decision import Decision
from plafond.decide.judge import HeldBack, Judgement, judge
from plafond.decide.precedence import for_shares
from plafond.decide.rationale import redecided
from plafond.decide.reason import Reason
from plafond.decide.terms import Change, change_of
from plafond.model.memory import Brake, NamespaceRecord, Terms, WorkloadMemory
from plafond.model.money import GPU_HOURS, ZERO, ByUnit, added
from plafond.model.settings import Settings, Timing
from plafond.model.snapshot import Snapshot
from plafond.model.workload import WorkloadId

# In each interval: this part of what the ceilings could cost when the change was first seen.
LOWERED_PER_INTERVAL = Decimal("0.30")


@dataclass(frozen=True, slots=True)
class Braked:
    """A judgement with the brake applied, and what to remember of the brake."""

    judgement: Judgement
    terms: Terms
    brake: Brake | None


def braked(
    judgement: Judgement, account: Account, snapshot: Snapshot, settings: Settings
) -> Braked:
    """Hold back what a change of terms, that nobody has confirmed, would lower too fast."""
    set_account = judgement.account
    namespace = set_account.policy_set.namespace
    memory = account.counted[namespace].record.memory
    if judgement.left_alone is not None:
        return Braked(judgement, memory.terms or Terms(), memory.brake)
    change = change_of(set_account, account.pricing, snapshot, memory)
    if change.is_settled:
        return Braked(judgement, change.current, None)
    brake = _applied(judgement, change, memory.brake, (snapshot, settings))
    until = brake.since + lasts(brake, settings.timing)
    if until <= snapshot.now:
        return Braked(judgement, change.current, None)
    before = _before(change, brake, (account, snapshot, settings))
    steps = _intervals(brake, snapshot, settings) + (0 if brake.is_renewed else 1)
    held = _held(judgement, before, _Allowance(judgement, brake, steps), snapshot)
    if held is not judgement:
        held = replace(held, held_back=HeldBack(brake.since, until, change.unconfirmed))
    return Braked(held, change.settled, replace(brake, is_holding=held is not judgement))


def kept(
    before: dict[WorkloadId, int],
    after: Mapping[WorkloadId, int],
    cost: Mapping[WorkloadId, Decimal],
    allowance: Decimal,
    at_least: int,
) -> dict[WorkloadId, int]:
    """
    Return what is kept of *before* where *after* is lower, so that no more than *allowance* falls.

    The workloads in the order of *before* give way from its end. However little the allowance is,
    *at_least* so many replicas fall: what stands still is no brake.
    """
    found = dict(before)
    for workload in reversed(before):
        drop = max(0, before[workload] - after.get(workload, before[workload]))
        price = cost.get(workload, ZERO)
        fitting = drop if price <= 0 else min(drop, max(0, int(allowance // price)))
        fitting = max(fitting, min(drop, at_least))
        found[workload] -= fitting
        allowance -= fitting * price
        at_least -= min(fitting, at_least)
    return found


@dataclass(frozen=True, slots=True)
class _Counts:
    """Ceilings and replicas that are not due to the change."""

    ceilings: Mapping[WorkloadId, int]
    replicas: Mapping[WorkloadId, int]


def lasts(brake: Brake, timing: Timing) -> timedelta:
    """Return how long a change is held back that nobody confirms."""
    # As many intervals as it takes to let all of it fall.
    steps = math.ceil(1 / LOWERED_PER_INTERVAL) + (1 if brake.is_renewed else 0)
    return timing.brake_interval * steps


def _intervals(brake: Brake, snapshot: Snapshot, settings: Settings) -> int:
    return (snapshot.now - brake.since) // settings.timing.brake_interval


def _applied(
    judgement: Judgement, change: Change, before: Brake | None, where: tuple[Snapshot, Settings]
) -> Brake:
    """
    Return the brake for this very change.

    Whoever changes something again is braked again, from how things stand now: what was harmless
    half an hour ago says nothing of that. Where something was held back, the new change is allowed
    nothing before the next interval, so that many changes in a row are no way around the brake.
    """
    snapshot, settings = where
    if before is not None and before.target == change.current:
        return before
    begun = replace(_begun(judgement, snapshot), target=change.current)
    if before is None:
        return begun
    # Prices may be those of the change before by now.
    known = replace(begun, prices={**begun.prices, **before.prices}, unmanaged=before.unmanaged)
    if not before.is_holding:
        return known
    passed = _intervals(before, snapshot, settings) * settings.timing.brake_interval
    return replace(known, since=before.since + passed, is_renewed=True)


def _begun(judgement: Judgement, snapshot: Snapshot) -> Brake:
    """Return how things stand now; prices are those that the last pass has remembered."""
    set_account = judgement.account
    in_force = snapshot.namespaces[set_account.policy_set.namespace].limiting
    counts = {t.id: t.workload.replicas for t in set_account.targets}
    prices = {t.id: t.memory.price or t.price for t in set_account.targets}
    return Brake(
        snapshot.now,
        ceilings={workload: in_force.get(workload, count) for workload, count in counts.items()},
        counts=counts,
        prices=prices,
        unmanaged=_unmanaged(snapshot.records.get(set_account.policy_set.namespace)),
    )


def _unmanaged(record: NamespaceRecord | None) -> ByUnit:
    pods = record.memory.open_pods.values() if record else ()
    total: ByUnit = {}
    for pod in pods:
        total = total if pod.is_managed else added(total, pod.rates)
    return total


def _before(change: Change, brake: Brake, where: tuple[Account, Snapshot, Settings]) -> _Counts:
    """Return what the accepted terms would decide on the same snapshot, and at their prices."""
    account, snapshot, settings = where
    namespace = change.settled.policies[0].namespace if change.settled.policies else ""
    found = account.under(change.settled.policies, namespace, settings) if namespace else None
    if found is None:
        return _Counts(brake.ceilings, brake.counts)
    if change.new_prices:
        found = _at_old_prices(found, brake)
    # As if what the brake has let fall so far had not fallen.
    standing = replace(snapshot.namespaces[namespace], ceilings=brake.ceilings)
    judged = judge(found, replace(snapshot, namespaces={namespace: standing}), settings)
    replicas = {d.workload: d.desired_replicas for d in judged.decisions}
    return _Counts(_least(brake.ceilings, judged.ceilings), _least(brake.counts, replicas))


def _at_old_prices(set_account: SetAccount, brake: Brake) -> SetAccount:
    targets = (t.at(brake.prices.get(t.id, t.price)) for t in set_account.targets)
    unmanaged = {**set_account.unmanaged, **brake.unmanaged}
    return replace(set_account, targets=tuple(targets), unmanaged=unmanaged)


def _least(
    first: Mapping[WorkloadId, int], second: Mapping[WorkloadId, int]
) -> dict[WorkloadId, int]:
    return {workload: min(count, second.get(workload, count)) for workload, count in first.items()}


@dataclass(frozen=True, slots=True)
class _Allowance:
    """How much may have fallen by now."""

    judgement: Judgement
    brake: Brake
    intervals: int

    def kept(
        self,
        base: Mapping[WorkloadId, int],
        before: Mapping[WorkloadId, int],
        after: Mapping[WorkloadId, int],
    ) -> dict[WorkloadId, int]:
        """Return what is kept of *before*; the allowance is a part of what *base* cost."""
        cost = self._cost()
        whole = sum((count * cost.get(each, ZERO) for each, count in base.items()), ZERO)
        ordered = {each: before[each] for each in self._order() if each in before}
        allowance = whole * LOWERED_PER_INTERVAL * self.intervals
        return kept(ordered, after, cost, allowance, self.intervals)

    def _order(self) -> list[WorkloadId]:
        decisions = self.judgement.decisions
        ordered = sorted(decisions, key=lambda d: for_shares(d.workload_class, d.workload))
        return [decision.workload for decision in ordered]

    def _cost(self) -> Mapping[WorkloadId, Decimal]:
        prices = self.brake.prices
        policies = self.judgement.account.policy_set.policies
        currencies = [policy.currency for policy in policies if policy.currency is not None]
        for unit in (*currencies, GPU_HOURS):
            if all(price.get(unit, ZERO) > 0 for price in prices.values()):
                return {workload: price[unit] for workload, price in prices.items()}
        return dict.fromkeys(prices, Decimal(1))


def _held(
    judgement: Judgement, before: _Counts, allowance: _Allowance, snapshot: Snapshot
) -> Judgement:
    in_force = snapshot.namespaces[judgement.account.policy_set.namespace].limiting
    brake = allowance.brake
    ceilings = allowance.kept(brake.ceilings, before.ceilings, judgement.ceilings)
    desired = {d.workload: d.desired_replicas for d in judgement.decisions}
    counts = allowance.kept(brake.counts, before.replicas, desired)
    decisions, held = [], dict(judgement.ceilings)
    for decision in judgement.decisions:
        workload = decision.workload
        # The brake holds; it never raises what has fallen already.
        ceiling = min(ceilings.get(workload, 0), in_force.get(workload, ceilings.get(workload, 0)))
        if workload in held:
            held[workload] = max(held[workload], ceiling)
        count = min(counts.get(workload, 0), decision.observed_replicas)
        decisions.append(_kept_at(decision, held.get(workload), count))
    if held == judgement.ceilings and tuple(decisions) == judgement.decisions:
        return judgement
    memory = {d.workload: _remembered(judgement.memory[d.workload], d) for d in decisions}
    return replace(judgement, decisions=tuple(decisions), ceilings=held, memory=memory)


def _kept_at(decision: Decision, ceiling: int | None, count: int) -> Decision:
    count = count if ceiling is None else min(count, ceiling)
    least = max(decision.desired_replicas, count)
    return decision._replace(ceiling=ceiling).moved_to(least, Reason.BRAKED)


def _remembered(memory: WorkloadMemory, decision: Decision) -> WorkloadMemory:
    memory = redecided(memory, decision)
    return memory._replace(ceiling=decision.ceiling, explanation=decision.explanation)
