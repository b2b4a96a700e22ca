"""Decide one policy set: floors, pace, share, ceilings, and a decision for every target."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from plafond.account.account import NOT_COUNTED_YET, SetAccount, WorkloadAccount
from plafond.decide.decision import Decision
from plafond.decide.fund import Funding, Promise, fund
from plafond.decide.limits import Limit, Room, instantaneous_limits
from plafond.decide.pace import Pace, pace
from plafond.decide.rationale import rationale
from plafond.decide.recommend import recommend
from plafond.decide.release import Ceiling, Moment, release
from plafond.decide.rules import Facts, decide_one
from plafond.decide.search import Search
from plafond.decide.share import Claim, Grant, share
from plafond.decide.wish import Squeezed, Wish
from plafond.forecast.demand import DemandSample, Signals
from plafond.model.gap import Gap
from plafond.model.memory import Rationale, WorkloadMemory
from plafond.model.money import (
    REPLICAS,
    TOKENS,
    ZERO,
    ByUnit,
    is_resource_unit,
    summed,
)
from plafond.model.settings import Settings
from plafond.model.snapshot import Snapshot
from plafond.model.workload import WorkloadId

# No class bounds it: more replicas than any cluster runs.
UNBOUNDED = 100_000


@dataclass(frozen=True, slots=True)
class HeldBack:
    """What the brake does: since when, when it lets go of everything, and how to confirm."""

    since: datetime
    until: datetime
    how_to_confirm: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """
    What was decided for one policy set.

    Attributes:
        left_alone: why nothing was decided at all: a currency of the set has no prices.
        limits: everything that was allowed, of budgets and `ceilings`.
        binding: the limit that kept the first workload that wanted more from it.
        ceilings: those to be in force, of every target that has one.
        memory: what to remember of each target.
        demand: what all demand would cost per hour at target utilization, by unit.
        censored: the part of it that is a lower bound.
        held_back: what the brake holds back of it.
        left_out: how many ceilings cannot be listed, and so are not enforced.

    """

    account: SetAccount
    pace: Pace
    decisions: tuple[Decision, ...]
    ceilings: Mapping[WorkloadId, int]
    memory: Mapping[WorkloadId, WorkloadMemory]
    demand: ByUnit
    gaps: Mapping[WorkloadId, Gap]
    censored: ByUnit = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    binding: Limit | None = None
    left_alone: Gap | None = None
    held_back: HeldBack | None = None
    left_out: int = 0


def judge(set_account: SetAccount, snapshot: Snapshot, settings: Settings) -> Judgement:
    """Decide everything about *set_account*."""
    if set_account.card_gaps:
        return _leave_alone(set_account, snapshot)
    instantaneous = instantaneous_limits(set_account)
    funding = fund(set_account, instantaneous, snapshot.now, settings.timing)
    needed = _priced_units(set_account, instantaneous)
    wishes = _wishes(set_account, needed, funding, (snapshot, settings))
    priced = tuple([wish for wish in wishes if wish.is_priced])
    plan = pace(set_account, priced, funding, settings.timing)
    limits = (*plan.limits, *instantaneous)
    in_doubt = _is_in_doubt(set_account, limits, snapshot)
    squeezed = _squeezed(wishes, plan.utilization_percent)
    both = zip(wishes, squeezed, strict=True)
    claims = [_claim(wish, fuller, in_doubt=in_doubt) for wish, fuller in both if wish.is_priced]
    room = Room.under(limits, _taken(set_account, wishes))
    grants = share(claims, room, headroom=not plan.is_short)
    moment = Moment(snapshot.now, settings.timing, plan.time_left, plan.is_short)
    ceilings = release(claims, grants, room, moment)
    is_clamped = snapshot.admission.is_clamped
    stages = _Stages(funding, plan, limits, squeezed, grants, ceilings, in_doubt, is_clamped)
    return _judgement(set_account, wishes, stages, snapshot.now)


def _is_in_doubt(set_account: SetAccount, limits: tuple[Limit, ...], snapshot: Snapshot) -> bool:
    # What runs at an unknown price, or under a policy that nobody understands, may take up more;
    # what was spent before it could be counted may have used up the budget.
    units = {limit.unit for limit in limits}
    has_unpriced = not units.isdisjoint(set_account.unpriced)
    is_awaited = set_account.untold is not None and set_account.untold.is_awaited
    is_unseen = set_account.unseen is not None and TOKENS in units
    return (
        has_unpriced
        or is_awaited
        or is_unseen
        or snapshot.is_in_doubt(set_account.policy_set.namespace)
    )


def _leave_alone(set_account: SetAccount, snapshot: Snapshot) -> Judgement:
    gap = next(iter(set_account.card_gaps.values()))
    in_force = _in_force(set_account, snapshot)
    ours = {t.id: in_force[t.id] for t in set_account.targets if t.id in in_force}
    decisions = tuple(
        Decision(
            target.id,
            target.targeted.class_rule.workload_class,
            target.workload.replicas,
            target.workload.replicas,
            target.workload.replicas,
            ours.get(target.id),
        )
        for target in set_account.targets
    )
    memory = {
        target.id: target.memory._replace(rationale=rationale(each, target, set_account, gap))
        for each, target in zip(decisions, set_account.targets, strict=True)
    }
    gaps = {target.id: gap for target in set_account.targets}
    return Judgement(set_account, Pace(()), decisions, ours, memory, {}, gaps, left_alone=gap)


def _in_force(set_account: SetAccount, snapshot: Snapshot) -> Mapping[WorkloadId, int]:
    # Enforced ceilings are what the API server enforces; observed ones exist in memory alone.
    if set_account.policy_set.is_enforced:
        return snapshot.namespaces[set_account.policy_set.namespace].limiting
    return {t.id: t.memory.ceiling for t in set_account.targets if t.memory.ceiling is not None}


def _wishes(
    set_account: SetAccount,
    needed: frozenset[str],
    funding: Funding,
    where: tuple[Snapshot, Settings],
) -> tuple[Wish, ...]:
    snapshot, settings = where
    in_force = _in_force(set_account, snapshot)
    record = snapshot.records.get(set_account.policy_set.namespace, NOT_COUNTED_YET)
    search = Search(record.memory, settings.timing)
    signals: Signals | None = None
    found = []
    for target in set_account.targets:
        missing = needed.difference(target.cost)
        if target.is_unmeasured:
            # Unknown tokens keep it from growing; what else it costs is limited as ever.
            missing -= {TOKENS}
        demand, scaling = None, target.targeted.scaling
        if scaling is not None:
            # Nearly all targets of a set follow the same ones.
            if signals is None or signals.scaling is not scaling:
                signals = Signals.of(scaling, snapshot.meters)
            demand = _demand(signals, target)
        recommendation = recommend(target, demand, snapshot.now, search.of)
        floor = funding.floors[target.id]
        found.append(
            Wish.of(target, recommendation, floor, in_force.get(target.id), is_priced=not missing)
        )
    return tuple(found)


def _demand(signals: Signals, target: WorkloadAccount) -> DemandSample | Gap:
    was_waiting = target.memory.was_waiting
    return signals.sample(target.id, target.ready_pods, was_waiting=was_waiting)


def _priced_units(set_account: SetAccount, instantaneous: tuple[Limit, ...]) -> frozenset[str]:
    needed = {p.budget.limit.unit for p in set_account.positions}
    needed |= {limit.unit for limit in instantaneous}
    # A resource that a replica does not request takes up nothing; only prices can be unknown.
    return frozenset(u for u in needed if not is_resource_unit(u) and u != REPLICAS)


def _taken(set_account: SetAccount, wishes: tuple[Wish, ...]) -> ByUnit:
    unpriced = [wish.target for wish in wishes if not wish.is_priced]
    return summed(set_account.unmanaged, ((t.cost, t.workload.replicas) for t in unpriced))


def _squeezed(wishes: Iterable[Wish], percent: int | None) -> list[Squeezed | None]:
    return [None if percent is None else wish.squeezed(percent) for wish in wishes]


def _claim(wish: Wish, squeezed: Squeezed | None, *, in_doubt: bool) -> Claim:
    target = wish.target
    workload, rule, memory = target.workload, target.targeted.class_rule, target.memory
    autoscaler = workload.autoscaler
    claim = Claim(
        target.id,
        rule.workload_class,
        target.cost,
        wish.floor,
        wish.replicas if squeezed is None else squeezed.spared,
        UNBOUNDED if rule.max_replicas is None else max(rule.max_replicas, wish.floor),
        wish.in_force,
        workload.replicas,
        target.pods_beyond_replicas,
        memory.bound_at,
        memory.raised_at,
        workload.termination_grace,
        in_doubt or wish.recommendation.gap is not None,
    )
    if autoscaler is not None:
        asked = max(wish.recommendation.replicas, autoscaler.desired or 0)
        claim = claim._replace(asked=asked, remembers_for=autoscaler.remembers_for)
    # What runs is kept, and of what does not run one may show what it takes.
    return claim.up_to(max(1, workload.replicas)) if target.is_unmeasured else claim


class _Stages(NamedTuple):
    """What the stages that look at all targets came to; *squeezed* in the order of the targets."""

    funding: Funding
    plan: Pace
    limits: tuple[Limit, ...]
    squeezed: Sequence[Squeezed | None]
    grants: Mapping[WorkloadId, Grant]
    ceilings: Mapping[WorkloadId, Ceiling]
    is_in_doubt: bool
    is_clamped: bool


def _judgement(
    set_account: SetAccount, wishes: tuple[Wish, ...], stages: _Stages, now: datetime
) -> Judgement:
    decisions: list[Decision] = []
    ceilings: dict[WorkloadId, int] = {}
    memory: dict[WorkloadId, WorkloadMemory] = {}
    gaps: dict[WorkloadId, Gap] = {}
    for wish, squeezed in zip(wishes, stages.squeezed, strict=True):
        target = wish.target
        released = stages.ceilings.get(target.id)
        facts = _facts(wish, squeezed, released, stages)
        decision = _decide(wish, facts, stages.plan)
        decisions.append(decision)
        if facts.ceiling is not None:
            ceilings[target.id] = facts.ceiling
        gap = wish.recommendation.gap or next(iter(target.gaps.values()), None)
        if gap is not None:
            gaps[target.id] = gap
        said = (
            stages.funding.promise(target, now),
            rationale(decision, target, set_account, gap),
        )
        memory[target.id] = _remembered(wish, decision, released, said)
    return Judgement(
        set_account,
        stages.plan,
        tuple(decisions),
        ceilings,
        memory,
        _demanded(wishes),
        gaps,
        _demanded([wish for wish in wishes if wish.is_censored]),
        stages.limits,
        next((g.obstacle for g in stages.grants.values() if g.obstacle is not None), None),
    )


def _demanded(wishes: Iterable[Wish]) -> ByUnit:
    total: dict[str, Decimal] = {}
    for wish in wishes:
        work = wish.work
        for unit, price in wish.target.known_price.items():
            total[unit] = total.get(unit, ZERO) + price * work
    return total


def _ceiling_of(wish: Wish, released: Ceiling | None, *, is_limited: bool) -> int | None:
    most, workload = wish.target.targeted.class_rule.max_replicas, wish.target.workload
    if released is None:
        running = workload.replicas
        ceiling = running if wish.in_force is None else min(wish.in_force, running)
    elif is_limited or released.is_remembered:
        ceiling = released.replicas
    else:
        return None if most is None else max(most, wish.floor)
    return max(ceiling, workload.replicas) if workload.loses_volumes else ceiling


def _facts(
    wish: Wish,
    squeezed: Squeezed | None,
    released: Ceiling | None,
    stages: _Stages,
) -> Facts:
    target = wish.target
    grant = stages.grants.get(target.id)
    return Facts(
        target.workload,
        wish.recommendation,
        target.targeted.class_rule.max_replicas,
        target.promised_replicas,
        wish.floor,
        None if squeezed is None else squeezed.needed,
        _ceiling_of(wish, released, is_limited=bool(stages.limits)),
        None if grant is None else grant.obstacle,
        wish.is_priced,
        stages.is_clamped,
        stages.is_in_doubt,
        0 if squeezed is None else squeezed.spared,
        # Of what does not run one may start, to show what it processes.
        not (target.is_unmeasured and target.workload.replicas),
    )


def _decide(wish: Wish, facts: Facts, plan: Pace) -> Decision:
    target, observed = wish.target, wish.target.workload.replicas
    decision = Decision(
        target.id,
        target.targeted.class_rule.workload_class,
        observed,
        observed,
        wish.replicas,
        facts.ceiling,
        (),
        None,
        _limit_of(facts, plan),
    )
    return decide_one(decision, facts)


def _limit_of(facts: Facts, plan: Pace) -> str | None:
    if facts.obstacle is not None:
        return facts.obstacle.name
    squeezed = None if facts.squeezed is None else max(facts.squeezed, facts.spared)
    is_fuller = squeezed is not None and squeezed < facts.recommendation.replicas
    return plan.squeezing.name if is_fuller and plan.squeezing is not None else None


def _remembered(
    wish: Wish, decision: Decision, released: Ceiling | None, said: tuple[Promise, Rationale]
) -> WorkloadMemory:
    (promise, why), target, demand = said, wish.target, wish.recommendation.memory
    before = target.memory
    return WorkloadMemory(
        wanted_replicas=target.wanted_replicas,
        ceiling=decision.ceiling,
        recommendations=demand.recommendations,
        price=target.known_price,
        priced_requests=target.workload.requests,
        was_waiting=demand.was_waiting,
        probed_at=demand.probed_at,
        probe=demand.probe,
        probes=demand.probes,
        bound_at=before.bound_at if released is None else released.bound_at,
        raised_at=before.raised_at if released is None else released.raised_at,
        funded_floor=promise.funded,
        floor_dropped_at=promise.dropped_at,
        floor_until=promise.until,
        explanation=decision.explanation,
        rationale=why,
    )
