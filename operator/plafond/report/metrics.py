"""
The operator's own metrics, one snapshot of the last pass; no series outlives what it is about.

Labels are names of Kubernetes objects and our own enums, never anything that a tenant can choose
freely, so their number is bounded by the number of objects.
"""

import platform
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from plafond.account.account import Account
from plafond.account.unallocated import unallocated
from plafond.decide.evaluate import Evaluation
from plafond.decide.judge import Judgement
from plafond.model.money import GPU_HOURS
from plafond.model.snapshot import Snapshot
from plafond.report.conditions import Condition


class Metrics(Collector):
    """Counts what happens, and shows what the last pass came to."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._spent: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self._families: list[GaugeMetricFamily] = []
        self._conditions: dict[tuple[str, str], list[Condition]] = {}
        self._is_first = True
        registry = self.registry
        build = Gauge("plafond_build_info", "Version.", ["version", "python"], registry=registry)
        build.labels(version("plafond"), platform.python_version()).set(1)
        self.passes = Counter("plafond_passes", "Passes.", ["result"], registry=registry)
        self.pass_seconds = Histogram("plafond_pass_seconds", "Length.", registry=registry)
        self.last_pass = Gauge(
            "plafond_last_pass_timestamp_seconds", "End of the last pass.", registry=registry
        )
        self.actions = Counter(
            "plafond_actions", "Writes.", ["type", "result", "mode"], registry=registry
        )
        self.moves = Counter(
            "plafond_moves", "Changed decisions, by last reason.", ["reason"], registry=registry
        )
        registry.register(self)

    def show(self, snapshot: Snapshot, evaluation: Evaluation) -> None:
        """Replace what is shown by what this pass came to."""
        if not self._is_first:
            # The first pass charges what was spent before we came; increases must not.
            self._count(evaluation.account)
        self._is_first = False
        self._families = [
            *_rates(evaluation.account),
            *_budgets(evaluation.judgements),
            *_replicas(evaluation.judgements),
            _unallocated(snapshot, evaluation.account),
            _gaps(snapshot),
        ]

    def show_conditions(self, of: Mapping[tuple[str, str], list[Condition]]) -> None:
        """Replace the conditions shown, by namespace and policy."""
        self._conditions = dict(of)

    def collect(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        """Yield what the last pass came to."""
        spent = CounterMetricFamily(
            "plafond_allocated_cost",
            "Cost of all pods of a namespace since the operator started.",
            labels=["namespace", "currency"],
        )
        for (namespace, currency), value in sorted(self._spent.items()):
            spent.add_metric([namespace, currency], float(value))
        yield spent
        yield from self._families
        yield self._condition_family()

    def _count(self, account: Account) -> None:
        for namespace, counted in account.counted.items():
            for unit, value in counted.accrued.items():
                if unit != GPU_HOURS:
                    self._spent[namespace, unit] += value

    def _condition_family(self) -> GaugeMetricFamily:
        labels = ["namespace", "policy", "type", "status", "reason"]
        family = GaugeMetricFamily("plafond_condition", "1 for what holds.", labels=labels)
        for (namespace, policy), found in sorted(self._conditions.items()):
            for each in found:
                row = [namespace, policy, each.type, each.status.value, each.reason]
                family.add_metric(row, 1)
        return family


def _rates(account: Account) -> list[GaugeMetricFamily]:
    family = GaugeMetricFamily(
        "plafond_burn_rate_per_hour", "What runs costs per hour.", labels=["namespace", "unit"]
    )
    for namespace, counted in account.counted.items():
        total: dict[str, Decimal] = defaultdict(Decimal)
        for rates in counted.rates.values():
            for unit, value in rates.items():
                total[unit] += value
        for unit, value in sorted(total.items()):
            family.add_metric([namespace, unit], float(value))
    return [family]


def _budgets(judgements: Iterable[Judgement]) -> list[GaugeMetricFamily]:
    labels = ["namespace", "policy", "budget", "unit"]
    limit = GaugeMetricFamily("plafond_budget_limit", "Limit of the window.", labels=labels)
    used = GaugeMetricFamily("plafond_budget_used", "Spent in the window.", labels=labels)
    ratio = GaugeMetricFamily("plafond_budget_used_ratio", "Spent over limit.", labels=labels)
    carried = GaugeMetricFamily(
        "plafond_carried_rate_per_hour", "What the budget carries per hour now.", labels=labels
    )
    for judgement in judgements:
        for plan in judgement.pace.budgets:
            position = plan.position
            amount = position.budget.limit
            namespace = judgement.account.policy_set.namespace
            row = [namespace, position.policy, position.budget.name, amount.unit]
            limit.add_metric(row, float(amount.value))
            used.add_metric(row, float(position.spend.value))
            ratio.add_metric(row, float(position.spend.value / amount.value))
            carried.add_metric(row, float(plan.carried_rate))
    return [limit, used, ratio, carried]


def _replicas(judgements: Iterable[Judgement]) -> list[GaugeMetricFamily]:
    labels = ["namespace", "kind", "name", "class", "mode"]
    families = {
        name: GaugeMetricFamily(f"plafond_{name}_replicas", f"Replicas: {name}.", labels=labels)
        for name in ("observed", "recommended", "desired", "ceiling")
    }
    for judgement in judgements:
        for d in judgement.decisions:
            mode = judgement.account.policy_set.mode.value
            row = [d.workload.namespace, d.workload.kind, d.workload.name, d.workload_class, mode]
            families["observed"].add_metric(row, d.observed_replicas)
            families["recommended"].add_metric(row, d.recommended_replicas)
            families["desired"].add_metric(row, d.desired_replicas)
            if d.ceiling is not None:
                families["ceiling"].add_metric(row, d.ceiling)
    return list(families.values())


def _unallocated(snapshot: Snapshot, account: Account) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "plafond_unallocated_cost_per_hour",
        "Cost of nodes that no pod accounts for.",
        labels=["node_pool", "currency"],
    )
    for (pool, currency), value in sorted(unallocated(snapshot, account).items()):
        family.add_metric([pool, currency], float(value))
    return family


def _gaps(snapshot: Snapshot) -> GaugeMetricFamily:
    family = GaugeMetricFamily("plafond_meter_gap", "1 while a meter fails.", labels=["meter"])
    for meter, reading in snapshot.meters.items():
        family.add_metric([meter.value], 0 if reading.gap is None else 1)
    return family
