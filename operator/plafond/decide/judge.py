"""Decide one policy set: floors, pace, share, ceilings, and a decision for every target."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from plafond.account.account import SetAccount, WorkloadAccount
from plafond.decide.decision import Decision
from plafond.decide.fund import Funding, fund
from plafond.decide.limits import Limit, Room, instantaneous_limits
from plafond.decide.pace import Pace, pace
from plafond.decide.recommend import recommend
from plafond.decide.release import Ceiling, Holding, release
from plafond.decide.rules import Facts, decide_one
from plafond.decide.search import Search, search_of
from plafond.decide.share import Claim, Grant, share
from plafond.decide.wish import Squeezed, Wish
from plafond.forecast.demand import DemandSample, sample_demand
from plafond.model.autoscaler import Autoscaler
from plafond.model.changed import changed
from plafond.model.gap import Gap
from plafond.model.memory import Memory, WorkloadMemory
from plafond.model.money import (
    REPLICAS,
    TOKENS,
    ZERO,
    ByUnit,
    elapsed_microseconds,
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


class _Case(NamedTuple):
    """One target on its way through the stages; *squeezed*: as full as the plan asks."""

    id: WorkloadId
    target: WorkloadAccount
    wish: Wish
    is_price_known: bool
    in_force: int | None
    squeezed: Squeezed | None = None


def judge(set_account: SetAccount, snapshot: Snapshot, settings: Settings) -> Judgement:
    """Decide everything about *set_account*."""
    if set_account.card_gaps:
        return _leave_alone(set_account, snapshot)
    instantaneous = instantaneous_limits(set_account)
    funding = fund(set_account, instantaneous, snapshot.now, settings.timing)
    cases = _cases(set_account, snapshot, settings, funding)
    wishes = tuple(case.wish for case in cases if case.is_price_known)
    plan = pace(set_account, wishes, funding, settings.timing)
    cases = _squeezed(cases, plan.utilization_percent)
    priced = tuple(case for case in cases if case.is_price_known)
    limits = (*plan.limits, *instantaneous)
    claims = {case.id: _claim(case) for case in priced}
    room = Room.under(limits, _taken(set_account, cases))
    grants = share(claims.values(), room, headroom=not plan.is_short)
    in_doubt = _is_in_doubt(set_account, limits, snapshot)
    ceilings = release(
        (
            _holding(case, plan, (claims[case.id], grants[case.id]), settings, in_doubt=in_doubt)
            for case in priced
        ),
        room,
        snapshot.now,
        settings.timing,
    )
    is_clamped = snapshot.admission.is_clamped
    outcome = _Outcome(set_account, plan, limits, grants, ceilings, is_clamped, in_doubt)
    return _judgement(outcome, cases)


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
    memory = {target.id: target.memory for target in set_account.targets}
    gaps = {target.id: gap for target in set_account.targets}
    return Judgement(set_account, Pace(()), decisions, ours, memory, {}, gaps, left_alone=gap)


def _in_force(set_account: SetAccount, snapshot: Snapshot) -> Mapping[WorkloadId, int]:
    # Enforced ceilings are what the API server enforces; observed ones exist in memory alone.
    if set_account.policy_set.is_enforced:
        return snapshot.namespaces[set_account.policy_set.namespace].limiting
    return {t.id: t.memory.ceiling for t in set_account.targets if t.memory.ceiling is not None}


def _cases(
    set_account: SetAccount, snapshot: Snapshot, settings: Settings, funding: Funding
) -> tuple[_Case, ...]:
    in_force = _in_force(set_account, snapshot)
    needed = {p.budget.limit.unit for p in set_account.positions}
    needed |= {limit.unit for limit in instantaneous_limits(set_account)}
    needed -= _free_units(needed)
    record = snapshot.records.get(set_account.policy_set.namespace)
    search = search_of(Memory() if record is None else record.memory, settings.timing)
    cases = []
    for before in set_account.targets:
        target = changed(before, memory=funding.remembered(before, snapshot.now))
        missing = needed.difference(target.cost)
        if target.is_unmeasured:
            # Unknown tokens keep it from growing; what else it costs is limited as ever.
            missing.discard(TOKENS)
        wish = _wish(target, snapshot, search, funding.floors[target.id])
        cases.append(_Case(target.id, target, wish, not missing, in_force.get(target.id)))
    return tuple(cases)


def _squeezed(cases: tuple[_Case, ...], percent: int | None) -> tuple[_Case, ...]:
    if percent is None:
        return cases
    return tuple(case._replace(squeezed=case.wish.squeezed(percent)) for case in cases)


def _free_units(needed: set[str]) -> set[str]:
    # A resource that a replica does not request takes up nothing; only prices can be unknown.
    return {unit for unit in needed if is_resource_unit(unit) or unit == REPLICAS}


def _wish(target: WorkloadAccount, snapshot: Snapshot, search: Search, floor: int) -> Wish:
    demand: DemandSample | Gap | None = None
    scaling = target.targeted.scaling
    if scaling is not None:
        demand = sample_demand(
            scaling,
            target.id,
            target.ready_pods,
            snapshot.meters,
            was_waiting=target.memory.was_waiting,
        )
    recommendation = recommend(target, demand, snapshot.now, search.of(target))
    most = target.targeted.class_rule.max_replicas
    replicas = recommendation.replicas if most is None else min(recommendation.replicas, most)
    return Wish(target, recommendation, max(replicas, floor), floor)


def _taken(set_account: SetAccount, cases: tuple[_Case, ...]) -> ByUnit:
    unpriced = (case.target for case in cases if not case.is_price_known)
    return summed(set_account.unmanaged, ((t.cost, t.workload.replicas) for t in unpriced))


def _claim(case: _Case) -> Claim:
    rule = case.target.targeted.class_rule
    recommended = case.wish.replicas if case.squeezed is None else case.squeezed.spared
    most = UNBOUNDED if rule.max_replicas is None else max(rule.max_replicas, case.wish.floor)
    claim = Claim(
        case.id,
        rule.workload_class,
        case.target.cost,
        case.wish.floor,
        recommended,
        most,
    )
    if not case.target.is_unmeasured:
        return claim
    # What runs is kept, and of what does not run one may show what it takes.
    return claim.up_to(max(1, case.target.workload.replicas))


def _end_share(case: _Case, plan: Pace, settings: Settings) -> Decimal:
    ending = case.target.workload.termination_grace + settings.timing.evaluation_period
    if plan.time_left is None:
        return ZERO
    return Decimal(elapsed_microseconds(ending)) / elapsed_microseconds(plan.time_left)


def _holding(
    case: _Case, plan: Pace, given: tuple[Claim, Grant], settings: Settings, *, in_doubt: bool
) -> Holding:
    memory, autoscaler = case.target.memory, case.target.workload.autoscaler
    return Holding(
        *given,
        case.in_force,
        case.target.workload.replicas,
        case.target.pods_beyond_replicas,
        memory.bound_at,
        memory.raised_at,
        _end_share(case, plan, settings),
        is_held=in_doubt or case.wish.recommendation.gap is not None,
        is_tight=plan.is_short,
        asked=_asked(case.wish, autoscaler),
        remembers_for=autoscaler.remembers_for if autoscaler else timedelta(0),
    )


def _asked(wish: Wish, autoscaler: Autoscaler | None) -> int:
    return max(wish.recommendation.replicas, autoscaler.desired or 0) if autoscaler else 0


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What the stages that look at all targets came to."""

    account: SetAccount
    plan: Pace
    limits: tuple[Limit, ...]
    grants: Mapping[WorkloadId, Grant]
    ceilings: Mapping[WorkloadId, Ceiling]
    is_clamped: bool
    is_in_doubt: bool


