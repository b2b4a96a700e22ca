"""
The law of hidden demand: what saturated replicas cannot show is found in a bounded time.

With censored demand a ceiling is below true demand for at most (ceil(log2(demand / ceiling)) + 2) *
max(60 s, start delay + observation lag), while the carried rate covers it.
"""

import math
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.builders import (
    DAY,
    EUR,
    HOUR,
    NOW,
    PASS,
    SETTINGS,
    TEAM,
    budget,
    class_rule,
    fixed,
    namespace,
    pod,
    policy,
    snapshot,
    utilization,
    workload,
)

from plafond.decide.evaluate import Evaluation, evaluate
from plafond.decide.recommend import TOLERANCE
from plafond.model.labels import LabelSelector
from plafond.model.ledger import Bucket, Fact, SeriesKey
from plafond.model.memory import NamespaceRecord
from plafond.model.meters import Meter, MeterReading, PodKey
from plafond.model.policy import CostPolicy
from plafond.model.workload import Pod

LAG = SETTINGS.timing.observation_lag


@dataclass
class Fleet:
    """
    One workload that has what is decided, pass by pass; its GPUs show what its replicas serve.

    Attributes:
        limits: the policy in force.
        target: the utilization that it asks for, in percent.
        start_delay: from scheduled to ready.
        demand: the replicas that all work needs at that utilization.

    """

    limits: CostPolicy
    target: int
    start_delay: timedelta
    demand: float
    replicas: int
    ceiling: int | None = None
    now: datetime = NOW
    record: NamespaceRecord = field(default_factory=NamespaceRecord)
    pods: tuple[Pod, ...] = ()
    started: int = 0

    def __post_init__(self):
        self._start(self.now - HOUR)

    def passes(self, count: int) -> Evaluation:
        """Look, decide and carry out so many times."""
        for _ in range(count):
            found = evaluate(self.look(), SETTINGS)
            (decision,) = found.judgements[0].decisions
            self.record = found.records[TEAM]
            self.ceiling = decision.ceiling
            self.replicas = decision.desired_replicas
            self._start(self.now)
            self.now += PASS
        return found

    def look(self):
        """What there is to see now."""
        ready = tuple(self._ready(each, self.now) for each in self.pods)
        ceilings = {} if self.ceiling is None else {"llm": self.ceiling}
        return snapshot(
            now=self.now,
            workloads=(workload("llm", self.replicas, is_count_ours=True),),
            pods=ready,
            policies=(self.limits,),
            namespaces={TEAM: namespace(**ceilings)},
            meters={Meter.GPU_UTILIZATION: MeterReading(self._busy())},
            records={TEAM: self.record},
        )

    def _busy(self):
        # What is said is late: of the pods that were ready then.
        seen = self.now - LAG - self.start_delay
        then = [each for each in self.pods if each.scheduled_at <= seen]
        percent = min(100.0, self.demand * self.target / max(1, len(then)))
        return {PodKey(TEAM, each.name): percent for each in then}

    def _ready(self, each: Pod, now) -> Pod:
        at = each.scheduled_at + self.start_delay
        return replace(each, ready_at=at if at <= now else None)

    def _start(self, at) -> None:
        missing = self.replicas - len(self.pods)
        names = [f"llm-{self.started + i}" for i in range(max(0, missing))]
        new = tuple(pod(name, scheduled_at=at, ready_at=None) for name in names)
        self.started += len(new)
        self.pods = (*self.pods[: self.replicas], *new)


def limits(total, target, window=None, fullest=95) -> CostPolicy:
    """So many EUR for *window*; a replica costs 4.00 an hour."""
    rule = class_rule(selector=LabelSelector(), utilization_limit_percent=fullest)
    money = budget(total, window=window or fixed(NOW - HOUR, 11 * HOUR))
    return policy(budgets=(money,), classes=(rule,), scaling=utilization(target))


def clipped(ceiling, times, target, start_delay, passes) -> Fleet:
    """A fleet at a ceiling that binds since its demand has risen, out of sight, so many times."""
    # Ten hours at the cost of the ceiling, and half a replica for what starting and ending costs.
    fleet = Fleet(limits(40 * ceiling + 20, target), target, start_delay, 0.99 * ceiling, ceiling)
    fleet.passes(8)
    fleet.demand = float(ceiling * times)
    fleet.passes(passes)
    return fleet


def allowed(fleet: Fleet) -> timedelta:
    """How long the law lets a ceiling be below true demand."""
    delay = max(SETTINGS.timing.probe_interval, fleet.start_delay + LAG)
    return (math.ceil(math.log2(max(1.0, fleet.demand / fleet.ceiling))) + 2) * delay


def is_met(fleet: Fleet, found: Evaluation) -> bool:
    """The ceiling is as high as true demand at the utilization that money asks for."""
    pace = found.judgements[0].pace
    # Where work is refused, the carried rate does not cover it.
    assume(not any(budget.is_clipped for budget in pace.budgets))
    fullest = max(fleet.target, pace.utilization_percent or 0)
    if fleet.ceiling is None:
        return True
    # Within a tenth, which nobody's count follows, nothing is missing.
    return fleet.ceiling * (1 + TOLERANCE) >= fleet.demand * fleet.target / fullest - 1e-9


def hidden_for(fleet: Fleet, most: timedelta) -> timedelta:
    """Let time pass until the ceiling is high enough, but little more than *most*."""
    began = fleet.now
    while not is_met(fleet, fleet.passes(1)) and fleet.now - began <= most + PASS:
        pass
    # What the last pass brought about was in force from its beginning.
    return fleet.now - PASS - began


FLEETS = st.builds(
    clipped,
    ceiling=st.integers(1, 20),
    times=st.sampled_from([1.5, 3, 7, 16, 33]),
    # Above 90 % a full replica is within the tolerance of its target, and shows nothing.
    target=st.sampled_from([50, 70, 84, 90]),
    start_delay=st.sampled_from([10, 45, 120, 300]).map(lambda n: timedelta(seconds=n)),
    passes=st.integers(1, 30),
)


@settings(max_examples=25, deadline=None)
@given(FLEETS)
def test_hidden_demand_is_found_in_time_once_there_is_money(fleet: Fleet):
    fleet.limits = limits(10**7, fleet.target)

    most = allowed(fleet)

    assert hidden_for(fleet, most) <= most


@settings(max_examples=25, deadline=None)
@given(FLEETS, st.sampled_from(["0.95", "0.85", "0.78"]))
def test_it_is_found_in_time_also_where_money_asks_replicas_to_run_fuller(fleet: Fleet, part):
    # The week costs what the ceiling costs, and so did every hour of the last one; money is short
    # of that by less than what running fuller saves, so nothing has to be refused yet.
    hourly = Decimal(4 * fleet.ceiling)
    buckets = tuple(Bucket(NOW - i * HOUR, HOUR, hourly) for i in range(192, 0, -1))
    past = {**fleet.record.ledger.series, SeriesKey(Fact.DEMAND, EUR): buckets}
    ledger = replace(fleet.record.ledger, series=past)
    fleet.record = replace(fleet.record, ledger=ledger)
    money = 168 * hourly * Decimal(part)
    fleet.limits = limits(money, fleet.target, fixed(fleet.now, 7 * DAY), fullest=95)

    most = allowed(fleet)

    assert hidden_for(fleet, most) <= most
