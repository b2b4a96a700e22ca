"""
What a policy would have done: the same core, under a policy that somebody wrote.

One workload carries all of the demand. The policy is played as if it were enforced and confirmed,
whatever its mode: the question is what it would do once it is settled.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from plafond.account.rates import Pricing, rate_cards
from plafond.decide.evaluate import Evaluation
from plafond.decide.judge import Judgement
from plafond.decide.outlook import outlook
from plafond.model.budget import BudgetPosition
from plafond.model.capacity import CapacityType, Node, NodePrice, PriceSheet
from plafond.model.labels import LabelSelector
from plafond.model.memory import NamespaceRecord
from plafond.model.meters import PodKey
from plafond.model.policy import CostPolicy, Mode, Scaling
from plafond.model.settings import Settings
from plafond.model.window import FixedWindow, as_written
from plafond.model.workload import WorkloadId
from plafond.simulate.benchmark import START
from plafond.simulate.cluster import NODE, Scene
from plafond.simulate.core import Core, settings_for
from plafond.simulate.demand import Demand
from plafond.simulate.errors import SimulationError
from plafond.simulate.history import history_of
from plafond.simulate.policy_file import PolicyFile
from plafond.simulate.signals import Meters, TokenCounters, hpa_of, policy_meters
from plafond.simulate.world import Model, Sight, Window

GPU = "nvidia.com/gpu"
REQUESTS = {GPU: Decimal(1)}
# ISO 4217 for "no currency", where a policy has none: its limits are GPU-hours, tokens or replicas.
NO_CURRENCY = "XXX"
DEFAULT_NAME = "llm"


@dataclass(frozen=True, slots=True)
class Prices:
    """The price sheets in force, the labels of a node that they price, and what it costs there."""

    sheets: tuple[PriceSheet, ...]
    node_labels: dict[str, str]
    per_replica_hour: Decimal


def start_of(policy: CostPolicy) -> datetime:
    """Return where a played window begins: where a fixed one does, else on a first and Monday."""
    windows = (budget.window for budget in policy.budgets)
    return min((w.start for w in windows if isinstance(w, FixedWindow)), default=START)


def prices_of(file: PolicyFile, price: Decimal | None, start: datetime) -> Prices:
    """Return what a replica of one GPU costs, by *price* or else by the sheets of *file*."""
    currency = file.policy.currency or NO_CURRENCY
    if price is not None:
        entry = NodePrice("any", LabelSelector(), CapacityType.ON_DEMAND, {GPU: price})
        sheet = PriceSheet("price", currency, start - timedelta(days=400), (entry,))
        return Prices((sheet,), {}, price)
    sheets = tuple(sheet for sheet in file.sheets if sheet.currency == currency)
    if not sheets:
        sentence = f"{file.source}: expected a PriceSheet in {currency} beside it, or --price"
        raise SimulationError(sentence)
    # Demand is played at another time than it was recorded at: the first prices hold from before.
    first, *later = sorted(sheets, key=lambda sheet: sheet.valid_from)
    before = replace(first, valid_from=min(first.valid_from, start - timedelta(days=400)))
    labels = _labels_of_a_priced_node(first, file.source)
    return Prices((before, *later), labels, _price((before, *later), labels, currency, start))


def _labels_of_a_priced_node(sheet: PriceSheet, source: str) -> dict[str, str]:
    for entry in sheet.nodes:
        if entry.prices.get(GPU) is not None:
            return dict(entry.node_selector.match_labels)
    sentence = f"{source}: expected an entry of PriceSheet {sheet.name} that prices {GPU}"
    raise SimulationError(sentence)


def _price(
    sheets: tuple[PriceSheet, ...], labels: dict[str, str], currency: str, start: datetime
) -> Decimal:
    pricing = Pricing(rate_cards(sheets, start), Settings())
    found = pricing.on_node(REQUESTS, Node(NODE, labels, REQUESTS))[currency]
    if not isinstance(found, Decimal):
        sentence = f"expected a price of a replica: {found.why}"
        raise SimulationError(sentence)
    return found


def not_simulated(policy: CostPolicy) -> tuple[str, ...]:
    """Return the fields of *policy* that nothing here acts on."""
    is_late = policy.scaling is not None and policy.scaling.latency is not None
    return ("scaling.latency",) if is_late else ()


def refuse_unplayable(file: PolicyFile) -> None:
    """Raise SimulationError where all that *file*'s policy follows is not simulated."""
    scaling = file.policy.scaling
    if scaling is not None and replace(scaling, latency=None) == _no_signal(scaling):
        sentence = (
            f"{file.source}: expected another signal beside scaling.latency, which is not simulated"
        )
        raise SimulationError(sentence)


