"""
What demand asks for, before money: the semantics of the HorizontalPodAutoscaler.

Tolerance of 10 %, the highest signal wins, what is not seen never scales down, and a scale-down
waits until the stabilization window has passed without a higher recommendation. Source of the
semantics: the Kubernetes documentation, "Horizontal Pod Autoscaling", algorithm details.
"""

import math
from collections.abc import Callable
from datetime import datetime

from plafond.account.account import WorkloadAccount
from plafond.decide.autoscaled import recommend_autoscaled
from plafond.decide.probing import Probing
from plafond.decide.reason import Reason
from plafond.decide.recommendation import DemandMemory, Recommendation, Step
from plafond.forecast.demand import DemandSample, replicas_for
from plafond.model.gap import Gap
from plafond.model.memory import Recommended
from plafond.model.meters import LATENCIES
from plafond.model.policy import Scaling

TOLERANCE = 0.1


def recommend(
    target: WorkloadAccount,
    demand: DemandSample | Gap | None,
    now: datetime,
    probing: Callable[[WorkloadAccount], Probing],
) -> Recommendation:
    """
    Recommend a count for *target*; *demand* is None when it does not follow any.

    *probing* says how more of it is looked for, where it cannot be seen.
    """
    if target.workload.autoscaler is not None:
        return recommend_autoscaled(target, target.workload.autoscaler, now)
    scaling = target.targeted.scaling
    if demand is None or scaling is None:
        return _unseen(target, _chosen_by_others(target))
    if target.workload.replicas == 0:
        return _at_zero(target)
    if not target.ready_pods:
        return _kept(target, Gap("no ready pod reports yet"), now)
    if isinstance(demand, Gap):
        return _kept(target, demand, now)
    return _following(target, demand, scaling, (now, probing))


def _unseen(target: WorkloadAccount, step: Step) -> Recommendation:
    memory = target.memory
    return Recommendation((step,), None, None, DemandMemory.of(memory, memory.recommendations))


def _chosen_by_others(target: WorkloadAccount) -> Step:
    wanted = target.wanted_replicas
    return Step(target.workload.replicas if wanted is None else wanted, Reason.WANTED_COUNT)


def _at_zero(target: WorkloadAccount) -> Recommendation:
    # Nothing serves, so nothing can be measured. A count of zero that others chose stays; one that
    # money brought about starts again with one replica.
    wanted = target.wanted_replicas
    starts_again = wanted is not None and wanted > 0
    step = Step(1, Reason.FOLLOWS_DEMAND) if starts_again else Step(0, Reason.DEMAND_UNKNOWN)
    return _unseen(target, step)


def _kept(target: WorkloadAccount, gap: Gap, now: datetime) -> Recommendation:
    """Keep what runs while demand is unknown."""
    memory, observed = target.memory, target.workload.replicas
    before = memory.recommendations or (Recommended(now, observed),)
    kept = observed
    if target.workload.is_count_ours and observed == memory.ceiling:
        # What we have cut ourselves says nothing of demand: else it would be cut again and again.
        kept = max(observed, before[-1].replicas)
    step = Step(kept, Reason.DEMAND_UNKNOWN)
    return Recommendation((step,), None, gap, DemandMemory.of(memory, before))


def _following(
    target: WorkloadAccount,
    demand: DemandSample,
    scaling: Scaling,
    when: tuple[datetime, Callable[[WorkloadAccount], Probing]],
) -> Recommendation:
    (now, probing), memory, observed = when, target.memory, target.workload.replicas
    asked = _within_tolerance(target, demand)
    reason = Reason.FOLLOWS_LATENCY if demand.source in LATENCIES else Reason.FOLLOWS_DEMAND
    if demand.is_partial and asked < observed:
        # What cannot be read may be the reason for what runs.
        asked, reason = observed, Reason.DEMAND_UNKNOWN
    steps = [Step(asked, reason)]
    window = now - scaling.scale_down_stabilization
    # Whoever comes new knows nothing of the window before, and what runs was chosen in it.
    before = memory.recommendations or (Recommended(now, observed),)
    # Only what is higher than everything after it can ever be the maximum of the window.
    higher = [each for each in before if each.replicas > asked and each.at > window]
    if higher and observed > asked:
        # Stabilization only delays a fall: it never asks for more than what runs.
        highest = max([each.replicas for each in higher])
        steps.append(Step(min(highest, observed), Reason.STABILIZED))
    found = DemandMemory((*higher, Recommended(now, asked)), demand.is_waiting)
    # Whoever looks for more goes on until it is seen, also where its ceiling was raised meanwhile.
    if demand.is_censored and (_binds(target) or memory.probe is not None):
        found = _probed(found, target, now, probing(target))
        if found.probe is not None and found.probe > steps[-1].replicas:
            steps.append(Step(found.probe, Reason.DEMAND_CENSORED))
    return Recommendation(tuple(steps), demand, None, found)


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


def _binds(target: WorkloadAccount) -> bool:
    ceiling = target.memory.ceiling
    return ceiling is not None and target.workload.replicas >= ceiling


def _probed(
    found: DemandMemory, target: WorkloadAccount, now: datetime, probing: Probing
) -> DemandMemory:
    memory, ready = target.memory, len(target.ready_pods)
    began = probing.began(memory.probed_at, memory.raised_at)
    if began is not None and now < began + probing.wait(memory.probes):
        return found._replace(probed_at=memory.probed_at, probe=memory.probe, probes=memory.probes)
    probe = max(ready + 1, math.ceil(ready * probing.factor(memory.probes)))
    return found._replace(probed_at=now, probe=probe, probes=memory.probes + 1)
