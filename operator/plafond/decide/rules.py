"""
The rules that refine one workload's count, in the order in which they are applied.

`fund`, `pace`, `share` and `release` have looked at all workloads together before; a rule sees one
workload and what they came to. Order is policy: later rules outrank earlier ones.
"""

from collections.abc import Callable
from dataclasses import dataclass

from plafond.decide.decision import Decision
from plafond.decide.limits import Limit
from plafond.decide.reason import Reason
from plafond.decide.recommend import Recommendation
from plafond.model.workload import Workload


@dataclass(frozen=True, slots=True)
class Facts:
    """
    Everything that a rule may look at.

    Attributes:
        class_maximum: the most that its class allows.
        promised_floor: what its class promises; *funded_floor*: as much of it as money carries.
        squeezed: replicas when they run fuller; None without pressure.
        ceiling: the most that it may have; None when nothing limits it.
        obstacle: the limit that kept it from more.
        is_price_known: every limit can be reckoned for it.

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


Rule = Callable[[Decision, Facts], Decision]


def follow_the_recommendation(decision: Decision, facts: Facts) -> Decision:
    """Go where demand, or whoever else decides the count, asks us to go."""
    for step in facts.recommendation.steps:
        decision = decision.moved_to(step.replicas, step.reason)
    return decision


def cap_at_the_class_maximum(decision: Decision, facts: Facts) -> Decision:
    """A class may bound each of its workloads."""
    if facts.class_maximum is None:
        return decision
    most = min(decision.desired_replicas, facts.class_maximum)
    return decision.moved_to(most, Reason.CLASS_MAXIMUM)


def squeeze_before_clipping(decision: Decision, facts: Facts) -> Decision:
    """Idle headroom is the first waste: run fuller before refusing work."""
    if facts.squeezed is None:
        return decision
    fuller = min(decision.desired_replicas, facts.squeezed)
    return decision.moved_to(fuller, Reason.SQUEEZED)


def keep_the_funded_floor(decision: Decision, facts: Facts) -> Decision:
    """A floor that the budget carries is kept."""
    lifted = max(decision.desired_replicas, facts.funded_floor)
    return decision.moved_to(lifted, Reason.FLOOR_FUNDED)


def grow_nothing_without_a_price(decision: Decision, facts: Facts) -> Decision:
    """An unknown price is not a price of zero: keep what runs, grow nothing."""
    if facts.is_price_known:
        return decision
    return decision.moved_to(decision.observed_replicas, Reason.PRICE_UNKNOWN)


def cap_at_the_ceiling(decision: Decision, facts: Facts) -> Decision:
    """No more than the workload's part of what the limits allow."""
    if facts.ceiling is None:
        return decision
    most = min(decision.desired_replicas, facts.ceiling)
    return decision.moved_to(most, _why_no_more(facts))


def only_lower_what_others_scale(decision: Decision, facts: Facts) -> Decision:
    """An autoscaler raises by itself; only a lowering needs a write of ours."""
    if facts.workload.autoscaler is None:
        return decision
    lowest = min(decision.desired_replicas, decision.observed_replicas)
    if facts.ceiling is None or facts.ceiling >= decision.observed_replicas:
        lowest = decision.observed_replicas
    return decision.moved_to(lowest, Reason.AUTOSCALER_WISH)


RULES: tuple[Rule, ...] = (
    follow_the_recommendation,
    cap_at_the_class_maximum,
    squeeze_before_clipping,
    keep_the_funded_floor,
    grow_nothing_without_a_price,
    cap_at_the_ceiling,
    only_lower_what_others_scale,
)


def decide_one(decision: Decision, facts: Facts) -> Decision:
    """Apply every rule, in order."""
    for rule in RULES:
        decision = rule(decision, facts)
    return decision


def _why_no_more(facts: Facts) -> Reason:
    ceiling = facts.ceiling or 0
    if facts.obstacle is not None and facts.obstacle.reason is Reason.BUDGET_EXHAUSTED:
        return Reason.BUDGET_EXHAUSTED
    if facts.funded_floor < facts.promised_floor and ceiling < facts.promised_floor:
        return Reason.FLOOR_UNFUNDED
    return facts.obstacle.reason if facts.obstacle is not None else Reason.RAISED_IN_STEPS