def _no_signal(scaling: Scaling) -> Scaling:
    return Scaling(scale_down_stabilization=scaling.scale_down_stabilization)


def workload_of(policy: CostPolicy) -> tuple[WorkloadId, dict[str, str]]:
    """Return the one workload that *policy* governs here, and its labels."""
    labels = dict(policy.classes[0].selector.match_labels) if policy.classes else {}
    for target in policy.targets or ():
        if target.selector is not None:
            labels = {**labels, **target.selector.match_labels}
        name = target.name or DEFAULT_NAME
        return WorkloadId(policy.namespace, target.kind, name, target.group), labels
    return WorkloadId(policy.namespace, "Deployment", DEFAULT_NAME), labels


@dataclass(frozen=True, slots=True)
class Forecasted:
    """What a budget's window would cost if all demand were served, as it was forecast in *step*."""

    step: int
    budget: str
    unit: str
    spend: Decimal


def _forecasted(step: int, judgement: Judgement) -> Iterator[Forecasted]:
    for pace in judgement.pace.budgets:
        position, plan = pace.position, pace.plan
        if plan is not None and plan.at == position.now:
            spend, budget = outlook(pace).spend, position.budget
            yield Forecasted(step, budget.name, budget.limit.unit, spend)


@dataclass(slots=True)
class BudgetWatch:
    """Where every budget stood when it was last looked at, and what was forecast of it when."""

    seen: dict[tuple[str, datetime | None], BudgetPosition] = field(default_factory=dict)
    told: list[Forecasted] = field(default_factory=list)

    def __call__(self, step: int, evaluation: Evaluation) -> None:
        """Note where the budgets stand, and every plan that was made in this step."""
        for judgement in evaluation.judgements:
            self.told += _forecasted(step, judgement)
            for position in judgement.account.positions:
                # A rolling window stays the same one: where the last pass found it is how it ended.
                self.seen[position.budget.name, position.ends_at] = position

    @property
    def positions(self) -> tuple[BudgetPosition, ...]:
        """The last position of each window of each budget."""
        return tuple(self.seen.values())


def core_under(
    file: PolicyFile, prices: Prices, world: tuple[Window, Model], watch: BudgetWatch
) -> Core:
    """Return the core under the policy of *file*, in a world of demand and replicas."""
    window, model = world
    scene = _scene(file.policy, prices, model)
    currency = file.policy.currency or NO_CURRENCY
    record = NamespaceRecord(history_of(window, model, currency, scene.start))
    settings = replace(settings_for(model), accelerators=(GPU,))
    scaling, counters = file.policy.scaling, TokenCounters()
    if scaling is None:
        # Nobody but an autoscaler of its own follows demand, so there is one.
        hpa = partial(hpa_of, model=model)
        return Core(scene, record, settings, counters.after_step, watch=watch, hpa=hpa)

    def meters(sight: Sight, ready: tuple[PodKey, ...]) -> Meters:
        counted = counters.after_step(sight, ready)
        return {**policy_meters(sight, ready, scaling, model), **counted}

    return Core(scene, record, settings, meters, follows_wish=False, watch=watch)


def _scene(policy: CostPolicy, prices: Prices, model: Model) -> Scene:
    workload, labels = workload_of(policy)
    return Scene(
        start_of(policy),
        replace(policy, mode=Mode.ENFORCE, is_confirmed=True),
        prices.sheets,
        workload,
        REQUESTS,
        prices.node_labels,
        labels,
        timedelta(seconds=model.end_s),
    )


def last_of(demand: Demand, history_s: int, window_s: int) -> Window:
    """Return the last *window_s* of *demand*, after as much of *history_s* as there is."""
    bins, before = window_s // demand.bin_s, history_s // demand.bin_s
    there = demand.tokens_per_s
    if not 0 < bins <= len(there):
        least, most, asked = (
            _length(s) for s in (demand.bin_s, len(there) * demand.bin_s, window_s)
        )
        expected = f"a window from {least}, one bin, to {most}, all demand there is"
        sentence = f"{demand.source}: expected {expected}; got {asked}"
        raise SimulationError(sentence)
    kept = there[max(0, len(there) - bins - before) :]
    return Window(kept, demand.bin_s, len(kept) - bins, len(kept))


def _length(seconds: int) -> str:
    return as_written(timedelta(seconds=seconds))
