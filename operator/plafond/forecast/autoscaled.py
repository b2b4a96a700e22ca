"""
What an autoscaler would ask for if nothing cut it: recomputed from what it measured.

Its status cannot be believed under a ceiling: there it shows at most twice what runs. The formulas
are those of the HPA controller (Kubernetes 1.36, `replica_calculator.go`), without its scale-up
policy and its memory.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from plafond.forecast.demand import DEFAULT_TARGET_PERCENT, DemandSample
from plafond.model.autoscaler import Autoscaler, Basis, MetricReading
from plafond.model.workload import Pod, Workload

# Averages in the status are rounded up to a thousandth.
ROUNDED_BY = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an autoscaler asks for; *sample* is the demand behind it if every metric was read."""

    replicas: int
    sample: DemandSample | None


@dataclass(frozen=True, slots=True)
class _Count:
    """How many replicas an autoscaler saw: *all* of them, and those that were *ready*."""

    autoscaler: Autoscaler
    all: int
    ready: int


@dataclass(frozen=True, slots=True)
class _Proposal:
    """What one metric asks for; *need* is the same in fractions of a replica."""

    replicas: int
    need: Fraction
    target_percent: int
    # An average of a total is taken outside of the pods, so it also shows what they do not serve.
    is_offered: bool = False


def asked(workload: Workload, pods: Iterable[Pod]) -> Asked | None:
    """
    Return what the autoscaler of *workload* asks for, None when that cannot be known.

    *pods* are those of the workload that cost. What is not read never lowers a count.
    """
    autoscaler = workload.autoscaler
    if autoscaler is None or autoscaler.seen == 0:
        return None
    count = _seen(autoscaler, workload, tuple(pods))
    proposals = [_proposal(reading, count) for reading in autoscaler.readings]
    known = [each for each in proposals if each is not None]
    if not known:
        return _out_of_bounds(autoscaler)
    best = max(known, key=lambda each: (each.replicas, each.need))
    is_partial = len(known) < len(proposals)
    if is_partial and best.replicas < count.all:
        return None
    replicas = _bounded(autoscaler, best.replicas)
    return Asked(replicas, None if is_partial else _sample(autoscaler, best))


def _out_of_bounds(autoscaler: Autoscaler) -> Asked | None:
    # Outside its own bounds it does not look at its metrics: first it goes back to the nearest.
    within = _bounded(autoscaler, autoscaler.seen)
    return None if within == autoscaler.seen else Asked(within, None)


def _seen(autoscaler: Autoscaler, workload: Workload, pods: tuple[Pod, ...]) -> _Count:
    ready = sum(pod.is_ready for pod in pods)
    if autoscaler.seen != workload.replicas:
        return _Count(autoscaler, autoscaler.seen, ready)
    # The HPA divides by the pods that exist: during a rollout these are more than are asked for.
    active = sum(pod.ended_at is None and not pod.is_terminating for pod in pods)
    return _Count(autoscaler, max(autoscaler.seen, active), ready)


def _proposal(reading: MetricReading, count: _Count) -> _Proposal | None:
    if reading.current is None or reading.target <= 0:
        return None
    current, target = Fraction(reading.current), Fraction(reading.target)
    if reading.basis is Basis.REPLICA:
        return _by_total(current, target, count)
    if count.ready == 0:
        return None
    need = current / target * count.ready
    percent = int(reading.target) if reading.is_percent else DEFAULT_TARGET_PERCENT
    if _is_within_tolerance(current / target, count.autoscaler):
        return _Proposal(count.all, need, percent)
    # A pod of which nothing is known may carry as much as its target.
    is_blind = reading.basis is Basis.READY_POD and current < target
    blind = max(0, count.all - count.ready) if is_blind else 0
    return _Proposal(math.ceil(need) + blind, need + blind, percent)


def _by_total(average: Fraction, target: Fraction, count: _Count) -> _Proposal:
    # The least total that gives this average, so that rounding never asks for a replica.
    total = max(Fraction(0), average * count.all - (count.all - 1) * ROUNDED_BY)
    need = total / target
    if _is_within_tolerance(need / count.all, count.autoscaler):
        return _Proposal(count.all, need, DEFAULT_TARGET_PERCENT, is_offered=True)
    return _Proposal(math.ceil(need), need, DEFAULT_TARGET_PERCENT, is_offered=True)


def _is_within_tolerance(ratio: Fraction, autoscaler: Autoscaler) -> bool:
    lowest = 1 - Fraction(autoscaler.fall_tolerance)
    return lowest <= ratio <= 1 + Fraction(autoscaler.rise_tolerance)


def _bounded(autoscaler: Autoscaler, replicas: int) -> int:
    most = replicas if autoscaler.most is None else min(replicas, autoscaler.most)
    return max(most, autoscaler.least)


def _sample(autoscaler: Autoscaler, best: _Proposal) -> DemandSample:
    need = best.need if autoscaler.most is None else min(best.need, Fraction(autoscaler.most))
    return DemandSample(
        float(need), best.target_percent, autoscaler.kind, is_offered=best.is_offered
    )
