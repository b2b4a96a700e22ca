"""
From pods to charges: who costs what since when.

A pod costs from the moment it was scheduled until it ended, at the price of its node when it was
counted: past spend is never priced again. Its own timestamps count, not ours: what ran while nobody
looked is charged as soon as somebody does.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from plafond.account.ledger import Charge
from plafond.model.ledger import SeriesKey
from plafond.model.memory import OpenPod
from plafond.model.money import ZERO, occurrences
from plafond.model.window import Span
from plafond.model.workload import Pod

# Of pods that have ended without a price, so many are remembered in a namespace.
MOST_OWING = 200


@dataclass(frozen=True, slots=True)
class Accrual:
    """What is charged for a stretch of time, and the pods that stay open at its end."""

    charges: tuple[Charge, ...]
    open_pods: Mapping[str, OpenPod]


@dataclass(frozen=True, slots=True)
class Stretch:
    """From the ledger's last entry (None: there is none) to now."""

    as_of: datetime | None
    now: datetime


def accrue(
    pods: Iterable[Pod],
    open_pods: Mapping[str, OpenPod],
    stretch: Stretch,
    price: Callable[[Pod, OpenPod | None], OpenPod],
) -> Accrual:
    """
    Charge every pod for the part of *stretch* in which it ran.

    A pod that was open and is neither listed nor known to have ended was lost while nobody looked:
    it is charged up to now, the moment its absence was found. One that ended without a price stays
    open as long as it is listed.
    """
    charges: list[Charge] = []
    still_open: dict[str, OpenPod] = {}
    # Nearly all of them ran for the whole stretch, at the rates of before.
    throughout: list[OpenPod] = []
    listed = tuple(pods)
    for pod in listed:
        before = open_pods.get(pod.uid)
        if before is None and not _is_news(pod, stretch.as_of):
            continue
        priced = price(pod, before)
        if priced is before and _ran_throughout(pod, stretch.as_of):
            throughout.append(before)
            still_open[pod.uid] = before
            continue
        priced = _priced(before, priced)
        charges += _of_pod(pod, priced, before, stretch)
        if _stays_open(pod, priced, stretch):
            still_open[pod.uid] = _ended_at(priced, pod.ended_at)
    seen = {pod.uid for pod in listed}
    # In their order: sums are rounded, so they depend on it.
    for uid, lost in open_pods.items():
        if uid not in seen:
            charges += charges_of(lost, _span(stretch.as_of, lost.ended_at, stretch))
    whole = _as_one(throughout, _span(stretch.as_of, None, stretch))
    together = _together((*whole, *charges)) if charges else whole
    return Accrual(tuple(together), _bounded(still_open))


def _as_one(pods: list[OpenPod], span: Span | None) -> list[Charge]:
    """Return what all of *pods* are charged for *span*."""
    if span is None:
        return []
    rates: dict[SeriesKey, Decimal] = {}
    # Pods of one workload share what is known of them, so that is counted and charged once.
    for pod, count in occurrences(pods):
        for key, rate in pod.series:
            rates[key] = rates.get(key, ZERO) + rate * count
    return [Charge(key, span, rate) for key, rate in rates.items()]


def _ran_throughout(pod: Pod, as_of: datetime | None) -> bool:
    if as_of is None or pod.ended_at is not None:
        return False
    return pod.scheduled_at is None or pod.scheduled_at <= as_of


def _ended_at(pod: OpenPod, ended_at: datetime | None) -> OpenPod:
    return pod if pod.ended_at == ended_at else replace(pod, ended_at=ended_at)


def _stays_open(pod: Pod, priced: OpenPod, stretch: Stretch) -> bool:
    # An end that lies ahead (clocks differ) is reached by a later pass. An ended pod without a
    # price is charged when there is one: as long as somebody can see when it ran.
    return bool(pod.ended_at is None or pod.ended_at > stretch.now or priced.lacks)


def _bounded(open_pods: dict[str, OpenPod]) -> dict[str, OpenPod]:
    # A namespace may keep thousands of Jobs that have ended; the latest are remembered.
    owing = [(pod.ended_at, uid) for uid, pod in open_pods.items() if pod.ended_at and pod.lacks]
    if len(owing) <= MOST_OWING:
        return open_pods
    dropped = {uid for _, uid in sorted(owing)[: len(owing) - MOST_OWING]}
    return {uid: pod for uid, pod in open_pods.items() if uid not in dropped}


def _together(charges: Iterable[Charge]) -> list[Charge]:
    # Hundreds of pods that ran for the same stretch are one rate: the ledger adds it up once.
    rates: dict[tuple[SeriesKey, Span], Decimal] = {}
    for charge in charges:
        which = charge.key, charge.span
        rates[which] = rates.get(which, ZERO) + charge.rate
    return [Charge(key, span, rate) for (key, span), rate in rates.items()]


def _is_news(pod: Pod, as_of: datetime | None) -> bool:
    # A pod that is not open was either charged in full, or never seen by the last entry.
    if pod.scheduled_at is None:
        return False
    return pod.ended_at is None or as_of is None or pod.ended_at > as_of


def _priced(before: OpenPod | None, now: OpenPod) -> OpenPod:
    # Where no price can be had now, the last known one holds.
    if before is None or before is now:
        return now
    rates = {**before.rates, **now.rates}
    return replace(now, rates=rates, lacks=frozenset(now.lacks - rates.keys()))


def _of_pod(pod: Pod, priced: OpenPod, before: OpenPod | None, stretch: Stretch) -> list[Charge]:
    counted = before.rates if before is not None else {}
    if counted.keys() >= priced.rates.keys():
        since = _later(stretch.as_of, pod.scheduled_at)
        return charges_of(priced, _span(since, pod.ended_at, stretch))
    # What had no price until now was never counted: it is charged from the pod's start, and where
    # the clock was ahead as far as all others were charged.
    reached = replace(stretch, now=max(stretch.now, stretch.as_of or stretch.now))
    fresh = replace(priced, rates={u: r for u, r in priced.rates.items() if u not in counted})
    known = replace(priced, rates={u: r for u, r in priced.rates.items() if u in counted})
    return [
        *charges_of(known, _span(_later(stretch.as_of, pod.scheduled_at), pod.ended_at, stretch)),
        *charges_of(fresh, _span(pod.scheduled_at, pod.ended_at, reached)),
    ]


def _later(as_of: datetime | None, scheduled_at: datetime | None) -> datetime | None:
    # A pod that was seen before it was scheduled (clocks differ) costs from then on.
    if as_of is None or scheduled_at is None:
        return as_of or scheduled_at
    return max(as_of, scheduled_at)


def _span(start: datetime | None, ended_at: datetime | None, stretch: Stretch) -> Span | None:
    begin = start or stretch.now
    end = min(ended_at or stretch.now, stretch.now)
    return Span(begin, end) if begin < end else None


def charges_of(pod: OpenPod, span: Span | None) -> list[Charge]:
    """Return what *pod* is charged for *span*, at its rates, in every series that it is in."""
    if span is None:
        return []
    return [Charge(key, span, rate) for key, rate in pod.series]
