"""
What a decision needs from the past and cannot see in the world.

It is kept in the ledger's object, is read into the snapshot and written back, so a restart changes
nothing. Everything here could be lost without harm to a ceiling; wanted counts are the exception,
which is why a first one is written down before the first write that depends on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Final, NamedTuple

from plafond.model.ledger import OTHERS, Fact, Ledger, SeriesKey
from plafond.model.money import ZERO, ByUnit
from plafond.model.policy import CostPolicy
from plafond.model.settings import Timing
from plafond.model.workload import WorkloadClass, WorkloadId

NOTHING: Final[ByUnit] = MappingProxyType({})


class Recommended(NamedTuple):
    """A recommendation of the past, for scale-down stabilization."""

    at: datetime
    replicas: int


class Rationale(NamedTuple):
    """
    Why a workload was given what it was given, for whoever asks when the operator cannot answer.

    Attributes:
        recommended: what demand asked for, before money.
        desired: what it was to have.
        floor: what its class promises.
        most: the most that its class allows.
        limit: the limit that kept it from more, as `policy/budget`.
        gap: what could not be read of its demand.
        price_gap: why a price of it is unknown, or is the last one known.

    """

    workload_class: WorkloadClass
    recommended: int
    desired: int
    floor: int = 0
    most: int | None = None
    limit: str | None = None
    gap: str | None = None
    price_gap: str | None = None


class WorkloadMemory(NamedTuple):
    """
    What is remembered of one workload in one policy set.

    Attributes:
        wanted_replicas: the count before our first write, or a later one that others chose.
        ceiling: the ceiling decided last.
        recommendations: the ones that may still hold a scale-down back, oldest first.
        price: the last plausible price of a replica per hour, by unit.
        priced_requests: the resource requests that this was the price of.
        was_waiting: requests waited in the sample before.
        probed_at: when demand beyond what can be seen was last probed for.
        probe: what that probe recommended.
        probes: how many were made in a row, each because the one before did not show the end.
        bound_at: when the ceiling last was below the recommendation.
        raised_at: when the ceiling was last raised after it had bound.
        funded_floor: replicas of the floor that the budget carried.
        floor_dropped_at: when it last carried fewer than before.
        floor_until: up to then that is promised; None where no window of a budget ends.
        explanation: the last decision's moves, as `Reason:before:after`.
        rationale: what that decision rested on.

    """

    wanted_replicas: int | None = None
    ceiling: int | None = None
    recommendations: tuple[Recommended, ...] = ()
    price: ByUnit = NOTHING
    priced_requests: Mapping[str, Decimal] = NOTHING
    was_waiting: bool = False
    probed_at: datetime | None = None
    probe: int | None = None
    probes: int = 0
    bound_at: datetime | None = None
    raised_at: datetime | None = None
    funded_floor: int | None = None
    floor_dropped_at: datetime | None = None
    floor_until: datetime | None = None
    explanation: tuple[str, ...] = ()
    rationale: Rationale | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """
    What a limit was found to mean, without what changes with time alone.

    Attributes:
        needed: what the recommendations, and what cannot be scaled, take up of its unit; None
            where the price of some of that is unknown.
        rate: so much it allows; None of a budget, whose rate follows from what remains of it.
        promised: of a budget, funded floors and what pods cost that cannot be scaled.
        utilization_percent: how full it has replicas run; None without pressure.
        is_clipped: running fuller is not enough.
        ahead: how far its guard looks.
        level: the rate that lasts to its window's end; None where nothing has to be refused, and
            where it is simply what remains over the time left.
        replica: of a budget whose window rolls on, what the dearest replica costs.

    """

    unit: str
    needed: Decimal | None = None
    rate: Decimal | None = None
    promised: Decimal = ZERO
    utilization_percent: int | None = None
    is_clipped: bool = False
    ahead: timedelta = timedelta(0)
    level: Decimal | None = None
    replica: Decimal = ZERO

    @property
    def refuses(self) -> bool:
        """Say whether something is refused for its sake now, and not only later in its window."""
        if self.level is None or self.needed is None:
            return self.is_clipped
        return self.is_clipped and self.needed > self.level


@dataclass(frozen=True, slots=True)
class PacePlan:
    """
    How one budget's money is to last to its window's end, as it was planned at an instant.

    Attributes:
        until: the end of the window that it was made for; *limit*: the budget's limit then.
        level: L, the hourly rate that lasts if more is refused; None where nothing has to be.
        utilization_percent: u, how full replicas run; None where their own targets will do.
        forecast: what all demand until the end would cost, with what is reserved.
        error: the standard error of that's logarithm: about the part that it is off by.
        expected: what will be spent until the end under this plan.
        gone_at: when the limit would be reached if all demand were served; None where it never is.
        overhead: what is paid for each hour that serves, as it was learned so far.

    """

    at: datetime
    until: datetime
    limit: Decimal
    level: Decimal | None
    utilization_percent: int | None
    forecast: Decimal
    error: Decimal
    expected: Decimal | None = None
    gone_at: datetime | None = None
    overhead: Decimal = Decimal(1)


@dataclass(frozen=True)
class OpenPod:
    """
    A pod whose cost has been counted up to the ledger's `as_of`, at these hourly rates.

    Attributes:
        workload: whose series of the ledger its cost belongs to.
        lacks: the units in which it has never had a price.
        ended_at: when it ended; it stays open while a price that it lacks may become known.

    """

    rates: ByUnit
    is_managed: bool
    workload: str = OTHERS
    lacks: frozenset[str] = frozenset()
    ended_at: datetime | None = None

    @cached_property
    def series(self) -> tuple[tuple[SeriesKey, Decimal], ...]:
        """Every series of the ledger that it is charged in, with its hourly rate there."""
        found: list[tuple[SeriesKey, Decimal]] = []
        for unit, rate in self.rates.items():
            if rate:
                found.append((SeriesKey(Fact.SPEND, unit), rate))
                found.append((SeriesKey(Fact.SPEND, unit, self.workload), rate))
                found += [] if self.is_managed else [(SeriesKey(Fact.UNMANAGED, unit), rate)]
        return tuple(found)


@dataclass(frozen=True, slots=True)
class TokenRate:
    """
    How many tokens a ready replica of a workload processes per hour, stretch by stretch.

    Attributes:
        samples: of stretches in which any were processed, oldest first.
        latest: of the last stretch, whatever was processed in it.
        since: when the stretch began that is not over yet.
        tokens: what ready replicas have processed in it.
        served_for: for how long they were ready in it, all together.

    """

    samples: tuple[Decimal, ...] = ()
    latest: Decimal | None = None
    since: datetime | None = None
    tokens: Decimal = ZERO
    served_for: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Terms:
    """
    What the ceilings in force rest on, as far as it is accepted.

    Attributes:
        policies: the enforced policies, as they were when they were accepted.
        editions: which price sheet applied, by currency.

    """

    policies: tuple[CostPolicy, ...] = ()
    editions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Brake:
    """
    How things stood when a change of terms was first seen.

    Attributes:
        since: when that was.
        target: the terms that it is a change to; others are another change.
        is_holding: it held something back when it was last applied.
        is_renewed: it follows one that was holding, so its first interval allows nothing.
        ceilings: those in force; of a workload without one, the count that ran.
        counts: the replicas that ran.
        prices: of a replica per hour, by unit, before the change.
        unmanaged: what pods cost that are not scaled, before the change.

    """

    since: datetime
    target: Terms = field(default_factory=Terms)
    ceilings: Mapping[WorkloadId, int] = field(default_factory=dict)
    counts: Mapping[WorkloadId, int] = field(default_factory=dict)
    prices: Mapping[WorkloadId, ByUnit] = field(default_factory=dict)
    unmanaged: ByUnit = field(default_factory=dict)
    is_holding: bool = False
    is_renewed: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """
    What is remembered of one namespace.

    Attributes:
        sets: per policy set (its key) and workload.
        open_pods: by pod uid.
        start_delays: from scheduled to ready, of the latest pods, oldest first.
        counters: what the counters of tokens said when they were last seen, by pod uid.
        unseen_since: when that was, of those that were not seen at the ledger's `as_of`.
        token_rates: what replicas process, by workload as the ledger names it.
        enforced: the policies that were carried out last, as they said then.
        gone_since: when one of these was first found deleted, by name.
        terms: what the ceilings in force rest on; None where nothing was enforced.
        brake: what holds back a change of terms that nobody has confirmed.
        allowed: every limit, as it was last found to be, by `policy/budget`.
        plans: how each budget's money is to last, by `policy/budget`.
        timing: how fast whoever wrote this tightens and relaxes.
        counted_since: from when on this ledger was counted pass by pass.
        complete_from: from when on all spend is in it, counted or filled from history.
        searched_from: history was asked for what is before that, back to then.
        history_wanted_at: since when history that is needed cannot be read.

    """

    sets: Mapping[str, Mapping[WorkloadId, WorkloadMemory]] = field(default_factory=dict)
    open_pods: Mapping[str, OpenPod] = field(default_factory=dict)
    start_delays: tuple[timedelta, ...] = ()
    counters: Mapping[str, Decimal] = field(default_factory=dict)
    unseen_since: Mapping[str, datetime] = field(default_factory=dict)
    token_rates: Mapping[str, TokenRate] = field(default_factory=dict)
    enforced: tuple[CostPolicy, ...] = ()
    gone_since: Mapping[str, datetime] = field(default_factory=dict)
    terms: Terms | None = None
    brake: Brake | None = None
    allowed: Mapping[str, Allowed] = field(default_factory=dict)
    plans: Mapping[str, PacePlan] = field(default_factory=dict)
    timing: Timing = field(default_factory=Timing)
    counted_since: datetime | None = None
    complete_from: datetime | None = None
    searched_from: datetime | None = None
    history_wanted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NamespaceRecord:
    """One namespace's ledger and memory, as they are checkpointed together."""

    ledger: Ledger = field(default_factory=Ledger)
    memory: Memory = field(default_factory=Memory)
