"""
What demand asks for, before money: the semantics of the HorizontalPodAutoscaler.

Tolerance of 10 %, the highest signal wins, what is not seen never scales down, and a scale-down
waits until the stabilization window has passed without a higher recommendation. Source of the
semantics: the Kubernetes documentation, "Horizontal Pod Autoscaling", algorithm details.
"""

import math
from dataclasses import replace
from datetime import datetime

from plafond.account.account import WorkloadAccount
from plafond.decide.autoscaled import recommend_autoscaled
from plafond.decide.probing import Probing
from plafond.decide.reason import Reason
from plafond.decide.recommendation import Recommendation, Step
from plafond.forecast.demand import DemandSample, replicas_for
from plafond.model.changed import changed
from plafond.model.gap import Gap
from plafond.model.memory import Recommended, WorkloadMemory
from plafond.model.meters import LATENCIES
from plafond.model.policy import Scaling

TOLERANCE = 0.1


def recommend(
    target: WorkloadAccount,
    demand: DemandSample | Gap | None,
    now: datetime,
    probing: Probing,
) -> Recommendation:
    """Recommend a count for *target*; *demand* is None when it does not follow any."""
    memory = changed(target.memory, wanted_replicas=target.wanted_replicas)
    target = target if memory is target.memory else replace(target, memory=memory)
    if target.workload.autoscaler is not None:
        return recommend_autoscaled(target, target.workload.autoscaler, now)
    scaling = target.targeted.scaling
    if demand is None or scaling is None:
        return Recommendation((_chosen_by_others(target),), None, None, memory)
    if target.workload.replicas == 0:
        return _at_zero(target)
    if not target.ready_pods:
        return _kept(target, Gap("no ready pod reports yet"), now)
    if isinstance(demand, Gap):
        return _kept(target, demand, now)
    return _following(target, demand, scaling, (now, probing))


def _chosen_by_others(target: WorkloadAccount) -> Step:
    wanted = target.memory.wanted_replicas
    return Step(target.workload.replicas if wanted is None else wanted, Reason.WANTED_COUNT)


def _at_zero(target: WorkloadAccount) -> Recommendation:
    # Nothing serves, so nothing can be measured. A count of zero that others chose stays; one that
    # money brought about starts again with one replica.
    wanted = target.memory.wanted_replicas
    starts_again = wanted is not None and wanted > 0
    step = Step(1, Reason.FOLLOWS_DEMAND) if starts_again else Step(0, Reason.DEMAND_UNKNOWN)
    return Recommendation((step,), None, None, target.memory)


def _kept(target: WorkloadAccount, gap: Gap, now: datetime) -> Recommendation:
    """Keep what runs while demand is unknown."""
    memory, observed = target.memory, target.workload.replicas
    if not memory.recommendations:
        memory = replace(memory, recommendations=(Recommended(now, observed),))
    kept = observed
    if target.workload.is_count_ours and observed == memory.ceiling:
        # What we have cut ourselves says nothing of demand: else it would be cut again and again.
        kept = max(observed, memory.recommendations[-1].replicas)
    return Recommendation((Step(kept, Reason.DEMAND_UNKNOWN),), None, gap, memory)


def _following(
    target: WorkloadAccount,
    demand: DemandSample,
    scaling: Scaling,
    when: tuple[datetime, Probing],
) -> Recommendation:
    now, probing = when
    reason = Reason.FOLLOWS_LATENCY if demand.source in LATENCIES else Reason.FOLLOWS_DEMAND
    raw = Step(_within_tolerance(target, demand), reason)
    if demand.is_partial and raw.replicas < target.workload.replicas:
        # What cannot be read may be the reason for what runs.
        raw = Step(target.workload.replicas, Reason.DEMAND_UNKNOWN)
    memory = changed(target.memory, was_waiting=demand.is_waiting)
    steps = [raw]
    window = now - scaling.scale_down_stabilization
    if not memory.recommendations:
        # Whoever comes new knows nothing of the window before, and what runs was chosen in it.
        seen = Recommended(now, target.workload.replicas)
        memory = replace(memory, recommendations=(seen,))
    held = max((r.replicas for r in memory.recommendations if r.at > window), default=0)
    # Stabilization only delays a fall: it never asks for more than what runs.
    held = min(held, target.workload.replicas)
    if held > raw.replicas:
        steps.append(Step(held, Reason.STABILIZED))
    memory = replace(memory, recommendations=_history(memory, raw.replicas, now, window))
    # Whoever looks for more goes on until it is seen, also where its ceiling was raised meanwhile.
    if demand.is_censored and (_binds(target) or memory.probe is not None):
        memory = _probed(memory, target, now, probing)
        if memory.probe is not None and memory.probe > steps[-1].replicas:
            steps.append(Step(memory.probe, Reason.DEMAND_CENSORED))
    else:
        memory = changed(memory, probe=None, probed_at=None, probes=0)
    return Recommendation(tuple(steps), demand, None, memory)


def _within_tolerance(target: WorkloadAccount, demand: DemandSample) -> int:
    observed, ready = target.workload.replicas, len(target.ready_pods)
    # A ready pod that is not seen may be as busy as its target: never scale down for lack of data.
    need = demand.need + demand.blind_pods
    starting = max(0, observed - ready)
    asked = max(1, replicas_for(need * demand.target_percent, demand.target_percent))
    if abs(need / ready - 1.0) <= TOLERANCE and starting == 0 and ready == observed:
        return observed
    if asked < observed and starting:
        return min(observed, asked + starting)
    return asked


def _history(
    memory: WorkloadMemory, replicas: int, now: datetime, window: datetime
) -> tuple[Recommended, ...]:
    # Only what is higher than everything after it can ever be the maximum of the window.
    kept = [r for r in memory.recommendations if r.at > window and r.replicas > replicas]
    return (*kept, Recommended(now, replicas))


def _binds(target: WorkloadAccount) -> bool:
    ceiling = target.memory.ceiling
    return ceiling is not None and target.workload.replicas >= ceiling


def _probed(
    memory: WorkloadMemory, target: WorkloadAccount, now: datetime, probing: Probing
) -> WorkloadMemory:
    began = probing.began(memory.probed_at, memory.raised_at)
    if began is not None and now < began + probing.wait(memory.probes):
        return memory
    ready = len(target.ready_pods)
    probe = max(ready + 1, math.ceil(ready * probing.factor(memory.probes)))
    return replace(memory, probed_at=now, probe=probe, probes=memory.probes + 1)
