"""From audited writes to pod lifetimes, and from these to the true spend.

Independent of the operator: nothing here is imported from it, and nothing of its ledger is read.
A pod is paid from its binding until its phase is final or its object is gone.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from e2e.rig.quantities import Requests, pod_requests

if TYPE_CHECKING:
    from e2e.rig.audit import AuditWrite

FINAL_PHASES = ("Succeeded", "Failed")
NOT_FOUND = 404
HOUR = timedelta(hours=1)
GIB = Fraction(1024) ** 3


@dataclass(frozen=True)
class PodLifetime:
    """When one pod was created, bound to a node, ready, finished and gone, as far as it came."""

    uid: str
    namespace: str
    name: str
    owner: str
    created_at: datetime
    requests: Requests = field(default_factory=dict)
    node: str | None = None
    scheduled_at: datetime | None = None
    ready_at: datetime | None = None
    ended_at: datetime | None = None
    gone_at: datetime | None = None

    def paid(self, since: datetime, until: datetime) -> timedelta:
        """Return for how long between *since* and *until* the pod is paid."""
        if self.scheduled_at is None:
            return timedelta()
        ends = [end for end in (self.ended_at, self.gone_at, until) if end is not None]
        return max(timedelta(), min(ends) - max(self.scheduled_at, since))


def spend(
    lives: Iterable[PodLifetime],
    hourly_price: Callable[[PodLifetime], Fraction],
    since: datetime,
    until: datetime,
) -> Fraction:
    """Return what *lives* cost between *since* and *until*, exactly."""
    return sum(
        (hourly_price(life) * _microseconds(life.paid(since, until)) for life in lives), Fraction()
    ) / _microseconds(HOUR)


def hourly_price(requests: Requests, prices: Mapping[str, Fraction]) -> Fraction:
    """Return the price of *requests*; *prices* are per unit-hour, memory's is `memoryGiB`."""
    amounts = {**requests, "memoryGiB": requests.get("memory", Fraction()) / GIB}
    return sum((amounts.get(name, Fraction()) * each for name, each in prices.items()), Fraction())


def pod_lifetimes(writes: Iterable["AuditWrite"]) -> tuple[PodLifetime, ...]:
    """Return the lifetimes that *writes* tell, in the order of the pods' creation."""
    lives: dict[str, PodLifetime] = {}
    # A write is told of when it was answered, so a pod may be bound before it is created.
    early: dict[str, AuditWrite] = {}
    for write in writes:
        if write.resource != "pods":
            continue
        uid = _bound_uid(write)
        if uid and uid not in lives:
            early[uid] = write
            continue
        for life in _told_by(write, lives):
            lives[life.uid] = life
            if life.uid in early:
                lives[life.uid] = _bound_by(early.pop(life.uid), life)
    return tuple(lives.values())


def _told_by(write: "AuditWrite", lives: Mapping[str, PodLifetime]) -> list[PodLifetime]:
    if write.verb == "delete" and write.code == NOT_FOUND:
        # The answer that removed it may have been lost with a killed API server.
        gone = [life for life in lives.values() if _is_named_in(life, write)]
        return [replace(life, gone_at=life.gone_at or write.at) for life in gone]
    if not write.succeeded:
        return []
    if write.subresource == "binding":
        return _bound(write, lives)
    answer = write.response_object or {}
    pods = answer.get("items", ()) if write.verb == "deletecollection" else (answer,)
    return [
        _seen(pod, write, lives.get(pod["metadata"]["uid"]) or _created(pod, write))
        for pod in pods
        if pod.get("metadata", {}).get("uid")
    ]


def _bound(write: "AuditWrite", lives: Mapping[str, PodLifetime]) -> list[PodLifetime]:
    uid = _bound_uid(write)
    # A name can be used again: without a uid, the youngest pod of that name is meant.
    named = [life for life in lives.values() if _is_named_in(life, write)]
    meant = [lives[uid]] if uid else named[-1:]
    return [_bound_by(write, life) for life in meant]


def _bound_uid(write: "AuditWrite") -> str:
    """Return the uid of the pod that *write* has bound; empty where it does not say, or has not."""
    if write.subresource != "binding" or not write.succeeded:
        return ""
    return str((write.request_object or {}).get("metadata", {}).get("uid") or "")


def _bound_by(write: "AuditWrite", life: PodLifetime) -> PodLifetime:
    node = (write.request_object or {})["target"]["name"]
    return replace(life, node=node, scheduled_at=write.at)


def _is_named_in(life: PodLifetime, write: "AuditWrite") -> bool:
    return (life.namespace, life.name) == (write.namespace, write.name)


def _created(pod: Mapping[str, Any], write: "AuditWrite") -> PodLifetime:
    metadata, node = pod["metadata"], pod["spec"].get("nodeName")
    return PodLifetime(
        uid=metadata["uid"],
        namespace=metadata["namespace"],
        name=metadata["name"],
        owner=owner_of(metadata),
        created_at=write.at,
        requests=pod_requests(pod["spec"]),
        node=node,
        scheduled_at=write.at if node else None,
    )


def owner_of(metadata: Mapping[str, Any]) -> str:
    """Return "Kind/name" of what controls the pod; a ReplicaSet's Deployment by its hash."""
    owners = [each for each in metadata.get("ownerReferences", ()) if each.get("controller")]
    if not owners:
        return f"Pod/{metadata['name']}"
    kind, name = owners[0]["kind"], owners[0]["name"]
    template_hash = metadata.get("labels", {}).get("pod-template-hash")
    if kind == "ReplicaSet" and template_hash and name.endswith(f"-{template_hash}"):
        return f"Deployment/{name.removesuffix(f'-{template_hash}')}"
    return f"{kind}/{name}"


def _seen(pod: Mapping[str, Any], write: "AuditWrite", life: PodLifetime) -> PodLifetime:
    """Return *life* with what this answer shows for the first time."""
    status = pod.get("status", {})
    conditions = status.get("conditions", ())
    is_ready = any(row["type"] == "Ready" and row["status"] == "True" for row in conditions)
    is_final = status.get("phase") in FINAL_PHASES
    return replace(
        life,
        ready_at=life.ready_at or (write.at if is_ready else None),
        ended_at=life.ended_at or (write.at if is_final else None),
        gone_at=life.gone_at or (write.at if _is_removed(pod, write.verb) else None),
    )


def _is_removed(pod: Mapping[str, Any], verb: str) -> bool:
    """Whether the answer is the last one: nothing holds the deleted pod any more."""
    metadata = pod["metadata"]
    is_deleted = verb in ("delete", "deletecollection") or "deletionTimestamp" in metadata
    grace = metadata.get("deletionGracePeriodSeconds", 0)
    return is_deleted and grace == 0 and not metadata.get("finalizers")


def _microseconds(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
