"""Raw pods into records: when they cost, serve and end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from tests.integration.fakes.objects import condition, owned_by, pod

from plafond.observe.records.pods import parse, settle


def at(hour, minute=0, second=0):
    return datetime(2026, 11, 1, hour, minute, second, tzinfo=UTC)


SEEN = at(12)
SCHEDULED = condition("PodScheduled", "True", "2026-11-01T08:00:01Z")


def terminated(finished):
    return {"state": {"terminated": {"exitCode": 0, "finishedAt": finished}}}


def over(phase="Succeeded", conditions=(SCHEDULED,), containers=()):
    status = {"phase": phase, "conditions": list(conditions), "containerStatuses": list(containers)}
    return pod("done", status=status)


def test_a_running_pod_costs_since_it_was_scheduled_and_serves_since_it_was_ready():
    record = parse(pod("llm-1-a", replica_set="llm-1"))

    assert record.replica_set_uid == "uid-llm-1"
    assert record.pod.node == "node-1"
    assert record.pod.scheduled_at == at(8, 0, 1)
    assert record.pod.ready_at == at(8, 2)
    assert record.pod.ended_at is None
    assert record.pod.requests == {
        "cpu": Decimal("0.5"),
        "memory": Decimal(2**30),
        "nvidia.com/gpu": Decimal(1),
    }


@pytest.mark.parametrize(
    "status",
    [
        {"phase": "Pending", "conditions": []},
        {"phase": "Pending", "conditions": None},
        {
            "phase": "Pending",
            "conditions": [condition("PodScheduled", "False", "2026-11-01T08:00:01Z")],
        },
    ],
)
def test_a_pod_that_waits_for_a_node_costs_nothing(status):
    record = parse(pod("waiting", status=status, spec={"nodeName": None}))

    assert record.pod.scheduled_at is None


def test_a_pod_on_a_node_that_no_scheduler_chose_costs_since_its_start():
    raw = pod("static", status={"conditions": [], "startTime": "2026-11-01T08:00:05Z"})

    assert parse(raw).pod.scheduled_at == at(8, 0, 5)


def test_a_pod_that_is_no_longer_ready_does_not_serve():
    lost = condition("Ready", "False", "2026-11-01T10:00:00Z")

    assert parse(pod("lost", status={"conditions": [SCHEDULED, lost]})).pod.ready_at is None


def test_a_pod_of_unknown_phase_has_not_ended_and_costs():
    assert parse(pod("lost", status={"phase": "Unknown"})).pod.is_running


def test_a_terminating_pod_costs_and_does_not_serve():
    raw = pod("going")
    raw["metadata"]["deletionTimestamp"] = "2026-11-01T10:00:00Z"

    found = parse(raw).pod

    assert (found.is_running, found.is_ready) == (True, False)


def test_a_pod_ends_with_its_last_container():
    containers = [terminated("2026-11-01T09:00:00Z"), terminated("2026-11-01T09:30:00Z"), {}]

    assert parse(over(containers=containers)).pod.ended_at == at(9, 30)


def test_an_evicted_pod_names_no_container_and_ended_when_its_conditions_say():
    conditions = [SCHEDULED, condition("Ready", "False", "2026-11-01T09:10:00Z", "PodFailed")]

    assert parse(over("Failed", conditions)).pod.ended_at == at(9, 10)


def test_a_pod_of_a_lost_node_ended_when_it_was_given_up_and_not_when_it_fell_silent():
    conditions = [
        SCHEDULED,
        condition("Ready", "False", "2026-11-01T09:10:00Z"),
        condition("DisruptionTarget", "True", "2026-11-01T09:20:00Z"),
    ]

    assert parse(over("Failed", conditions)).pod.ended_at == at(9, 20)


def test_an_end_that_nobody_dated_is_when_it_was_first_seen():
    record = parse(over())

    first = settle(record, None, SEEN)
    again = settle(record, first, at(13))

    assert first.pod.ended_at == SEEN
    assert again.pod.ended_at == SEEN


def test_what_has_not_ended_is_left_as_it_is():
    record = parse(pod("runs"))

    assert settle(record, replace(record), SEEN) == record


@pytest.mark.parametrize(
    ("milliseconds", "refined"),
    [
        pytest.param(400, 400, id="seen within the second that is told"),
        pytest.param(-300, 0, id="by a clock that is behind: not before it"),
        pytest.param(2500, 1000, id="seen late: at its end at the latest"),
    ],
)
def test_a_start_that_was_seen_is_known_better_than_to_the_second(milliseconds, refined):
    record = parse(over(phase="Running"))
    told = record.pod.scheduled_at
    waiting = replace(record, pod=replace(record.pod, scheduled_at=None))

    first = settle(record, waiting, told + timedelta(milliseconds=milliseconds))
    again = settle(record, first, told + timedelta(hours=1))

    assert first.pod.scheduled_at == told + timedelta(milliseconds=refined)
    assert again.pod.scheduled_at == first.pod.scheduled_at


def test_a_start_that_nobody_saw_is_as_it_is_told():
    record = parse(over(phase="Running"))

    assert settle(record, None, SEEN).pod.scheduled_at == record.pod.scheduled_at


def test_only_the_controller_owns():
    raw = pod("both")
    raw["metadata"]["ownerReferences"] = [
        {"kind": "ReplicaSet", "name": "other", "uid": "uid-other"},
        *owned_by("Job", "train", "uid-train"),
    ]

    assert parse(raw).replica_set_uid is None


@pytest.mark.parametrize(
    "broken",
    [
        {"metadata": {"name": "no-uid", "namespace": "team-a"}},
        {"metadata": None},
        {},
        pod("bad-time", status={"conditions": [condition("PodScheduled", "True", "yesterday")]}),
        pod("no-zone", status={"conditions": [condition("Ready", "True", "2026-11-01T08:00:00")]}),
        pod("bad-amount", spec={"containers": [{"resources": {"requests": {"cpu": "lots"}}}]}),
        pod("bad-shape", spec={"containers": "none"}),
    ],
)
def test_a_pod_that_makes_no_sense_is_an_error_that_the_store_understands(broken):
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        parse(broken)
