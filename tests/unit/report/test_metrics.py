"""The operator's own metrics: right values, bounded labels, names that Prometheus expects."""

import time
from dataclasses import replace

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from tests.builders import (
    HOUR,
    NOW,
    SETTINGS,
    TEAM,
    budget,
    namespace,
    node_price,
    pods_of,
    policy,
    reading,
    sheet,
    workload,
)
from tests.unit.report.support import CHAT, EMBEDDER, decided, world

from plafond.decide.evaluate import evaluate
from plafond.model.gap import Gap
from plafond.model.meters import Meter, MeterReading, PodKey
from plafond.model.policy import Mode
from plafond.report.conditions import Condition, Truth
from plafond.report.metrics import MOST_ROWS, Metrics


def shown(metrics):
    """Return every sample, by name and labels, and refuse a series that appears twice."""
    found = {}
    for family in text_string_to_metric_families(generate_latest(metrics.registry).decode()):
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def of(metrics, series, **labels):
    return shown(metrics)[(series, *sorted(labels.items()))]


def show(metrics, snapshot):
    """Run a pass over *snapshot*, and return what the next one begins with."""
    evaluation = evaluate(snapshot, SETTINGS)
    metrics.show(snapshot, evaluation)
    return replace(snapshot, now=snapshot.now + HOUR, records=evaluation.records)


def allocated(metrics, currency="EUR", where=TEAM):
    return of(metrics, "plafond_allocated_cost_total", namespace=where, currency=currency)


def test_the_allocated_cost_counts_from_the_second_pass_on():
    # What was spent before we came would be an increase that never happened.
    metrics = Metrics()
    later = show(metrics, world())
    assert ("plafond_allocated_cost_total",) not in {key[:1] for key in shown(metrics)}

    show(metrics, later)

    assert allocated(metrics) == 12.0  # three replicas at 4.00 for an hour


def test_the_allocated_cost_counts_namespaces_without_a_policy_and_every_currency():
    metrics = Metrics()
    sheets = (sheet(), sheet(name="usd", currency="USD"))
    later = show(metrics, replace(world(), policies=(), sheets=sheets))

    show(metrics, later)

    assert (allocated(metrics), allocated(metrics, "USD")) == (12.0, 12.0)


def test_gpu_hours_are_no_currency():
    metrics = Metrics()
    show(metrics, show(metrics, world()))

    names = {dict(k[1:])["currency"] for k in shown(metrics) if "allocated_cost" in k[0]}
    assert names == {"EUR"}
    # Three GPUs for an hour.
    assert of(metrics, "plafond_allocated_gpu_hours_total", namespace=TEAM) == 3.0


def test_tokens_are_counted_by_namespace():
    metrics = Metrics()
    later = show(metrics, world())
    shown_by = {PodKey(TEAM, each.name): 700.0 for each in later.pods}

    show(metrics, replace(later, meters={Meter.TOKENS: MeterReading(shown_by)}))

    # Three replicas of 700 each, that nobody has seen before.
    assert of(metrics, "plafond_allocated_tokens_total", namespace=TEAM) == 2100.0


def test_a_namespace_that_came_later_counts_from_its_beginning():
    metrics = Metrics()
    later = show(metrics, replace(world(), policies=()))
    new = workload("new", 1, namespace="team-b")
    pods = pods_of(new, scheduled_at=NOW + HOUR / 2, ready_at=None)
    show(
        metrics,
        replace(
            later,
            workloads=(*later.workloads, new),
            pods=(*later.pods, *pods),
            namespaces={**later.namespaces, "team-b": namespace("team-b")},
        ),
    )

    assert allocated(metrics, where="team-b") == 2.0  # half an hour at 4.00


def test_a_ledger_that_was_read_afresh_counts_nothing_twice():
    metrics = Metrics()
    first = show(metrics, world())
    second = show(metrics, first)

    # The record of the first pass again: its stretch was counted in the second.
    third = show(metrics, replace(second, records=first.records))
    assert allocated(metrics) == 12.0

    show(metrics, third)
    assert allocated(metrics) == 24.0


def without_team(later):
    """The same world after team-a was deleted."""
    return replace(later, policies=(), pods=(), workloads=(), namespaces={}, records={})


def test_no_series_but_what_was_allocated_outlives_its_namespace():
    # Its last amount has yet to be scraped: a namespace of the same name has spent it.
    metrics = Metrics()
    later = show(metrics, show(metrics, world()))

    show(metrics, without_team(later))

    left = {key[0] for key in shown(metrics) if dict(key[1:]).get("namespace")}
    assert left == {"plafond_allocated_cost_total", "plafond_allocated_gpu_hours_total"}
    assert allocated(metrics) == 12.0


def test_of_namespaces_that_are_gone_the_last_ones_are_shown(monkeypatch):
    monkeypatch.setattr("plafond.report.allocated.MOST_GONE", 0)
    metrics = Metrics()
    later = show(metrics, show(metrics, world()))

    show(metrics, without_team(later))

    assert not [key for key in shown(metrics) if dict(key[1:]).get("namespace")]


