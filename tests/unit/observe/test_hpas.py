"""Raw HorizontalPodAutoscalers into records: what they say, and what they measured."""

from datetime import timedelta
from decimal import Decimal

import pytest
from tests.integration.fakes import objects as made

from plafond.model.autoscaler import Basis, MetricReading
from plafond.model.workload import WorkloadId
from plafond.observe.records import hpas

LLM = WorkloadId("team-a", "Deployment", "llm")
SELECTED = {"name": "inference_requests", "selector": {"matchLabels": {"workload": "llm"}}}


def condition(kind, value, reason=""):
    return {"type": kind, "status": value, "reason": reason}


def limited(reason, value="True"):
    return [condition("ScalingLimited", value, reason)]


LOST = [condition("ScalingActive", "False", "FailedGetExternalMetric")]
REFUSED = [condition("AbleToScale", "False", "FailedUpdateScale")]


def parsed(metrics=(), spec=None, **status):
    raw = made.hpa("scaler", "llm", **status)
    raw["spec"] |= {"metrics": list(metrics), **(spec or {})}
    return hpas.parse(raw).autoscaler


@pytest.mark.parametrize(
    ("status", "wish"),
    [
        pytest.param({"desiredReplicas": 5}, 5, id="a wish"),
        pytest.param({"desiredReplicas": 0}, None, id="zero is switched off"),
        pytest.param({}, None, id="nothing computed yet"),
        pytest.param(
            {"desiredReplicas": 5, "conditions": [condition("AbleToScale", "False")]},
            None,
            id="cannot scale",
        ),
        pytest.param(
            {"desiredReplicas": 5, "conditions": [condition("AbleToScale", "True")]},
            5,
            id="can scale",
        ),
        pytest.param({"desiredReplicas": 5, "conditions": LOST}, None, id="metrics are lost"),
        # At our ceiling of 4 a true wish of 20 was measured as 8.
        pytest.param(
            {"desiredReplicas": 8, "conditions": limited("ScaleUpLimit")}, None, id="policy limits"
        ),
        pytest.param({"desiredReplicas": 8, "conditions": REFUSED}, None, id="of before a refusal"),
        # maxReplicas is the user's word, and does not grow from what runs.
        pytest.param(
            {"desiredReplicas": 9, "conditions": limited("TooManyReplicas")}, 9, id="user's cap"
        ),
        pytest.param(
            {"desiredReplicas": 9, "conditions": limited("ScaleUpLimit", "False")}, 9, id="no more"
        ),
        pytest.param({"desiredReplicas": 5, "conditions": None}, 5, id="null conditions"),
    ],
)
def test_a_stated_wish_is_believed_only_if_it_is_demand(status, wish):
    assert parsed(**status).stated_wish == wish


def test_it_scales_one_workload_and_has_a_name():
    record = hpas.parse(made.hpa("scaler", "llm"))

    assert record.target == LLM
    assert (record.autoscaler.kind, record.autoscaler.name) == ("HorizontalPodAutoscaler", "scaler")


def external(field="averageValue", value="6", **kind):
    names = {"averageValue": "AverageValue", "value": "Value"}
    source = {"metric": SELECTED, "target": {"type": names[field], field: value}}
    return {"type": "External", "external": source, **kind}


def seen(source, metric, **current):
    return {"type": source[0].upper() + source[1:], source: {**metric, "current": current}}


CPU = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
}
INGRESS = {
    "metric": {"name": "hits"},
    "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "llm"},
}


