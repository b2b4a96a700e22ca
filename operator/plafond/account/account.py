"""
The account of one pass: what was spent up to now, what runs, and where every budget stands.

Namespaces without a policy are counted too: a policy that comes later must know what was spent.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple, Self, TypeVar

from plafond.account.counting import (
    Counted,
    NamespaceFacts,
    count,
    owing,
    price_gaps,
    replica_price,
    total_rate,
    unpriced,
)
from plafond.account.ledger import mean_rates
from plafond.account.past import filled_before, untold
from plafond.account.positions import positions
from plafond.account.rates import Pricing, plausible, rate_cards
from plafond.account.targets import TargetedWorkload, targeted
from plafond.account.token_rates import UNMEASURED, last_known, replica_tokens
from plafond.model.budget import BudgetPosition
from plafond.model.gap import Gap
from plafond.model.history import Untold
from plafond.model.ledger import Fact, Ledger, SeriesKey
from plafond.model.memory import NamespaceRecord, PacePlan, WorkloadMemory
from plafond.model.meters import Meter
from plafond.model.money import REPLICAS, TOKENS, ByUnit, added, resource_unit
from plafond.model.policy import CostPolicy, PolicySet, policy_sets
from plafond.model.settings import Settings
from plafond.model.snapshot import Snapshot
from plafond.model.workload import Pod, Workload, WorkloadId

MEAN_OVER = timedelta(hours=24)
ONE = Decimal(1)
NOT_SEEN_YET = WorkloadMemory()
NOT_COUNTED_YET = NamespaceRecord()

Item = TypeVar("Item")
Key = TypeVar("Key")


class WorkloadAccount(NamedTuple):
    """
    One target: its pods that cost now, and what a replica of it costs.

    Attributes:
        workload, id: the workload itself, and its reference.
        pods: those that cost; *ready_pods*: of them, those that serve.
        price: of one replica per hour, by unit; a unit whose price is unknown is missing.
        cost: what one replica takes up, in every unit that anything may limit.
        gaps: why prices are unknown, or are the last ones known, by unit.
        is_unmeasured: tokens are limited, and nobody has seen yet what a replica processes.

    """

    targeted: TargetedWorkload
    workload: Workload
    id: WorkloadId
    pods: tuple[Pod, ...]
    ready_pods: tuple[Pod, ...]
    price: ByUnit
    cost: ByUnit
    gaps: Mapping[str, Gap]
    memory: WorkloadMemory
    is_unmeasured: bool = False

    @classmethod
    def of(
        cls,
        targeted: TargetedWorkload,
        pods: tuple[Pod, ...],
        price: ByUnit,
        gaps: Mapping[str, Gap],
        memory: WorkloadMemory,
    ) -> Self:
        """Return the account of what is *targeted*, with *pods* that cost."""
        workload = targeted.workload
        ready = tuple([pod for pod in pods if pod.is_ready])
        cost = _cost(workload, price)
        return cls(targeted, workload, workload.id, pods, ready, price, cost, gaps, memory)

    def at(self, price: ByUnit) -> "WorkloadAccount":
        """Return the same at another *price*."""
        return self._replace(price=price, cost=_cost(self.workload, price))

    @property
    def known_price(self) -> ByUnit:
        """Its price without what only stands for one."""
        if not self.is_unmeasured:
            return self.price
        return {unit: price for unit, price in self.price.items() if unit != TOKENS}

    @property
    def wanted_replicas(self) -> int | None:
        """What others want: the count before our first write, or a later one that they chose."""
        wanted, replicas = self.memory.wanted_replicas, self.workload.replicas
        if wanted is None or self.workload.is_count_ours:
            return wanted
        # The ceiling may have cut what they asked for, so it is the least that they want.
        return max(wanted, replicas) if replicas == self.memory.ceiling else replicas

    @property
    def promised_replicas(self) -> int:
        """The floor that its class promises; what others have switched off stays off."""
        is_off = self.workload.replicas == 0 and not self.workload.is_count_ours
        return 0 if is_off and not self.wanted_replicas else self.targeted.class_rule.min_replicas

    @property
    def pods_beyond_replicas(self) -> int:
        """Pods that cost although no replica is asked for: they are ending, or are surge."""
        # What ends is replaced, where its replica is still asked for: it never stands for one.
        ending = sum([pod.is_terminating for pod in self.pods])
        return ending + max(0, len(self.pods) - ending - self.workload.replicas)


def _cost(workload: Workload, price: ByUnit) -> ByUnit:
    resources = {resource_unit(name): amount for name, amount in workload.requests.items()}
    return {**resources, **price, REPLICAS: ONE}


@dataclass(frozen=True, slots=True)
class SetAccount:
    """
    What a policy set has to decide on.

    Attributes:
        unmanaged: what pods cost now that the set may not scale, by unit; requests count as units.
        unmanaged_mean: the same over the last day, as far as the ledger knows.
        unpriced: why pods that run, targets or not, have no price at all, by unit.
        card_gaps: why a currency of the set has no prices at all.
        ledger: what is known of demand; empty of a set whose demand is not recorded.
        plans: how its budgets' money is to last, as planned before.
        owing: why pods that have ended could not be charged so far, by unit.
        unseen: why counters of tokens that were seen before are not seen now.
        untold: the part of its windows of which nobody knows what it cost.

    """

    policy_set: PolicySet
    positions: tuple[BudgetPosition, ...]
    targets: tuple[WorkloadAccount, ...]
    unmanaged: ByUnit
    unmanaged_mean: ByUnit
    burn_rate: ByUnit
    unpriced: Mapping[str, Gap] = field(default_factory=dict)
    card_gaps: Mapping[str, Gap] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    plans: Mapping[str, PacePlan] = field(default_factory=dict)
    untold: Untold | None = None
    owing: Mapping[str, Gap] = field(default_factory=dict)
    unseen: Gap | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Everything that is counted in a pass, by namespace and by policy set."""

    now: datetime
    pricing: Pricing
    counted: Mapping[str, Counted]
    sets: tuple[SetAccount, ...]
    facts: Mapping[str, NamespaceFacts] = field(default_factory=dict)

    def under(
        self, policies: tuple[CostPolicy, ...], namespace: str, settings: Settings
    ) -> SetAccount | None:
        """Return what *policies* would have to decide on in *namespace*, on the same facts."""
        facts = replace(self.facts[namespace], policies=policies)
        targets = _disjoint_targets(facts, settings)
        if not targets:
            return None
        return _set_account(_Share(*targets[0], is_first=True), facts, self.counted[namespace])


