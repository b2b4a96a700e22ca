"""
The pacing benchmark: one trace, two weeks, and a share of what the second costs without limits.

The model is fixed, so that figures can be compared; the core is told only what an operator would
see.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from plafond.model.budget import Budget, OnExhausted
from plafond.model.capacity import CapacityType, NodePrice, PriceSheet
from plafond.model.labels import LabelSelector
from plafond.model.memory import NamespaceRecord
from plafond.model.meters import PodKey
from plafond.model.money import Amount
from plafond.model.policy import ClassRule, CostPolicy, Mode, Target
from plafond.model.window import FixedWindow
from plafond.model.workload import WorkloadClass, WorkloadId
from plafond.simulate.baselines import Unconstrained
from plafond.simulate.cluster import Scene
from plafond.simulate.core import Core, Watch, settings_for
from plafond.simulate.errors import SimulationError
from plafond.simulate.history import history_of
from plafond.simulate.observing import Observe
from plafond.simulate.play import play
from plafond.simulate.signals import benchmark_meters, benchmark_scaling
from plafond.simulate.traces import Trace
from plafond.simulate.world import STEP_S, Model, Window

WEEK_S = 7 * 86_400
# A trace names no replica size: then as many as these carry its mean demand.
MEAN_REPLICAS = 12
CURRENCY = "EUR"
WORKLOAD = WorkloadId("benchmark", "Deployment", "llm")
# A Monday at midnight.
START = datetime(2026, 6, 1, tzinfo=UTC)
RESOURCE = "cpu"


@dataclass(frozen=True, slots=True)
class Case:
    """One window in one world, and what it costs without a limit."""

    window: Window
    model: Model
    unlimited: Decimal

    def budget(self, percent: Decimal) -> Decimal:
        """Return *percent* of what the window costs without a limit."""
        return self.unlimited * percent / 100


def weeks_of(trace: Trace) -> Window:
    """Return the second week of *trace*, with the first as its history."""
    if WEEK_S % trace.bin_s or trace.bin_s % STEP_S:
        expected = f"bins that {STEP_S} s steps fill, and that fill a week"
        sentence = f"{trace.source}: expected {expected}; they last {trace.bin_s} s"
        raise SimulationError(sentence)
    week = WEEK_S // trace.bin_s
    if trace.bins <= week:
        days = trace.bins * trace.bin_s / 86_400
        expected = "two weeks of demand, one as history and one to play"
        sentence = f"{trace.source}: expected {expected}; it ends after {days:.1f} days"
        raise SimulationError(sentence)
    total = trace.total.tolist()[: 2 * week]
    # Tenants have rows only where they ask for something, also at the end.
    return Window((*total, *[0.0] * (2 * week - len(total))), trace.bin_s, week, 2 * week)


def case_of(window: Window, model: Model) -> Case:
    """Play *window* without a limit, which is what budgets are measured by."""
    # Whoever sees all demand: who has to look for it starts replicas only to find out.
    sighted = replace(model, observe=Observe.OFFERED)
    return Case(window, model, play(window, sighted, Unconstrained()).spent)


def mean_replica(window: Window) -> float:
    """Return the tokens a second of a replica of which the mean demand needs twelve."""
    demand = window.tokens_per_s
    return sum(demand) / len(demand) / MEAN_REPLICAS


def core_for(case: Case, limit: Decimal, watch: Watch | None = None) -> Core:
    """Return the core under a policy of *limit*, with the time before in its ledger."""
    scene, model = scene_for(case, limit), case.model
    ledger = history_of(case.window, model, CURRENCY, scene.start)
    name = PodKey(WORKLOAD.namespace, WORKLOAD.name)
    return Core(
        scene,
        NamespaceRecord(ledger),
        settings_for(model),
        lambda sight, ready: benchmark_meters(sight, name, ready, model),
        watch=watch,
    )


def scene_for(case: Case, limit: Decimal) -> Scene:
    """Return the policy and prices of the benchmark."""
    grace = timedelta(seconds=case.model.end_s)
    policy, sheets = policy_for(case, limit), _sheets(case.model)
    requests = {RESOURCE: Decimal(1)}
    return Scene(START, policy, sheets, WORKLOAD, requests, termination_grace=grace)


def policy_for(case: Case, limit: Decimal) -> CostPolicy:
    """Return a policy of *limit* for the window that lets replicas run as full as they can."""
    window = FixedWindow(START, timedelta(seconds=case.window.seconds))
    budget = Budget("window", Amount(limit, CURRENCY), window, OnExhausted.KEEP_FLOORS)
    return CostPolicy(
        WORKLOAD.namespace,
        "benchmark",
        "benchmark",
        1,
        Mode.ENFORCE,
        CURRENCY,
        (Target(WORKLOAD.group, WORKLOAD.kind, WORKLOAD.name),),
        (budget,),
        classes=(ClassRule(WorkloadClass.WARM, LabelSelector(), 1, None, 100),),
        scaling=benchmark_scaling(case.model),
        is_confirmed=True,
    )


def _sheets(model: Model) -> tuple[PriceSheet, ...]:
    first = _sheet("prices", model.price, START - timedelta(days=400))
    if model.later_price is None:
        return (first,)
    later = START + timedelta(seconds=model.changes_at_s)
    return (first, _sheet("later-prices", model.later_price, later))


def _sheet(name: str, price: Decimal, valid_from: datetime) -> PriceSheet:
    entry = NodePrice("any", LabelSelector(), CapacityType.ON_DEMAND, {RESOURCE: price})
    return PriceSheet(name, CURRENCY, valid_from, (entry,))