@pytest.mark.parametrize(
    ("wanted", "measured", "reading"),
    [
        pytest.param(
            external(),
            seen("external", {"metric": SELECTED}, averageValue="1715m"),
            MetricReading(Basis.REPLICA, Decimal("1.715"), Decimal(6)),
            id="external, of each replica",
        ),
        pytest.param(
            external("value", "2k"),
            seen("external", {"metric": SELECTED}, value="3500"),
            MetricReading(Basis.WORKLOAD, Decimal(3500), Decimal(2000)),
            id="external, of all",
        ),
        pytest.param(
            {
                "type": "Object",
                "object": {**INGRESS, "target": {"type": "AverageValue", "averageValue": "10"}},
            },
            seen("object", INGRESS, averageValue="25"),
            MetricReading(Basis.REPLICA, Decimal(25), Decimal(10)),
            id="of an object",
        ),
        pytest.param(
            {
                "type": "Pods",
                "pods": {
                    "metric": {"name": "queue"},
                    "target": {"type": "AverageValue", "averageValue": "500m"},
                },
            },
            seen("pods", {"metric": {"name": "queue"}}, averageValue="750m"),
            MetricReading(Basis.READY_POD, Decimal("0.75"), Decimal("0.5")),
            id="of pods",
        ),
        pytest.param(
            CPU,
            seen("resource", {"name": "cpu"}, averageUtilization=90, averageValue="900m"),
            MetricReading(Basis.READY_POD, Decimal(90), Decimal(60), is_percent=True),
            id="utilization",
        ),
        pytest.param(
            external(),
            {"type": ""},
            MetricReading(Basis.REPLICA, None, Decimal(6)),
            id="it could not be read",
        ),
        pytest.param(
            external(),
            seen("external", {"metric": {"name": "another"}}, averageValue="1"),
            MetricReading(Basis.REPLICA, None, Decimal(6)),
            id="the spec was edited since",
        ),
        pytest.param(
            external(),
            seen("external", {"metric": SELECTED}, averageValue="-1"),
            MetricReading(Basis.REPLICA, None, Decimal(6)),
            id="it makes no sense",
        ),
        pytest.param(
            {"type": "Oracle"},
            {"type": "Oracle"},
            MetricReading(Basis.WORKLOAD, None, Decimal(1)),
            id="a type of the future",
        ),
    ],
)
def test_a_metric_is_read_beside_its_target(wanted, measured, reading):
    found = parsed([wanted], currentReplicas=7, currentMetrics=[measured])

    assert (found.seen, found.readings) == (7, (reading,))


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({"currentMetrics": None}, id="it did not look"),
        pytest.param(
            {
                "currentMetrics": [seen("external", {"metric": SELECTED}, averageValue="1")],
                "conditions": LOST,
            },
            id="its metrics are lost",
        ),
    ],
)
def test_what_was_not_measured_is_not_read(status):
    assert parsed([external()], currentReplicas=7, **status).readings == ()


def test_a_refused_write_says_nothing_against_what_was_measured():
    measured = [seen("external", {"metric": SELECTED}, averageValue="1")]

    found = parsed([external()], currentReplicas=7, currentMetrics=measured, conditions=REFUSED)

    assert found.is_refused
    assert found.readings == (MetricReading(Basis.REPLICA, Decimal(1), Decimal(6)),)


def test_its_own_bounds_tolerances_and_memory_are_its_spec_s():
    behavior = {
        "scaleUp": {"tolerance": "0"},
        "scaleDown": {"tolerance": "50m", "stabilizationWindowSeconds": 15},
    }

    found = parsed(spec={"minReplicas": 2, "maxReplicas": 30, "behavior": behavior})

    assert (found.least, found.most) == (2, 30)
    assert (found.rise_tolerance, found.fall_tolerance) == (Decimal(0), Decimal("0.05"))
    assert found.remembers_for == timedelta(seconds=15)


def test_without_words_they_are_the_defaults_of_kubernetes():
    found = parsed()

    assert (found.least, found.most, found.remembers_for) == (1, 20, timedelta(minutes=5))
    assert (found.rise_tolerance, found.fall_tolerance) == (Decimal("0.1"), Decimal("0.1"))


def test_a_scale_target_of_the_core_group_has_no_group():
    raw = made.hpa("scaler", "rc")
    raw["spec"]["scaleTargetRef"] = {
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "name": "rc",
    }

    assert hpas.parse(raw).target == WorkloadId("team-a", "ReplicationController", "rc", "")