def _judgement(outcome: _Outcome, cases: tuple[_Case, ...]) -> Judgement:
    limited = bool(outcome.limits)
    decisions: list[Decision] = []
    ceilings: dict[WorkloadId, int] = {}
    memory: dict[WorkloadId, WorkloadMemory] = {}
    gaps: dict[WorkloadId, Gap] = {}
    for case in cases:
        ceiling = _ceiling_of(case, outcome, limited=limited)
        decision = _decide(case, outcome, ceiling)
        decisions.append(decision)
        if ceiling is not None:
            ceilings[case.id] = ceiling
        memory[case.id] = _remembered(case, decision, outcome)
        gap = case.wish.recommendation.gap or next(iter(case.target.gaps.values()), None)
        if gap is not None:
            gaps[case.id] = gap
    demand = [(case.wish.demand, case.wish.is_censored) for case in cases]
    return Judgement(
        outcome.account,
        outcome.plan,
        tuple(decisions),
        ceilings,
        memory,
        summed({}, ((each, 1) for each, _ in demand)),
        gaps,
        summed({}, ((each, 1) for each, is_censored in demand if is_censored)),
        outcome.limits,
        next((g.obstacle for g in outcome.grants.values() if g.obstacle is not None), None),
    )


def _ceiling_of(case: _Case, outcome: _Outcome, *, limited: bool) -> int | None:
    most, workload = case.target.targeted.class_rule.max_replicas, case.target.workload
    if not case.is_price_known:
        running = workload.replicas
        ceiling = running if case.in_force is None else min(case.in_force, running)
    elif limited or outcome.ceilings[case.id].is_remembered:
        ceiling = outcome.ceilings[case.id].replicas
    else:
        return None if most is None else max(most, case.wish.floor)
    return max(ceiling, workload.replicas) if workload.loses_volumes else ceiling


def _decide(case: _Case, outcome: _Outcome, ceiling: int | None) -> Decision:
    rule, target = case.target.targeted.class_rule, case.target
    squeezed = case.squeezed
    observed = target.workload.replicas
    grant = outcome.grants.get(case.id)
    facts = Facts(
        target.workload,
        case.wish.recommendation,
        rule.max_replicas,
        target.promised_replicas,
        case.wish.floor,
        None if squeezed is None else squeezed.needed,
        ceiling,
        grant.obstacle if grant else None,
        case.is_price_known,
        outcome.is_clamped,
        outcome.is_in_doubt,
        0 if squeezed is None else squeezed.spared,
        # Of what does not run one may start, to show what it processes.
        is_measured=not (target.is_unmeasured and observed),
    )
    decision = Decision(
        case.id,
        rule.workload_class,
        observed,
        observed,
        case.wish.replicas,
        ceiling,
        limit=_limit_of(facts, outcome.plan),
    )
    return decide_one(decision, facts)


def _limit_of(facts: Facts, plan: Pace) -> str | None:
    if facts.obstacle is not None:
        return facts.obstacle.name
    squeezed = None if facts.squeezed is None else max(facts.squeezed, facts.spared)
    is_fuller = squeezed is not None and squeezed < facts.recommendation.replicas
    return plan.squeezing.name if is_fuller and plan.squeezing is not None else None


def _remembered(case: _Case, decision: Decision, outcome: _Outcome) -> WorkloadMemory:
    ceiling = outcome.ceilings.get(case.id)
    memory = case.wish.recommendation.memory
    return changed(
        memory,
        ceiling=decision.ceiling,
        price=case.target.known_price,
        priced_requests=case.target.workload.requests,
        explanation=decision.explanation,
        bound_at=memory.bound_at if ceiling is None else ceiling.bound_at,
        raised_at=memory.raised_at if ceiling is None else ceiling.raised_at,
    )
