"""One namespace's pods, counted: what accrued since the ledger's last entry, and what runs now."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from plafond.account.accrual import Stretch, accrue
from plafond.account.ledger import Charge, Grid, recorded
from plafond.account.past import Before, before, begun, with_past
from plafond.account.positions import grid_in_force
from plafond.account.rates import Pricing, plausible
from plafond.account.token_rates import last_known, learned
from plafond.account.tokens import Look, Processed, processed
from plafond.model.capacity import Node
from plafond.model.changed import changed
from plafond.model.gap import Gap
from plafond.model.history import Past
from plafond.model.ledger import OTHERS, Fact
from plafond.model.memory import Memory, NamespaceRecord, OpenPod, TokenRate
from plafond.model.meters import MeterReading
from plafond.model.money import TOKENS, ByUnit, accrued, occurrences, summed
from plafond.model.policy import CostPolicy
from plafond.model.workload import Pod, Workload, WorkloadId

START_DELAYS_KEPT = 20
NEVER_SEEN = OpenPod({}, is_managed=False)
NO_GAPS: Mapping[str, Gap] = {}


@dataclass(frozen=True)
class NamespaceFacts:
    """One namespace's part of the snapshot."""

    name: str
    now: datetime
    pods: tuple[Pod, ...]
    workloads: tuple[Workload, ...]
    policies: tuple[CostPolicy, ...]
    record: NamespaceRecord
    nodes: Mapping[str, Node]
    pricing: Pricing
    past: Past = field(default_factory=Past)
    tokens: MeterReading | None = None

    @cached_property
    def before(self) -> Before:
        """What counts of the time before the namespace was counted."""
        return before(self.policies, self.past, self.now)


@dataclass(frozen=True, slots=True)
class Counted:
    """
    What counting a namespace came to.

    Attributes:
        record: the ledger and memory, up to now.
        since: the ledger's last entry before; None when there was none.
        accrued: what was added to the ledger's spend, by unit.
        rates: the hourly rates of every pod that costs now, by uid.
        gaps: why a pod could not be priced, by uid and unit.
        unseen: what has to be reckoned with beside the ledger, because it cannot be seen so far.
        unseen_gap: why counters that were seen before are not seen now.
        grid: how the ledger's buckets lie under the policies in force.

    """

    record: NamespaceRecord
    grid: Grid
    since: datetime | None
    accrued: ByUnit
    rates: Mapping[str, ByUnit]
    gaps: Mapping[str, Mapping[str, Gap]]
    unseen: tuple[Charge, ...] = ()
    unseen_gap: Gap | None = None


def total_rate(rates: Iterable[ByUnit]) -> ByUnit:
    """Return the sum of *rates*, unit by unit."""
    # Pods of one kind share their rates: they are added once, times how many there are.
    return summed({}, occurrences(rates))


def count(facts: NamespaceFacts, managed: frozenset[WorkloadId], period: timedelta) -> Counted:
    """Charge every pod up to now; pods of *managed* workloads are not counted as unmanaged."""
    memory, ledger = begun(facts.record, facts.past, facts.now), facts.record.ledger
    prices = _Prices(facts, managed)
    accrual = accrue(facts.pods, memory.open_pods, Stretch(ledger.as_of, facts.now), prices.of)
    tokens = _tokens(facts, memory, accrual.open_pods)
    charges = (*accrual.charges, *tokens.charges)
    grid = grid_in_force(facts.policies, facts.now, period)
    record = NamespaceRecord(
        recorded(ledger, charges, facts.now, grid),
        changed(
            memory,
            open_pods=accrual.open_pods,
            start_delays=_start_delays(facts),
            counters=tokens.counters,
            unseen_since=tokens.unseen_since,
            token_rates=_learned(facts, memory, tokens, period),
        ),
    )
    record = with_past(record, facts.before, grid)
    rates, unseen = _rates(record.memory, facts.now), tokens.unseen
    spend = _spend(charges)
    gap = tokens.unseen_gap
    return Counted(record, grid, ledger.as_of, spend, rates, prices.gaps, unseen, gap)


def _tokens(facts: NamespaceFacts, memory: Memory, open_pods: Mapping[str, OpenPod]) -> Processed:
    if facts.tokens is None and not memory.counters:
        return Processed()
    as_of, lag = facts.record.ledger.as_of, facts.pricing.settings.timing.observation_lag
    return processed(facts.pods, open_pods, Look(facts.tokens, memory, as_of, facts.now, lag))


def _learned(
    facts: NamespaceFacts, memory: Memory, tokens: Processed, period: timedelta
) -> Mapping[str, TokenRate]:
    if not memory.token_rates and not tokens.served:
        return memory.token_rates
    return learned(memory.token_rates, tokens.served, facts.workloads, (facts.now, period))


def _rates(memory: Memory, now: datetime) -> dict[str, ByUnit]:
    """Return what every pod that runs costs, and processes as far as it is known, per hour."""
    running = {
        uid: pod
        for uid, pod in memory.open_pods.items()
        if pod.ended_at is None or pod.ended_at > now
    }
    found: dict[str, ByUnit] = {uid: pod.rates for uid, pod in running.items()}
    shared: dict[int, ByUnit] = {}
    for uid in memory.counters:
        pod = running.get(uid)
        if pod is None:
            continue
        if id(pod) not in shared:
            rate = last_known(memory.token_rates.get(pod.workload))
            shared[id(pod)] = {**pod.rates, TOKENS: rate}
        found[uid] = shared[id(pod)]
    return found


