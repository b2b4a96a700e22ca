"""Raw Deployments into workloads."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from tests.integration.fakes.objects import deployment

from plafond.model.labels import Operator, Requirement
from plafond.model.workload import WorkloadId
from plafond.observe.records.deployments import parse
from plafond.observe.records.workloads import is_relevant, node_requirements


def affinity(*terms):
    required = {"nodeSelectorTerms": list(terms)}
    return {
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    }


def term(*expressions):
    return {
        "matchExpressions": [
            {"key": key, "operator": operator, **({"values": values} if values else {})}
            for key, operator, values in expressions
        ]
    }


def test_a_deployment_is_a_workload():
    raw = deployment(
        "llm",
        replicas=3,
        labels={"tier": "hot"},
        annotations={"plafond.dev/ignore": "true"},
        pod_spec={"terminationGracePeriodSeconds": 120, "nodeSelector": {"gpu": "h100"}},
    )

    workload = parse(raw)

    assert workload.id == WorkloadId("team-a", "Deployment", "llm")
    assert (workload.uid, workload.resource_version) == ("uid-llm", "1")
    assert workload.created_at == datetime(2026, 11, 1, 8, tzinfo=UTC)
    assert workload.replicas == 3
    assert workload.requests["nvidia.com/gpu"] == Decimal(1)
    assert workload.labels == {"tier": "hot"}
    assert workload.node_requirements == (Requirement("gpu", Operator.IN, frozenset({"h100"})),)
    assert workload.termination_grace == timedelta(minutes=2)
    assert workload.is_ignored
    assert not workload.is_terminating


def test_absent_replicas_are_one_and_absent_grace_is_half_a_minute():
    workload = parse(deployment("llm", replicas=None))

    assert (workload.replicas, workload.termination_grace) == (1, timedelta(seconds=30))


def test_zero_replicas_and_no_grace_are_what_they_say():
    workload = parse(deployment("llm", replicas=0, pod_spec={"terminationGracePeriodSeconds": 0}))

    assert (workload.replicas, workload.termination_grace) == (0, timedelta(0))


@pytest.mark.parametrize("value", ["false", "True", "", "yes"])
def test_only_true_asks_to_be_ignored(value):
    assert not parse(deployment("llm", annotations={"plafond.dev/ignore": value})).is_ignored


def test_a_deployment_that_is_being_deleted_is_terminating():
    assert parse(deployment("llm", deletionTimestamp="2026-11-01T09:00:00Z")).is_terminating


def managed(manager, *fields, subresource=""):
    return {
        "manager": manager,
        "operation": "Update",
        "subresource": subresource,
        "fieldsV1": {"f:spec": {f"f:{name}": {} for name in fields}},
    }


@pytest.mark.parametrize(
    ("entries", "is_ours"),
    [
        pytest.param([], False, id="nobody noted"),
        pytest.param([managed("plafond", "replicas", subresource="scale")], True, id="we did"),
        pytest.param(
            [managed("kubectl", "replicas"), managed("plafond", "template")],
            False,
            id="we wrote something else",
        ),
        pytest.param(
            [managed("kube-controller-manager", "replicas", subresource="scale")],
            False,
            id="an autoscaler did",
        ),
        pytest.param([{"manager": "plafond"}], False, id="no fields"),
    ],
)
def test_the_count_is_ours_when_our_field_manager_holds_it(entries, is_ours):
    assert parse(deployment("llm", managedFields=entries)).is_count_ours is is_ours


@pytest.mark.parametrize("count", ["3", -1, 2.5])
def test_a_count_that_is_none_is_an_error(count):
    with pytest.raises(ValueError, match="replicas"):
        parse(deployment("llm", replicas=count))


@pytest.mark.parametrize(
    ("pod_spec", "expected"),
    [
        pytest.param({}, [], id="anywhere"),
        pytest.param({"nodeSelector": {"gpu": "h100"}}, [("gpu", "In", {"h100"})], id="selector"),
        pytest.param(
            affinity(
                term(("gpu", "In", ["h100", "a100"]), ("spot", "DoesNotExist", None)),
            ),
            [("gpu", "In", {"h100", "a100"}), ("spot", "DoesNotExist", set())],
            id="one term: all of it",
        ),
        pytest.param(
            affinity(
                term(("gpu", "In", ["h100"]), ("zone", "In", ["a"])),
                term(("zone", "In", ["b"]), ("gpu", "In", ["h100"])),
            ),
            [("gpu", "In", {"h100"})],
            id="several terms: what is common to all",
        ),
        pytest.param(affinity(term(("gpu", "Exists", None)), term()), [], id="an empty term"),
        pytest.param(
            affinity(term(("cores", "Gt", ["8"]), ("gpu", "Exists", None))),
            [("gpu", "Exists", set())],
            id="numbers are left out",
        ),
        pytest.param(
            {"nodeSelector": {"pool": "x"}, **affinity(term(("gpu", "NotIn", ["t4"])))},
            [("pool", "In", {"x"}), ("gpu", "NotIn", {"t4"})],
            id="both",
        ),
    ],
)
def test_node_requirements_are_what_is_certain(pod_spec, expected):
    assert node_requirements(pod_spec) == tuple(
        Requirement(key, Operator(operator), frozenset(values))
        for key, operator, values in expected
    )


def test_a_new_version_alone_is_not_relevant():
    before = parse(deployment("llm"))
    echoed = parse(deployment("llm") | {"status": {"readyReplicas": 2}})
    scaled = parse(deployment("llm", replicas=3))

    assert not is_relevant(before, echoed)
    assert is_relevant(before, scaled)
    assert is_relevant(None, before)
    assert is_relevant(before, None)


@pytest.mark.parametrize(
    ("strategy", "pods"),
    [
        # A quarter of five, rounded up.
        pytest.param({}, 2, id="the default"),
        pytest.param({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "50%"}}, 3, id="part"),
        pytest.param({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}, 1, id="count"),
        pytest.param({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0}}, 0, id="none"),
        # No rollout starts more new pods than there are replicas.
        pytest.param({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 99}}, 5, id="many"),
        pytest.param({"type": "Recreate"}, 0, id="recreate"),
    ],
)
def test_a_rollout_runs_so_many_pods_beside_five_replicas(strategy, pods):
    raw = deployment("llm")
    raw["spec"]["strategy"] = strategy

    assert parse(raw).surge.of(5) == pods
