"""Audit events become writes, writes become pod lifetimes, lifetimes become an exact spend."""

import json
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from e2e.rig.audit import AuditLog
from e2e.rig.lifetimes import hourly_price, spend

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def event(seconds, user, verb, reference, code=200, request=None, response=None, **more):
    return {
        "stage": "ResponseComplete",
        "requestURI": "/api",
        "user": {"username": user},
        "verb": verb,
        "objectRef": reference,
        "responseStatus": {"code": code},
        "stageTimestamp": at(seconds).isoformat().replace("+00:00", "Z"),
        "requestObject": request,
        "responseObject": response,
        **more,
    }


def pod(uid="u1", name="chat-5f6-a", gpus="1", phase="Pending", *, ready=False, **metadata):
    owner = {"kind": "ReplicaSet", "name": "chat-5f6", "controller": True}
    return {
        "metadata": {
            "uid": uid,
            "name": name,
            "namespace": "ai",
            "labels": {"pod-template-hash": "5f6"},
            "ownerReferences": [owner],
            **metadata,
        },
        "spec": {"containers": [{"resources": {"requests": {"nvidia.com/gpu": gpus}}}]},
        "status": {
            "phase": phase,
            "conditions": [{"type": "Ready", "status": "True"}] if ready else [],
        },
    }


def pods(name="", subresource=""):
    return {"resource": "pods", "subresource": subresource, "namespace": "ai", "name": name}


def created(seconds, **fields):
    return event(seconds, "rs-controller", "create", pods(), 201, response=pod(**fields))


def bound(seconds, uid="u1", name="chat-5f6-a", code=201):
    request = {"metadata": {"uid": uid}, "target": {"name": "gpu-0"}}
    return event(seconds, "scheduler", "create", pods(name, "binding"), code, request)


def status(seconds, **fields):
    return event(seconds, "kwok", "patch", pods("chat-5f6-a", "status"), response=pod(**fields))


def deleted(seconds, grace, user="kwok", **fields):
    mark = {"deletionTimestamp": "2026-11-01T12:00:00Z", "deletionGracePeriodSeconds": grace}
    return event(seconds, user, "delete", pods("chat-5f6-a"), response=pod(**mark, **fields))


def log(tmp_path, *events, torn=""):
    file = tmp_path / "audit.log"
    file.write_text(torn + "".join(json.dumps(each) + "\n" for each in events))
    return AuditLog(file)


def only_life(tmp_path, *events):
    (life,) = log(tmp_path, *events).pod_lifetimes()
    return life


def test_a_pod_is_followed_from_its_creation_to_the_answer_that_removed_it(tmp_path):
    life = only_life(
        tmp_path, created(0), bound(1), status(5, phase="Running", ready=True),
        deleted(20, 3, user="rs-controller"), deleted(23, 0),
    )  # fmt: skip

    assert (life.namespace, life.name, life.owner) == ("ai", "chat-5f6-a", "Deployment/chat")
    assert (life.node, life.requests) == ("gpu-0", {"nvidia.com/gpu": Fraction(1)})
    assert (life.created_at, life.scheduled_at, life.ready_at) == (at(0), at(1), at(5))
    assert (life.ended_at, life.gone_at) == (None, at(23))
    # Bound at 1 s, gone at 23 s: the grace period is paid, the wait for a node is not.
    assert life.paid(NOON, LATER) == timedelta(seconds=22)


def test_a_pod_is_bound_also_where_that_was_answered_before_its_creation(tmp_path):
    # Of an older pod of the same name nothing changes.
    other, life = log(
        tmp_path, created(0, uid="u0"), bound(1, uid="u0"), bound(7), created(8), deleted(9, 0),
    ).pod_lifetimes()  # fmt: skip

    assert (other.scheduled_at, other.gone_at) == (at(1), None)
    assert (life.node, life.scheduled_at, life.created_at, life.gone_at) == (
        "gpu-0",
        at(7),
        at(8),
        at(9),
    )


def test_a_pod_that_was_never_bound_costs_nothing(tmp_path):
    life = only_life(tmp_path, created(0), bound(1, code=409), deleted(9, 0))

    assert (life.scheduled_at, life.gone_at) == (None, at(9))
    assert life.paid(NOON, LATER) == timedelta()


def test_a_finished_pod_is_no_longer_paid_although_its_object_stays(tmp_path):
    life = only_life(tmp_path, created(0), bound(1), status(8, phase="Succeeded"), deleted(99, 0))

    assert (life.ended_at, life.gone_at) == (at(8), at(99))
    assert life.paid(NOON, LATER) == timedelta(seconds=7)