class _Prices:
    """
    What each pod costs now, beside what was known of it; and why some of that is not known.

    Pods that ask for the same, of one workload and on one node, share one answer. Where it says
    what was known before, it is that very object: a pod to which nothing happened is no news.
    """

    def __init__(self, facts: NamespaceFacts, managed: frozenset[WorkloadId]) -> None:
        self.gaps: dict[str, Mapping[str, Gap]] = {}
        self._facts = facts
        self._managed = managed
        # By identities: what they belong to is in the facts for as long as this is.
        self._known: dict[tuple[int, int, WorkloadId | None, str | None], _Priced] = {}
        self._shared: dict[tuple[str, bool], list[OpenPod]] = defaultdict(list)

    def of(self, pod: Pod, before: OpenPod | None) -> OpenPod:
        """Return what *pod* costs, of which *before* was known."""
        shared = id(before), id(pod.requests), pod.owner, pod.node
        found = self._known.get(shared)
        if found is None:
            found = self._known[shared] = self._priced(pod, before)
        if found.missing:
            self.gaps[pod.uid] = found.missing
        return found.pod

    def _priced(self, pod: Pod, before: OpenPod | None) -> "_Priced":
        pricing = self._facts.pricing
        found = pricing.on_node(pod.requests, self._facts.nodes.get(pod.node or ""))
        if before is not None and self._is_no_news(before, pod, found):
            return _Priced(self._one_of_all(before), NO_GAPS)
        rates, missing = plausible(found, {} if before is None else before.rates, pricing.cards)
        lacks = frozenset(missing.keys() - rates.keys())
        priced = changed(
            NEVER_SEEN if before is None else before,
            rates=rates,
            is_managed=pod.owner in self._managed,
            workload=_workload(pod),
            lacks=lacks,
            ended_at=None,
        )
        return _Priced(self._one_of_all(priced), missing)

    def _is_no_news(self, before: OpenPod, pod: Pod, found: Mapping[str, Decimal | Gap]) -> bool:
        return (
            before.rates == found
            and before.is_managed == (pod.owner in self._managed)
            and before.workload == _workload(pod)
            and not before.lacks
            and before.ended_at is None
        )

    def _one_of_all(self, pod: OpenPod) -> OpenPod:
        # What was read from an object is one for each pod: the first one stands for its equals.
        equal = self._shared[pod.workload, pod.is_managed]
        for other in equal:
            if other is pod or other == pod:
                return other
        equal.append(pod)
        return pod


class _Priced(NamedTuple):
    """One pod's price, and what is wrong with it."""

    pod: OpenPod
    missing: Mapping[str, Gap]


def replica_price(
    workload: Workload, pods: Iterable[Pod], counted: Counted, pricing: Pricing
) -> Mapping[str, Decimal | Gap]:
    """Return the dearest of the running pods' prices; without any, the dearest it could have."""
    known = {id(each): each for pod in pods if (each := counted.rates.get(pod.uid)) is not None}
    if not known:
        return pricing.anywhere(workload.requests, workload.node_requirements)
    first, *others = known.values()
    # What a pod processes now is not what a replica has to be expected to.
    prices = {unit: rate for unit, rate in first.items() if unit != TOKENS}
    for rates in others:
        prices = {unit: max(r, rates[unit]) for unit, r in prices.items() if unit in rates}
    # Where the cost of one pod is unknown, so is that of the next one.
    return {**price_gaps(pods, counted), **prices} if counted.gaps else prices


def unpriced(counted: Counted) -> dict[str, Gap]:
    """Return why pods that run have neither a price nor a last one, by unit."""
    return {
        unit: gap
        for uid, gaps in counted.gaps.items()
        for unit, gap in gaps.items()
        if uid in counted.rates and unit not in counted.rates[uid]
    }


def owing(counted: Counted) -> dict[str, Gap]:
    """Return why pods that have ended could not be charged so far, by unit."""
    return {
        unit: gap
        for uid, gaps in counted.gaps.items()
        for unit, gap in gaps.items()
        if uid not in counted.rates and unit in _lacks(counted, uid)
    }


def _lacks(counted: Counted, uid: str) -> frozenset[str]:
    found = counted.record.memory.open_pods.get(uid)
    return frozenset() if found is None else found.lacks


def price_gaps(pods: Iterable[Pod], counted: Counted) -> Mapping[str, Gap]:
    """Return why any of *pods* has no price of now, by unit; its last price may hold."""
    gaps: dict[str, Gap] = {}
    for pod in pods if counted.gaps else ():
        gaps.update(counted.gaps.get(pod.uid, {}))
    return gaps


def _workload(pod: Pod) -> str:
    return OTHERS if pod.owner is None else str(pod.owner)


def _spend(charges: Iterable[Charge]) -> ByUnit:
    spend: dict[str, Decimal] = {}
    for charge in charges:
        if charge.key.fact is Fact.SPEND and not charge.key.workload:
            value = accrued(charge.rate, charge.span.length)
            spend[charge.key.unit] = spend.get(charge.key.unit, Decimal(0)) + value
    return spend


def _start_delays(facts: NamespaceFacts) -> tuple[timedelta, ...]:
    as_of = facts.record.ledger.as_of
    fresh = [
        pod.ready_at - pod.scheduled_at
        for pod in facts.pods
        if pod.ready_at and pod.scheduled_at and as_of and as_of < pod.ready_at <= facts.now
    ]
    return (*facts.record.memory.start_delays, *sorted(fresh))[-START_DELAYS_KEPT:]