def test_budgets_show_limit_use_and_pace():
    metrics = Metrics()
    show(metrics, world(policy(budgets=(budget("48"),))))
    labels = {"namespace": TEAM, "policy": "limits", "budget": "launch", "unit": "EUR"}

    assert of(metrics, "plafond_budget_limit", **labels) == 48
    assert of(metrics, "plafond_budget_used", **labels) == 12
    assert of(metrics, "plafond_budget_used_ratio", **labels) == 0.25
    assert of(metrics, "plafond_carried_rate_per_hour", **labels) > 0
    assert of(metrics, "plafond_burn_rate_per_hour", namespace=TEAM, unit="EUR") == 12


def test_replicas_show_what_is_observed_asked_for_decided_and_allowed():
    metrics = Metrics()
    show(metrics, world(policy(cost_per_hour="4.00"), workloads=(CHAT,)))
    labels = {
        "namespace": TEAM,
        "kind": "Deployment",
        "name": "chat",
        "class": "Warm",
        "mode": "Enforce",
        "policy": "",
    }

    names = ("observed", "recommended", "desired", "ceiling")
    counts = [of(metrics, f"plafond_{name}_replicas", **labels) for name in names]
    assert counts == [2, 2, 1, 1]


def test_two_observing_policies_of_one_workload_are_two_series():
    metrics = Metrics()
    show(metrics, world(policy("a", mode=Mode.OBSERVE), policy("b", mode=Mode.OBSERVE)))

    labels = [dict(key[1:]) for key in shown(metrics) if key[0] == "plafond_desired_replicas"]
    assert sorted((each["name"], each["policy"]) for each in labels) == [
        ("chat", "a"),
        ("chat", "b"),
        ("embedder", "a"),
        ("embedder", "b"),
    ]


def test_what_belongs_to_nobody_is_shown_by_node_pool():
    metrics = Metrics()
    show(metrics, world())

    # Eight GPUs at 4.00, of which three are used.
    labels = {"node_pool": "any", "currency": "EUR"}
    assert of(metrics, "plafond_unallocated_cost_per_hour", **labels) == 20


def test_a_meter_that_fails_or_answers_in_part_is_a_gap():
    metrics = Metrics()
    meters = {
        Meter.GPU_UTILIZATION: reading(llm=3),
        Meter.RUNNING_REQUESTS: MeterReading(gap=Gap("no answer")),
    }
    show(metrics, world(meters=meters))

    assert of(metrics, "plafond_meter_gap", meter="gpuUtilization") == 0
    assert of(metrics, "plafond_meter_gap", meter="runningRequests") == 1


def test_conditions_are_replaced_and_not_added_to():
    metrics = Metrics()
    for reason in ("First", "Second"):
        condition = Condition("Ready", Truth.TRUE, reason, "words that nobody graphs")
        metrics.show_conditions({(TEAM, "limits"): (condition,)})

    (key,) = [key for key in shown(metrics) if key[0] == "plafond_condition"]
    assert dict(key[1:]) == {
        "namespace": TEAM,
        "policy": "limits",
        "type": "Ready",
        "status": "True",
        "reason": "Second",
    }


@pytest.fixture
def families():
    metrics = Metrics()
    snapshot = show(
        metrics, world(workloads=(CHAT, EMBEDDER), meters={Meter.GPU_UTILIZATION: reading()})
    )
    show(metrics, snapshot)
    metrics.show_conditions({(TEAM, "limits"): (Condition("Ready", Truth.TRUE, "Fine", ""),)})
    metrics.passes.labels("done").inc()
    metrics.actions.labels("ScaleTo", "Done", "Enforce").inc()
    metrics.moves.labels("BudgetCeiling").inc()
    metrics.checkpoints.labels("Done").inc()
    return list(text_string_to_metric_families(generate_latest(metrics.registry).decode()))


def test_every_family_is_ours_says_what_it_is_and_only_counters_are_totals(families):
    for family in families:
        assert family.name.startswith("plafond_")
        assert len(family.documentation.split()) >= 3, family.name
        for sample in family.samples:
            assert sample.name.endswith("_total") is (
                family.type == "counter" and not sample.name.endswith("_created")
            )


def test_no_label_can_be_chosen_freely(families):
    known = {
        "version", "python", "result", "le", "type", "mode", "reason", "namespace", "currency",
        "unit", "policy", "budget", "kind", "name", "class", "node_pool", "meter", "status", "of",
    }  # fmt: skip

    assert {label for f in families for s in f.samples for label in s.labels} <= known