def account(snapshot: Snapshot, settings: Settings) -> Account:
    """Count everything in *snapshot*."""
    pricing = Pricing(rate_cards(snapshot.sheets, snapshot.now), settings)
    # Sums are rounded in their last digit: the order in which they are made must not matter.
    ordered = sorted(snapshot.pods, key=attrgetter("uid"))
    pods = _grouped(ordered, attrgetter("namespace"))
    policies = _grouped(in_force(snapshot, settings), attrgetter("namespace"))
    known: dict[str, NamespaceFacts] = {}
    counted: dict[str, Counted] = {}
    sets: list[SetAccount] = []
    for name in sorted({*pods, *policies, *snapshot.records, *_annotated(snapshot)}):
        known[name] = facts = NamespaceFacts(
            name,
            snapshot.now,
            pods.get(name, ()),
            tuple(snapshot.workloads_of(name)),
            policies.get(name, ()),
            snapshot.records.get(name, NOT_COUNTED_YET),
            snapshot.nodes,
            pricing,
            snapshot.past_of(name),
            snapshot.meters.get(Meter.TOKENS),
        )
        counted[name], own = _namespace(facts, settings)
        sets += own
    return Account(snapshot.now, pricing, counted, tuple(sets), known)


def _annotated(snapshot: Snapshot) -> Iterable[str]:
    # Where ours is left over, there is something to undo, though nothing else is there any more.
    found = snapshot.namespaces.values()
    return (
        n.name
        for n in found
        if n.ceilings is not None or n.unreadable is not None or n.quota is not None
    )


def in_force(snapshot: Snapshot, settings: Settings) -> tuple[CostPolicy, ...]:
    """Return the policies of namespaces that may be governed, with those deleted just now."""
    return tuple(
        policy
        for policy in (*snapshot.policies, *_deleted_lately(snapshot, settings))
        if policy.namespace not in settings.excluded_namespaces
        and policy.namespace in snapshot.namespaces
        and not snapshot.namespaces[policy.namespace].is_terminating
    )


def _deleted_lately(snapshot: Snapshot, settings: Settings) -> Iterator[CostPolicy]:
    # Whoever replaces a policy by deleting it first shall not set free what it holds meanwhile.
    known = snapshot.policy_names
    oldest = snapshot.now - settings.timing.release_delay
    for namespace, record in snapshot.records.items():
        for policy in record.memory.enforced:
            since = record.memory.gone_since.get(policy.name, snapshot.now)
            if (namespace, policy.name) not in known and since > oldest:
                yield policy


def _grouped(items: Iterable[Item], key_of: Callable[[Item], Key]) -> dict[Key, tuple[Item, ...]]:
    grouped: dict[Key, list[Item]] = defaultdict(list)
    for item in items:
        grouped[key_of(item)].append(item)
    return {key: tuple(group) for key, group in grouped.items()}


def _namespace(facts: NamespaceFacts, settings: Settings) -> tuple[Counted, list[SetAccount]]:
    targets = _disjoint_targets(facts, settings)
    managed = frozenset(t.workload.id for t in targets[0][1]) if targets else frozenset()
    counted = count(facts, managed, settings.timing.evaluation_period)
    own = [
        _set_account(_Share(policy_set, its, is_first=index == 0), facts, counted)
        for index, (policy_set, its) in enumerate(targets)
    ]
    return counted, own


