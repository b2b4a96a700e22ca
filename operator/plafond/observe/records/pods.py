"""Pods: what they ask for, and when they began to cost, to serve and to end."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from plafond.model.workload import Pod, WorkloadId
from plafond.observe.records.fields import (
    Raw,
    condition,
    controller,
    instant,
    is_terminating,
    metadata,
    optional_instant,
    part,
    parts,
)
from plafond.observe.records.requests import effective_requests

_TERMINAL_PHASES = ("Succeeded", "Failed")
_PRECISION = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class PodRecord:
    """A pod whose Deployment is not known yet; *is_over* without `ended_at` is to be settled."""

    pod: Pod
    replica_set_uid: str | None
    is_over: bool


def parse(raw: Raw) -> PodRecord:
    """Return the pod that *raw* describes."""
    status = part(raw, "status")
    is_over = status.get("phase") in _TERMINAL_PHASES
    owner = controller(raw, "ReplicaSet")
    pod = Pod(
        uid=metadata(raw)["uid"],
        namespace=metadata(raw)["namespace"],
        name=metadata(raw)["name"],
        requests=effective_requests(part(raw, "spec")),
        owner=_stateful_set(raw),
        node=part(raw, "spec").get("nodeName"),
        scheduled_at=_scheduled_at(raw),
        ready_at=_since(raw, "Ready"),
        ended_at=_ended_at(raw) if is_over else None,
        is_terminating=is_terminating(raw),
    )
    return PodRecord(pod, owner["uid"] if owner else None, is_over)


def _stateful_set(raw: Raw) -> WorkloadId | None:
    owner = controller(raw, "StatefulSet")
    # Others have a kind of that name, too.
    if owner is None or owner.get("apiVersion") != "apps/v1":
        return None
    return WorkloadId(metadata(raw)["namespace"], "StatefulSet", owner["name"])


def settle(record: PodRecord, before: PodRecord | None, at: datetime) -> PodRecord:
    """Complete *record* with when things were first seen, where it does not say so itself."""
    last = before.pod if before is not None else None
    pod = replace(record.pod, scheduled_at=_refined(record.pod.scheduled_at, last, at))
    if record.is_over and pod.ended_at is None:
        pod = replace(pod, ended_at=(last.ended_at if last is not None else None) or at)
    return replace(record, pod=pod)


def _refined(told: datetime | None, last: Pod | None, at: datetime) -> datetime | None:
    # The API server tells whole seconds. Where we saw it happen, we know when in that second it
    # was; else every start would be charged half a second too much.
    if told is None or last is None:
        return told
    if last.scheduled_at is None:
        return min(max(at, told), told + _PRECISION)
    return last.scheduled_at if told <= last.scheduled_at <= told + _PRECISION else told


def _scheduled_at(raw: Raw) -> datetime | None:
    since = _since(raw, "PodScheduled")
    if since is None and part(raw, "spec").get("nodeName"):
        # Bound without a scheduler, as static pods are: it costs all the same.
        return optional_instant(part(raw, "status").get("startTime")) or instant(
            metadata(raw)["creationTimestamp"]
        )
    return since


def _since(raw: Raw, kind: str) -> datetime | None:
    found = condition(raw, kind)
    return optional_instant(found.get("lastTransitionTime")) if _is_true(found) else None


def _is_true(found: Raw) -> bool:
    return found.get("status") == "True"


def _ended_at(raw: Raw) -> datetime | None:
    """Return when a pod that is over ended, as well as it says itself."""
    finished = [
        instant(ended["finishedAt"])
        for container in parts(part(raw, "status"), "containerStatuses")
        if (ended := part(part(container, "state"), "terminated")).get("finishedAt")
    ]
    return max(finished, default=None) or _stopped_at(raw)


def _stopped_at(raw: Raw) -> datetime | None:
    """Return the last sign of the end: evicted pods and those of lost nodes name no containers."""
    signs = [
        found
        for kind, status in (
            ("Ready", "False"),
            ("ContainersReady", "False"),
            ("DisruptionTarget", "True"),
        )
        if (found := condition(raw, kind)).get("status") == status
    ]
    times = (optional_instant(sign.get("lastTransitionTime")) for sign in signs)
    return max((time for time in times if time is not None), default=None)