def test_a_finalizer_keeps_a_deleted_pod_until_the_patch_that_takes_it_away(tmp_path):
    mark = {"deletionTimestamp": "2026-11-01T12:00:00Z", "deletionGracePeriodSeconds": 0}
    freed = event(12, "job-controller", "patch", pods("chat-5f6-a"), response=pod(**mark))

    life = only_life(tmp_path, created(0), bound(1), deleted(10, 0, finalizers=["job"]), freed)

    assert life.gone_at == at(12)


def test_a_pod_that_is_not_found_is_gone_even_if_nobody_logged_its_removal(tmp_path):
    unknown = event(30, "kwok", "delete", pods("chat-5f6-a"), code=404)

    life = only_life(tmp_path, created(0), bound(1), deleted(20, 3), unknown)

    assert life.gone_at == at(30)


def test_deleting_a_collection_ends_those_whose_grace_period_is_over(tmp_path):
    mark = {"deletionTimestamp": "2026-11-01T12:00:00Z"}
    first = pod(deletionGracePeriodSeconds=0, **mark)
    second = pod(uid="u2", name="chat-5f6-b", deletionGracePeriodSeconds=30, **mark)
    both = event(9, "namespaces", "deletecollection", pods(), response={"items": [first, second]})

    lives = log(tmp_path, created(0), created(0, uid="u2", name="chat-5f6-b"), both).pod_lifetimes()

    assert [life.gone_at for life in lives] == [at(9), None]


def test_a_name_that_is_used_again_is_another_pod(tmp_path):
    lives = log(
        tmp_path, created(0), bound(1), deleted(4, 0), created(5, uid="u2"), bound(6, uid="u2")
    ).pod_lifetimes()

    assert [life.paid(NOON, at(10)).seconds for life in lives] == [3, 4]


def test_the_spend_is_exact_and_cut_at_the_window(tmp_path):
    read = log(tmp_path, created(0, gpus="3"), bound(10), deleted(70, 0))
    price = {"nvidia.com/gpu": Fraction("4.10")}

    def price_of(life):
        return hourly_price(life.requests, price)

    # 3 GPUs at 4.10 for 60 s: 12.30 / 60 = 0.205; the window's last 20 s: a third of it.
    assert spend(read.pod_lifetimes(), price_of, NOON, LATER) == Fraction("0.205")
    assert spend(read.pod_lifetimes(), price_of, at(50), LATER) == Fraction("0.205") / 3


def test_dry_runs_are_no_writes_and_impersonated_users_are_who_they_claim_to_be(tmp_path):
    deployment = {"resource": "deployments", "namespace": "ai", "name": "chat"}
    dry = event(1, "eve", "patch", deployment, requestURI="/apis/apps/v1/x?dryRun=All")
    posing = event(2, "admin", "patch", deployment, impersonatedUser={"username": "eve"})

    (write,) = log(tmp_path, dry, posing).writes_by("eve", resource="deployments")

    assert (write.verb, write.name, write.at, write.succeeded) == ("patch", "chat", at(2), True)


def test_a_generated_name_is_taken_from_the_answer(tmp_path):
    assert [write.name for write in log(tmp_path, created(0)).writes()] == ["chat-5f6-a"]


def test_a_growing_log_is_read_on_and_half_a_line_waits(tmp_path):
    read = log(tmp_path, created(0))
    assert len(read.writes()) == 1
    line = json.dumps(bound(1))

    with read.paths[0].open("a") as more:
        more.write(line[:20])
        more.flush()
        assert len(read.writes()) == 1
        more.write(line[20:] + "\n")

    assert len(read.writes()) == 2


def test_a_line_torn_by_a_killed_api_server_is_counted_and_left_out(tmp_path):
    read = log(tmp_path, created(0), bound(1), torn='{"stage":"Resp')

    assert len(read.writes()) == 1
    assert read.torn_lines == 1


def test_the_logs_of_two_api_servers_are_one_in_the_order_of_their_answers(tmp_path):
    files = [tmp_path / "audit.log", tmp_path / "audit-2.log"]
    files[0].write_text(json.dumps(created(0)) + "\n" + json.dumps(bound(2)) + "\n")
    files[1].write_text(json.dumps(status(1, phase="Pending")) + "\n")

    assert [write.at for write in AuditLog(*files).writes()] == [at(0), at(1), at(2)]
