"""
What an autoscaler asks for, before money.

It decides the count, and we only what it may have. So its wish is recomputed from what it measured,
and what it merely remembers delays a fall but is no reason to rise.
"""

from datetime import datetime

from plafond.account.account import WorkloadAccount
from plafond.decide.reason import Reason
from plafond.decide.recommendation import DemandMemory, Recommendation, Step
from plafond.forecast.autoscaled import asked
from plafond.model.autoscaler import Autoscaler
from plafond.model.gap import Gap
from plafond.model.memory import Recommended, WorkloadMemory


def recommend_autoscaled(
    target: WorkloadAccount, autoscaler: Autoscaler, now: datetime
) -> Recommendation:
    """Recommend what *autoscaler* asks for; unknown is neither more nor less than what runs."""
    observed = target.workload.replicas
    if observed == 0:
        return _at_zero(target, now)
    wished = asked(target.workload, target.pods)
    stated = autoscaler.stated_wish
    if wished is None and stated is None:
        return _kept(target, autoscaler)
    wish = wished.replicas if wished is not None else stated or 0
    steps = [Step(wish, Reason.AUTOSCALER_WISH)]
    held = min(autoscaler.desired or 0, observed)
    if held > wish:
        steps.append(Step(held, Reason.STABILIZED))
    memory = _noted(target.memory, wish, now)
    sample = wished.sample if wished is not None else None
    return Recommendation(tuple(steps), sample, None, memory, max(1, autoscaler.least))


def _at_zero(target: WorkloadAccount, now: datetime) -> Recommendation:
    # An autoscaler sleeps at zero, whoever brought it there: only what money took is given back.
    memory = target.memory
    if _was_taken(target):
        known = DemandMemory.of(memory, memory.recommendations)
        return Recommendation((Step(1, Reason.AUTOSCALER_WOKEN),), None, None, known)
    return Recommendation((Step(0, Reason.AUTOSCALER_WISH),), None, None, _noted(memory, 0, now))


def _was_taken(target: WorkloadAccount) -> bool:
    if target.wanted_replicas is not None:
        return target.wanted_replicas > 0
    # Its own write may have been cut to zero before ours came: then nobody knows a wanted count.
    return target.memory.ceiling == 0 and _last_wish(target.memory) > 0


def _kept(target: WorkloadAccount, autoscaler: Autoscaler) -> Recommendation:
    workload, memory = target.workload, target.memory
    kept = workload.replicas
    if workload.is_count_ours or workload.replicas == memory.ceiling:
        # What we have cut says nothing of demand: it asked for at least as much as before.
        kept = max(kept, target.wanted_replicas or 0, _last_wish(memory))
    gap = Gap(f"what {autoscaler.kind} {autoscaler.name} asks for cannot be known")
    known = DemandMemory.of(memory, memory.recommendations)
    return Recommendation((Step(kept, Reason.DEMAND_UNKNOWN),), None, gap, known)


def _last_wish(memory: WorkloadMemory) -> int:
    return memory.recommendations[-1].replicas if memory.recommendations else 0


def _noted(memory: WorkloadMemory, wish: int, now: datetime) -> DemandMemory:
    if memory.recommendations and _last_wish(memory) == wish:
        return DemandMemory.of(memory, memory.recommendations)
    return DemandMemory.of(memory, (Recommended(now, wish),))
