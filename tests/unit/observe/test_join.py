"""Pods find their workloads, and workloads their autoscalers."""

from datetime import UTC, datetime, timedelta

from tests.integration.fakes import objects as made

from plafond.model.autoscaler import Autoscaler
from plafond.model.workload import WorkloadId
from plafond.observe import kinds
from plafond.observe.join import PodJoin, joined_workloads
from plafond.observe.records import deployments, hpas
from plafond.observe.store import Store

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
LLM = WorkloadId("team-a", "Deployment", "llm")


def stored(kind, *raws):
    found = Store(kind, timedelta(hours=1))
    found.replace(found.understood(raws, NOW), NOW)
    return found


def test_pods_come_in_order_with_their_owners():
    sets = stored(kinds.REPLICA_SETS, made.replica_set("llm-1", "llm"))
    pods = stored(
        kinds.PODS,
        made.pod("z"),
        made.pod("llm-1-a", replica_set="llm-1"),
        made.pod("lost", replica_set="unknown"),
    )

    assert [(pod.name, pod.owner) for pod in PodJoin().joined(pods, sets)] == [
        ("llm-1-a", LLM),
        ("lost", None),
        ("z", None),
    ]


def test_the_last_pods_of_a_replica_set_that_is_gone_keep_their_owner():
    sets = stored(kinds.REPLICA_SETS, made.replica_set("llm-1", "llm"))
    pods = stored(kinds.PODS, made.pod("llm-1-a", replica_set="llm-1"))
    sets.remove(made.replica_set("llm-1", "llm"), NOW)

    assert [pod.owner for pod in PodJoin().joined(pods, sets)] == [LLM]


def test_a_pod_that_vanished_has_ended_when_that_was_observed():
    sets, pods = stored(kinds.REPLICA_SETS), stored(kinds.PODS, made.pod("gone"))

    pods.replace({}, NOW)

    assert [pod.ended_at for pod in PodJoin().joined(pods, sets)] == [NOW]


def test_a_pod_that_ended_before_it_vanished_ended_then():
    done = made.pod(
        "done",
        status={
            "phase": "Succeeded",
            "containerStatuses": [
                {"state": {"terminated": {"finishedAt": "2026-11-01T08:30:00Z"}}}
            ],
        },
    )
    sets, pods = stored(kinds.REPLICA_SETS), stored(kinds.PODS, done)

    pods.replace({}, NOW)

    assert [pod.ended_at for pod in PodJoin().joined(pods, sets)] == [NOW - timedelta(minutes=30)]


def test_workloads_come_in_order_with_their_autoscalers():
    workloads = [deployments.parse(made.deployment(name)) for name in ("tts", "llm")]
    scalers = [hpas.parse(made.hpa("scaler", "llm", desiredReplicas=3))]

    assert [(each.id.name, each.autoscaler) for each in joined_workloads(workloads, scalers)] == [
        ("llm", Autoscaler("HorizontalPodAutoscaler", "scaler", 3, most=20)),
        ("tts", None),
    ]


def test_two_autoscalers_of_one_workload_cannot_be_believed():
    workloads = [deployments.parse(made.deployment("llm"))]
    scalers = [
        hpas.parse(made.hpa(name, "llm", desiredReplicas=wish))
        for name, wish in (("b", 3), ("a", 7))
    ]

    (workload,) = joined_workloads(workloads, scalers)

    assert workload.autoscaler == Autoscaler("HorizontalPodAutoscaler", "a, b", None)


def test_what_stands_still_stays_the_object_that_it_was():
    sets = stored(kinds.REPLICA_SETS, made.replica_set("llm-1", "llm"))
    pods = stored(kinds.PODS, made.pod("still", replica_set="llm-1"), made.pod("moved"))
    join = PodJoin()
    moved, still = join.joined(pods, sets)

    raw = made.pod("moved", spec={"nodeName": "node-2"})
    pods.put(raw | {"metadata": raw["metadata"] | {"resourceVersion": "2"}}, NOW)
    later_moved, later_still = join.joined(pods, sets)

    assert later_still is still
    assert (moved.node, later_moved.node) == ("node-1", "node-2")


def test_a_pod_finds_an_owner_that_is_observed_later():
    sets, pods = stored(kinds.REPLICA_SETS), stored(kinds.PODS, made.pod("a", replica_set="llm-1"))
    join = PodJoin()
    assert [pod.owner for pod in join.joined(pods, sets)] == [None]

    sets.put(made.replica_set("llm-1", "llm"), NOW)

    assert [pod.owner for pod in join.joined(pods, sets)] == [LLM]
