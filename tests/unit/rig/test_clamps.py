"""What the demo calls clamped or refused: by the audit log, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from e2e.demo.clamps import clamps
from e2e.demo.scene import NAMESPACE
from e2e.rig.audit import AuditWrite

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def spec(replicas):
    return {"spec": {"replicas": replicas}}


WRITE = AuditWrite(
    "anna", "patch", "deployments", "scale", NAMESPACE, "chat", 200, NOON, spec(30), spec(7)
)


def found(*writes):
    return [
        (c.user, c.write, c.asked, c.got, c.why, c.times)
        for c in clamps(writes, NOON, lambda _: "month 82 %")
    ]


def test_a_write_that_got_less_than_it_asked_for_is_clamped_and_says_why():
    assert found(WRITE) == [("anna", "patch deployments/scale chat", "30", "7", "month 82 %", 1)]


@pytest.mark.parametrize(
    "write",
    [
        replace(WRITE, response_object=spec(30)),
        replace(WRITE, namespace="elsewhere"),
        replace(WRITE, at=NOON - timedelta(seconds=1)),
        replace(WRITE, request_object=None),
        replace(WRITE, code=409),
        # The controllers' updates of ReplicaSets are answered without a spec.
        replace(WRITE, resource="replicasets", subresource="", response_object={}),
    ],
    ids=["all", "elsewhere", "before", "no count", "a conflict", "a ReplicaSet"],
)
def test_other_writes_are_not(write):
    assert found(write) == []


def test_an_answer_without_a_count_is_a_scale_of_zero():
    assert found(replace(WRITE, response_object={"spec": {}}))[0][3] == "0"


def test_a_refusal_says_what_the_api_server_said_and_its_like_are_one_row():
    pod = replace(WRITE, verb="create", resource="pods", subresource="", name="chat-1", code=403,
                  request_object={}, response_object={"message": "exceeded quota"})  # fmt: skip

    assert found(pod, replace(pod, name="chat-2")) == [
        ("anna", "create pods", "-", "refused", "exceeded quota", 2)
    ]
