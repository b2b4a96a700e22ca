"""
The operator's own metrics, one snapshot of the last pass.

No series outlives what it is about, but the counters of what was allocated.
Labels are names of Kubernetes objects and our own enums, never anything that a tenant can choose
freely. Of objects that a tenant can make as many of as he likes, so many are shown and no more.
"""

import platform
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from plafond.account.account import Account
from plafond.account.unallocated import unallocated
from plafond.decide.decision import Decision
from plafond.decide.evaluate import Evaluation
from plafond.decide.judge import Judgement
from plafond.decide.outlook import Outlook, outlooks
from plafond.decide.pace import BudgetPace
from plafond.model.gap import Gap
from plafond.model.policy import PolicySet
from plafond.model.snapshot import Snapshot
from plafond.report.allocated import Allocated
from plafond.report.conditions import Condition
from plafond.report.dealt import dealt
from plafond.report.forecasts import BUDGET_LABELS, Ahead, forecasts

PolicyKey = tuple[str, str]

# Of workloads, budgets and policies each; a row is up to nine series, or as many as there are
# conditions.
MOST_ROWS = 5000


class Metrics(Collector):
    """Counts what happens, and shows what the last pass came to."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._allocated = Allocated()
        self._families: list[CounterMetricFamily | GaugeMetricFamily] = []
        self._conditions: dict[PolicyKey, Sequence[Condition]] = {}
        self._rows = {"workloads": 0, "budgets": 0, "policies": 0}
        self._leads = True
        self._make_counters()
        self.registry.register(self)

    def _make_counters(self) -> None:
        registry = self.registry
        build = Gauge(
            "plafond_build_info", "The version that runs.", ["version", "python"], registry=registry
        )
        build.labels(version("plafond"), platform.python_version()).set(1)
        ended = "Passes, by how they ended."
        self.passes = Counter("plafond_passes", ended, ["result"], registry=registry)
        self.pass_seconds = Histogram(
            "plafond_pass_seconds", "How long completed passes took.", registry=registry
        )
        self.last_pass = Gauge(
            "plafond_last_pass_timestamp_seconds",
            "When the last pass was completed.",
            registry=registry,
        )
        self.actions = Counter(
            "plafond_actions",
            "Actions of plans, by what became of them; Observed ones were only reported.",
            ["type", "result", "mode"],
            registry=registry,
        )
        self.moves = Counter(
            "plafond_moves",
            "Replica counts written, by the rule that moved them last.",
            ["reason"],
            registry=registry,
        )
        self.checkpoints = Counter(
            "plafond_checkpoints",
            "Writes of ledgers, by what became of them.",
            ["result"],
            registry=registry,
        )

    def lead(self, *, leads: bool) -> None:
        """Say whether this operator decides: each shows only what it has decided itself."""
        self._leads = leads

    def show(self, snapshot: Snapshot, evaluation: Evaluation) -> None:
        """Replace what is shown by what this pass came to."""
        self._allocated.add(evaluation.account)
        budgets = _budget_rows(evaluation.judgements)
        workloads = _workload_rows(evaluation.judgements)
        self._rows.update(budgets=len(budgets), workloads=len(workloads))
        # Whole before it is shown: a scrape may come in any moment, from another thread.
        self._families = [
            *self._allocated.families(),
            _rates(evaluation.account),
            *_budgets(dealt(budgets, _budget_labels, MOST_ROWS)),
            *_replicas(dealt(workloads, _workload_labels, MOST_ROWS)),
            _unallocated(snapshot, evaluation.account),
            _gaps(snapshot),
            _admission(snapshot),
        ]

    def show_conditions(self, of: Mapping[PolicyKey, Sequence[Condition]]) -> None:
        """Replace the conditions shown, by namespace and policy."""
        self._rows["policies"] = len(of)
        self._conditions = dict(dealt(of.items(), lambda each: each[0], MOST_ROWS))

    def collect(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        """Yield what the last pass came to."""
        leader = "1 while this operator decides and writes, 0 while another one does."
        yield GaugeMetricFamily("plafond_leader", leader, value=int(self._leads))
        if not self._leads:
            return
        yield from self._families
        yield self._condition_family()
        yield self._left_out()

    def _condition_family(self) -> GaugeMetricFamily:
        labels = ["namespace", "policy", "type", "status", "reason"]
        family = GaugeMetricFamily(
            "plafond_condition", "1 for what the conditions of a policy say.", labels=labels
        )
        for (namespace, policy), found in sorted(self._conditions.items()):
            for each in found:
                row = [namespace, policy, each.type, each.status.value, each.reason]
                family.add_metric(row, 1)
        return family

    def _left_out(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "plafond_metrics_left_out",
            "Objects of a kind that are too many to have series here.",
            labels=["of"],
        )
        for name, rows in self._rows.items():
            family.add_metric([name], max(0, rows - MOST_ROWS))
        return family


def _rates(account: Account) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "plafond_burn_rate_per_hour",
        "What runs in a namespace costs per hour.",
        labels=["namespace", "unit"],
    )
    for namespace, counted in account.counted.items():
        total: dict[str, Decimal] = defaultdict(Decimal)
        for rates in counted.rates.values():
            for unit, value in rates.items():
                total[unit] += value
        for unit, value in sorted(total.items()):
            family.add_metric([namespace, unit], float(value))
    return family


BudgetRow = tuple[str, BudgetPace, Outlook | Gap, bool]
WorkloadRow = tuple[PolicySet, Decision]


def _budget_rows(judgements: Iterable[Judgement]) -> list[BudgetRow]:
    found = []
    for judgement in judgements:
        namespace, ahead = judgement.account.policy_set.namespace, outlooks(judgement)
        is_censored = judgement.pace.is_censored
        found += [(namespace, p, ahead[p.name], is_censored) for p in judgement.pace.budgets]
    return found


def _budget_labels(row: BudgetRow) -> tuple[str, ...]:
    namespace, plan = row[:2]
    budget = plan.position.budget
    return (namespace, plan.position.policy, budget.name, budget.limit.unit)


def _budgets(rows: Iterable[BudgetRow]) -> list[GaugeMetricFamily]:
    labels, rows = BUDGET_LABELS, list(rows)
    limit = GaugeMetricFamily("plafond_budget_limit", "Limit of the open window.", labels=labels)
    used = GaugeMetricFamily("plafond_budget_used", "Spent in the open window.", labels=labels)
    ratio = GaugeMetricFamily("plafond_budget_used_ratio", "Spent over limit.", labels=labels)
    carried = GaugeMetricFamily(
        "plafond_carried_rate_per_hour", "What the budget carries per hour now.", labels=labels
    )
    for row in rows:
        names, plan = _budget_labels(row), row[1]
        amount = plan.position.budget.limit
        limit.add_metric(names, float(amount.value))
        used.add_metric(names, float(plan.position.spend.value))
        ratio.add_metric(names, float(plan.position.spend.value / amount.value))
        carried.add_metric(names, float(plan.carried_rate))
    return [limit, used, ratio, carried, *forecasts(_ahead(row) for row in rows)]


def _ahead(row: BudgetRow) -> Ahead:
    outlook, is_censored = row[2:]
    return Ahead(
        _budget_labels(row), outlook if isinstance(outlook, Outlook) else None, is_censored
    )


_COUNTS = {
    "observed": "Replicas that a workload's spec asks for.",
    "recommended": "Replicas that its demand asks for, before money.",
    "desired": "Replicas that it is to have now.",
    "ceiling": "The most replicas that it may have now.",
}


def _workload_rows(judgements: Iterable[Judgement]) -> list[WorkloadRow]:
    return [(j.account.policy_set, decision) for j in judgements for decision in j.decisions]


def _workload_labels(row: WorkloadRow) -> tuple[str, ...]:
    policy_set, decision = row
    workload = decision.workload
    # Policies that observe are decided one by one, so a workload may be in several of them.
    policy = "" if policy_set.is_enforced else policy_set.policies[0].name
    named = (workload.namespace, workload.kind, workload.name)
    return (*named, decision.workload_class.value, policy_set.mode.value, policy)


def _replicas(rows: Iterable[WorkloadRow]) -> list[GaugeMetricFamily]:
    labels = ["namespace", "kind", "name", "class", "mode", "policy"]
    families = {
        name: GaugeMetricFamily(f"plafond_{name}_replicas", text, labels=labels)
        for name, text in _COUNTS.items()
    }
    for row in rows:
        names, decision = _workload_labels(row), row[1]
        families["observed"].add_metric(names, decision.observed_replicas)
        families["recommended"].add_metric(names, decision.recommended_replicas)
        families["desired"].add_metric(names, decision.desired_replicas)
        if decision.ceiling is not None:
            families["ceiling"].add_metric(names, decision.ceiling)
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


def _admission(snapshot: Snapshot) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "plafond_admission_rule",
        "1 where every API server that answered applies the rule, 0 where one does not.",
        labels=["rule"],
    )
    for rule, is_applied in sorted(snapshot.admission.rules.items()):
        family.add_metric([rule.value], int(is_applied))
    return family


def _gaps(snapshot: Snapshot) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "plafond_meter_gap", "1 while a meter fails, or answers in part.", labels=["meter"]
    )
    for meter, reading in snapshot.meters.items():
        family.add_metric([meter.value], 0 if reading.gap is None else 1)
    return family
