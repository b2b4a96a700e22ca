"""
The rules that refine one workload's count, in the order in which they are applied.

`fund`, `pace`, `share` and `release` have looked at all workloads together before; a rule sees one
workload and what they came to. Order is policy: later rules outrank earlier ones.
"""

from collections.abc import Callable
from typing import NamedTuple

from plafond.decide.decision import Decision
from plafond.decide.limits import Limit
from plafond.decide.reason import Reason
from plafond.decide.recommendation import Recommendation
from plafond.model.workload import Workload


class Facts(NamedTuple):
    """
    Everything that a rule may look at.

    Attributes:
        class_maximum: the most that its class allows.
        promised_floor: what its class promises; *funded_floor*: as much of it as money carries.
        squeezed: replicas when they run fuller; None without pressure.
        ceiling: the most that it may have; None when nothing limits it.
        obstacle: the limit that kept it from more.
        is_price_known: every limit can be reckoned for it.
        is_clamped: the API server cuts a write that goes too far; else it refuses it.
        is_in_doubt: something beside it is unknown, so no ceiling is raised.
        spared: as *squeezed*, but with as many at least as let requests be answered in time.
        is_measured: it is known how many tokens a replica processes, or nobody limits them.

    """

    workload: Workload
    recommendation: Recommendation
    class_maximum: int | None
    promised_floor: int
    funded_floor: int
    squeezed: int | None
    ceiling: int | None
    obstacle: Limit | None
    is_price_known: bool
    is_clamped: bool = True
    is_in_doubt: bool = False
    spared: int = 0
    is_measured: bool = True


Rule = Callable[[Decision, Facts], Decision]


def follow_the_recommendation(decision: Decision, facts: Facts) -> Decision:
    """Go where demand, or whoever else decides the count, asks us to go."""
    for step in facts.recommendation.steps:
        decision = decision.moved_to(step.replicas, step.reason)
    is_known = facts.recommendation.gap is None
    return decision if is_known else decision._replace(held=Reason.DEMAND_UNKNOWN)


def cap_at_the_class_maximum(decision: Decision, facts: Facts) -> Decision:
    """A class may bound each of its workloads."""
    if facts.class_maximum is None or decision.desired_replicas <= facts.class_maximum:
        return decision
    return decision.moved_to(facts.class_maximum, Reason.CLASS_MAXIMUM)


def squeeze_before_clipping(decision: Decision, facts: Facts) -> Decision:
    """Idle headroom is the first waste: run fuller before refusing work."""
    if facts.squeezed is None or decision.desired_replicas <= facts.squeezed:
        return decision
    return decision.moved_to(facts.squeezed, Reason.SQUEEZED)


def keep_requests_in_time(decision: Decision, facts: Facts) -> Decision:
    """Running fuller ends where requests would take longer than they may."""
    if facts.squeezed is None or decision.desired_replicas >= facts.spared:
        return decision
    return decision.moved_to(facts.spared, Reason.LATENCY_LIMIT)


def never_delete_volumes(decision: Decision, facts: Facts) -> Decision:
    """Money comes back, data does not."""
    if not facts.workload.loses_volumes:
        return decision
    kept = max(decision.desired_replicas, decision.observed_replicas)
    return decision.moved_to(kept, Reason.VOLUMES_KEPT)._replace(held=Reason.VOLUMES_KEPT)


def keep_the_funded_floor(decision: Decision, facts: Facts) -> Decision:
    """A floor that the budget carries is kept."""
    if decision.desired_replicas >= facts.funded_floor:
        return decision
    return decision.moved_to(facts.funded_floor, Reason.FLOOR_FUNDED)


def grow_nothing_without_a_price(decision: Decision, facts: Facts) -> Decision:
    """An unknown price is not a price of zero: keep what runs, grow nothing."""
    if facts.is_price_known:
        return decision
    kept = decision.moved_to(decision.observed_replicas, Reason.PRICE_UNKNOWN)
    return kept._replace(held=Reason.PRICE_UNKNOWN)


def grow_nothing_before_it_is_measured(decision: Decision, facts: Facts) -> Decision:
    """What a replica processes shows only while it works: keep what runs until it has shown."""
    # A price that somebody has to give is the reason beside one that comes by itself.
    if facts.is_measured or not facts.is_price_known:
        return decision
    kept = decision.moved_to(decision.observed_replicas, Reason.MEASURING_TOKENS)
    return kept._replace(held=Reason.MEASURING_TOKENS)


def cap_at_the_ceiling(decision: Decision, facts: Facts) -> Decision:
    """No more than the workload's part of what the limits allow."""
    if facts.ceiling is None or decision.desired_replicas <= facts.ceiling:
        return decision
    return decision.moved_to(facts.ceiling, _why_no_more(facts))


def only_lower_what_others_scale(decision: Decision, facts: Facts) -> Decision:
    """An autoscaler raises by itself, unless it sleeps at zero or what it writes is refused."""
    if facts.workload.autoscaler is None or _has_to_be_raised(decision, facts):
        return decision
    observed, recommended = decision.observed_replicas, facts.recommendation.replicas
    if observed == 0 and recommended > 0:
        woken = min(decision.desired_replicas, recommended)
        return decision.moved_to(woken, Reason.AUTOSCALER_WOKEN)
    lowest = min(decision.desired_replicas, observed)
    if facts.ceiling is None or facts.ceiling >= observed:
        lowest = observed
    return decision.moved_to(lowest, Reason.LEFT_TO_AUTOSCALER)


RULES: tuple[Rule, ...] = (
    follow_the_recommendation,
    cap_at_the_class_maximum,
    squeeze_before_clipping,
    keep_requests_in_time,
    never_delete_volumes,
    keep_the_funded_floor,
    grow_nothing_without_a_price,
    grow_nothing_before_it_is_measured,
    cap_at_the_ceiling,
    only_lower_what_others_scale,
)


def decide_one(decision: Decision, facts: Facts) -> Decision:
    """Apply every rule, in order."""
    for rule in RULES:
        decision = rule(decision, facts)
    return decision


def _has_to_be_raised(decision: Decision, facts: Facts) -> bool:
    # Where nothing clamps, an autoscaler that asks for too much gets nothing at all.
    autoscaler = facts.workload.autoscaler
    is_refused = not facts.is_clamped and autoscaler is not None and autoscaler.is_refused
    rises = decision.desired_replicas > decision.observed_replicas
    return is_refused and rises and facts.recommendation.gap is None


def _why_no_more(facts: Facts) -> Reason:
    ceiling = facts.ceiling or 0
    if facts.obstacle is not None and facts.obstacle.reason is Reason.BUDGET_EXHAUSTED:
        return Reason.BUDGET_EXHAUSTED
    if facts.funded_floor < facts.promised_floor and ceiling < facts.promised_floor:
        return Reason.FLOOR_UNFUNDED
    return facts.obstacle.reason if facts.obstacle is not None else _why_not_yet(facts)


def _why_not_yet(facts: Facts) -> Reason:
    """Return what keeps a ceiling down that no limit keeps down."""
    if not facts.is_price_known:
        return Reason.PRICE_UNKNOWN
    if not facts.is_measured:
        return Reason.MEASURING_TOKENS
    if facts.recommendation.gap is not None:
        return Reason.DEMAND_UNKNOWN
    return Reason.HELD_IN_DOUBT if facts.is_in_doubt else Reason.RAISED_IN_STEPS
