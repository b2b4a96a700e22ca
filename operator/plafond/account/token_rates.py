"""
What a replica processes per hour: learned from its counters, because no price sheet says so.

It is a price like any other: so many tokens per replica and hour. What was not measured is a gap,
and the last that was measured holds while a workload stands at zero.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from plafond.model.gap import Gap
from plafond.model.ledger import OTHERS
from plafond.model.memory import TokenRate
from plafond.model.money import ZERO, hourly
from plafond.model.workload import Workload

# Five minutes at an evaluation period of 15 s; of some hours in which anything was processed.
SAMPLE_PASSES: Final = 20
SAMPLES_KEPT: Final = 20
FEWEST_SAMPLES: Final = 3
PERCENT: Final = 95
# A rate over less than this says nothing of an hour.
LEAST_SERVED: Final = timedelta(seconds=1)
# Memory is bounded, as the ledger's series of single workloads are.
MOST_WORKLOADS: Final = 300
# The least that a replica is taken to process: it fits wherever anything is left, and only there.
UNMEASURED: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Served:
    """What replicas processed while they were ready, and for how long they were, together."""

    tokens: Decimal = ZERO
    length: timedelta = timedelta(0)

    def __add__(self, other: "Served") -> "Served":
        return Served(self.tokens + other.tokens, self.length + other.length)


def learned(
    rates: Mapping[str, TokenRate],
    served: Mapping[str, Served],
    workloads: Collection[Workload],
    when: tuple[datetime, timedelta],
) -> dict[str, TokenRate]:
    """Return *rates* with what was *served* until now; *when* is now, and a pass's length."""
    known = {OTHERS, *(str(workload.id) for workload in workloads)}
    names = sorted(known & {*rates, *served})[:MOST_WORKLOADS]
    return {name: _learned(rates.get(name, TokenRate()), served.get(name), *when) for name in names}


def _learned(rate: TokenRate, served: Served | None, now: datetime, period: timedelta) -> TokenRate:
    if served is not None:
        rate = replace(
            rate,
            since=rate.since or now - period,
            tokens=rate.tokens + served.tokens,
            served_for=rate.served_for + served.length,
        )
    is_over = rate.since is not None and now - rate.since >= SAMPLE_PASSES * period
    if not is_over or rate.served_for < LEAST_SERVED:
        return rate
    latest = _whole(hourly(rate.tokens, rate.served_for))
    # Idle replicas say nothing of what a busy one processes.
    samples = (*rate.samples, latest)[-SAMPLES_KEPT:] if latest > 0 else rate.samples
    return TokenRate(samples, latest, since=now)


def last_known(rate: TokenRate | None) -> Decimal:
    """Return what a replica was last seen to process per hour; nothing of one never seen."""
    if rate is None:
        return ZERO
    if rate.latest is None and rate.served_for >= LEAST_SERVED:
        return _whole(hourly(rate.tokens, rate.served_for))
    return rate.latest or ZERO


def replica_tokens(rate: TokenRate | None) -> Decimal | Gap:
    """Return what a replica has to be expected to process per hour."""
    samples = () if rate is None else rate.samples
    if len(samples) < FEWEST_SAMPLES:
        return Gap(
            f"tokens: {len(samples)} of the {FEWEST_SAMPLES} stretches in which its replicas must "
            "have worked are measured"
        )
    # The least that so many percent of the samples do not pass.
    return sorted(samples)[-(-len(samples) * PERCENT // 100) - 1]


def _whole(value: Decimal) -> Decimal:
    return value.quantize(Decimal(1))