@dataclass(frozen=True, slots=True)
class _Share:
    """A policy set and the workloads that are its own; the first set's others are *unmanaged*."""

    policy_set: PolicySet
    targets: tuple[TargetedWorkload, ...]
    is_first: bool


def _disjoint_targets(
    facts: NamespaceFacts, settings: Settings
) -> list[tuple[PolicySet, tuple[TargetedWorkload, ...]]]:
    # The enforced set comes first; to those that observe, what it scales is unmanaged.
    found: list[tuple[PolicySet, tuple[TargetedWorkload, ...]]] = []
    enforced: frozenset[WorkloadId] = frozenset()
    for policy_set in policy_sets(facts.policies):
        its = targeted(policy_set, facts.workloads, settings)
        found.append((policy_set, tuple(t for t in its if t.workload.id not in enforced)))
        if policy_set.is_enforced:
            enforced = frozenset(t.workload.id for t in its)
    return found


def _set_account(share: _Share, facts: NamespaceFacts, counted: Counted) -> SetAccount:
    mine: dict[WorkloadId | None, list[Pod]] = {t.workload.id: [] for t in share.targets}
    foreign: list[Pod] = []
    for pod in facts.pods:
        if pod.is_running:
            mine.get(pod.owner, foreign).append(pod)
    unmanaged = total_rate([_consumed(pod, counted) for pod in foreign])
    policies = share.policy_set.policies
    return SetAccount(
        share.policy_set,
        positions(policies, counted.record.ledger, facts.now, counted.unseen),
        tuple(
            _workload_account(t, tuple(mine[t.workload.id]), (share.policy_set, facts, counted))
            for t in share.targets
        ),
        unmanaged,
        _mean(counted, unmanaged, facts.now) if share.is_first else unmanaged,
        total_rate(counted.rates.values()),
        unpriced(counted),
        _card_gaps(policies, facts.pricing),
        counted.record.ledger if share.is_first else Ledger(),
        counted.record.memory.plans,
        untold(counted.record.memory, facts.before, facts.pricing.settings.timing),
        owing(counted),
        counted.unseen_gap,
    )


def _card_gaps(policies: Iterable[CostPolicy], pricing: Pricing) -> dict[str, Gap]:
    currencies = sorted({p.currency for p in policies if p.currency is not None})
    cards = {c: pricing.cards.get(c) or Gap(f"there is no price sheet in {c}") for c in currencies}
    return {currency: card for currency, card in cards.items() if isinstance(card, Gap)}


def _consumed(pod: Pod, counted: Counted) -> ByUnit:
    resources = {resource_unit(name): value for name, value in pod.requests.items()}
    return added(resources, counted.rates.get(pod.uid, {}))


def _mean(counted: Counted, now_rates: ByUnit, now: datetime) -> ByUnit:
    ledger = counted.record.ledger
    back = MEAN_OVER
    if (since := filled_before(counted.record.memory)) is not None:
        # What history filled in says nothing of who may be scaled.
        back = min(back, now - since)
    keys = [SeriesKey(Fact.UNMANAGED, unit) for unit in {unit for _, unit, _ in ledger.series}]
    means = mean_rates(ledger, keys, now, back)
    return {**now_rates, **{key.unit: mean for key, mean in means.items()}}


def _workload_account(
    target: TargetedWorkload,
    pods: tuple[Pod, ...],
    where: tuple[PolicySet, NamespaceFacts, Counted],
) -> WorkloadAccount:
    policy_set, facts, counted = where
    workload = target.workload
    memory = counted.record.memory.sets.get(policy_set.key, {}).get(workload.id, NOT_SEEN_YET)
    # Whoever asks for other resources costs something else: the last price says nothing of that.
    last = memory.price if memory.priced_requests == workload.requests else {}
    found = replica_price(workload, pods, counted, facts.pricing)
    price, gaps = plausible(found, last, facts.pricing.cards)
    gaps = {**price_gaps(pods, counted), **gaps} if counted.gaps else gaps
    known = WorkloadAccount.of(target, pods, price, gaps, memory)
    # Whoever limits no tokens does not miss them.
    return _with_tokens(known, counted) if TOKENS in policy_set.units else known


def _with_tokens(known: WorkloadAccount, counted: Counted) -> WorkloadAccount:
    rate = counted.record.memory.token_rates.get(str(known.id))
    found = replica_tokens(rate)
    if not isinstance(found, Gap):
        return known.at({**known.price, TOKENS: found})
    runs = known.pods or known.workload.replicas
    gaps = {**known.gaps, TOKENS: found} if runs else known.gaps
    # What runs without ever having shown a counter may well be something else than an engine.
    is_engine = rate is not None or not runs
    stand_in = {TOKENS: max(UNMEASURED, last_known(rate))} if is_engine else {}
    return known.at({**known.price, **stand_in})._replace(gaps=gaps, is_unmeasured=True)