def test_a_namespace_with_very_many_workloads_hides_none_of_another(monkeypatch):
    monkeypatch.setattr("plafond.report.metrics.MOST_ROWS", 5)
    metrics = Metrics()
    many = tuple(workload(f"many-{n}", 1) for n in range(9))
    few = tuple(workload(f"few-{n}", 1, namespace="team-b") for n in range(2))
    limits = policy(), policy(namespace="team-b")
    namespaces = {name: namespace(name) for name in (TEAM, "team-b")}
    facts = world(*limits, workloads=many + few, namespaces=namespaces)

    for _ in range(2):
        show(metrics, facts)

        names = {dict(k[1:])["name"] for k in shown(metrics) if k[0] == "plafond_desired_replicas"}
        assert names == {"few-0", "few-1", "many-0", "many-1", "many-2"}
        assert of(metrics, "plafond_metrics_left_out", of="workloads") == 6


def test_budgets_and_policies_are_bounded_and_what_is_left_out_is_counted(monkeypatch):
    monkeypatch.setattr("plafond.report.metrics.MOST_ROWS", 2)
    metrics = Metrics()
    show(metrics, world(policy(budgets=tuple(budget(name=f"b{n}") for n in range(3)))))
    condition = Condition("Ready", Truth.TRUE, "Fine", "")
    metrics.show_conditions({(f"team-{n}", "limits"): (condition,) for n in range(4)})

    found = shown(metrics)
    assert sum(key[0] == "plafond_budget_limit" for key in found) == 2
    assert sum(key[0] == "plafond_condition" for key in found) == 2
    left = [of(metrics, "plafond_metrics_left_out", of=o) for o in ("budgets", "policies")]
    assert left == [1, 2]


def test_ten_thousand_policies_and_twice_as_many_workloads_are_scraped_within_seconds():
    metrics = Metrics()
    (judgement,) = decided(policy(budgets=(budget(),))).judgements
    evaluation = decided()
    judgements = tuple(of_namespace(judgement, f"team-{n:05}") for n in range(10_000))
    namespaces = {f"team-{n:05}": namespace(f"team-{n:05}") for n in range(10_000)}
    conditions = tuple(Condition(t, Truth.TRUE, "Fine", "") for t in ("Ready", "Enforcing", "A"))

    began = time.perf_counter()
    metrics.show(world(namespaces=namespaces), replace(evaluation, judgements=judgements))
    metrics.show_conditions({(name, "limits"): conditions for name in namespaces})
    text = generate_latest(metrics.registry)
    took = time.perf_counter() - began

    series = [line for line in text.splitlines() if not line.startswith(b"#")]
    # Up to nine of a budget, four of a workload, three conditions.
    assert len(series) < (9 + 4 + 3) * MOST_ROWS
    assert len(text) < 10_000_000
    assert took < 10
    left_out = {
        name: metrics.registry.get_sample_value("plafond_metrics_left_out", {"of": name})
        for name in ("workloads", "budgets", "policies")
    }
    assert left_out == {"workloads": 15_000, "budgets": 5_000, "policies": 5_000}

    show(metrics, replace(world(), policies=(), workloads=(), pods=(), namespaces={}))
    metrics.show_conditions({})
    assert not [key for key in shown(metrics) if dict(key[1:]).get("namespace")]


def of_namespace(judgement, name):
    """The same judgement of another namespace."""
    policy_set = replace(judgement.account.policy_set, namespace=name)
    decisions = tuple(
        each._replace(workload=each.workload._replace(namespace=name))
        for each in judgement.decisions
    )
    account = replace(judgement.account, policy_set=policy_set)
    return replace(judgement, account=account, decisions=decisions)


def test_a_budget_shows_what_its_window_comes_to_and_nothing_that_is_not_known():
    metrics = Metrics()
    show(metrics, world())

    labels = {"namespace": TEAM, "policy": "limits", "budget": "launch", "unit": "EUR"}
    # 12 are spent, and three replicas at 4.00 run for the nine hours that are left.
    assert of(metrics, "plafond_budget_forecast", **labels) == 120
    assert of(metrics, "plafond_budget_expected", **labels) == 120
    assert of(metrics, "plafond_budget_demand_censored", **labels) == 0
    known = {key[0] for key in shown(metrics)}
    assert known.isdisjoint(
        {"plafond_budget_forecast_error", "plafond_budget_exhaustion_timestamp_seconds"}
    )

    show(metrics, world(policies=(policy(budgets=(budget("66"),)),)))

    # 54 remain for 12 an hour: 4.5 hours from now.
    at = (NOW + 4.5 * HOUR).timestamp()
    assert of(metrics, "plafond_budget_exhaustion_timestamp_seconds", **labels) == at


def test_a_budget_whose_prices_are_not_known_has_no_forecast_and_not_one_of_zero():
    metrics = Metrics()
    show(metrics, world(sheets=(sheet(node_price(cpu="1")),)))

    assert "plafond_budget_forecast" not in {key[0] for key in shown(metrics)}
    assert "plafond_budget_limit" in {key[0] for key in shown(metrics)}
