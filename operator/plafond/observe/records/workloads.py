"""What all kinds of workloads share: what one replica asks for, and where it may run."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from plafond.api.annotations import is_ignored
from plafond.api.constants import FIELD_MANAGER
from plafond.model.labels import Operator, Requirement
from plafond.model.workload import Workload, WorkloadId
from plafond.observe.records.fields import (
    Raw,
    instant,
    is_terminating,
    metadata,
    part,
    parts,
)
from plafond.observe.records.requests import effective_requests

_DEFAULT_REPLICAS: Final = 1
_DEFAULT_GRACE_SECONDS: Final = 30


def parse(raw: Raw, kind: str) -> Workload:
    """Return the workload of *kind* that *raw* describes, without what only its kind has."""
    meta, spec = metadata(raw), part(raw, "spec")
    pod_spec = part(part(spec, "template"), "spec")
    grace = _number(pod_spec, "terminationGracePeriodSeconds", _DEFAULT_GRACE_SECONDS)
    return Workload(
        id=WorkloadId(meta["namespace"], kind, meta["name"]),
        uid=meta["uid"],
        resource_version=meta["resourceVersion"],
        created_at=instant(meta["creationTimestamp"]),
        replicas=_number(spec, "replicas", _DEFAULT_REPLICAS),
        requests=effective_requests(pod_spec),
        labels=dict(part(meta, "labels")),
        pod_labels=dict(part(part(part(spec, "template"), "metadata"), "labels")),
        node_requirements=node_requirements(pod_spec),
        termination_grace=timedelta(seconds=grace),
        is_count_ours=_is_count_ours(meta),
        is_ignored=is_ignored(part(meta, "annotations")),
        is_terminating=is_terminating(raw),
    )


def is_relevant(before: Workload | None, after: Workload | None) -> bool:
    """Say whether more changed than the version, which every status update raises."""
    if before is None or after is None:
        return before is not after
    return replace(before, resource_version=after.resource_version) != after


def node_requirements(pod_spec: Raw) -> tuple[Requirement, ...]:
    """
    Return what a node's labels must be for a replica to run there.

    Terms of a node affinity are alternatives; of several, only what is common to all is certain.
    What is left out (the rest of them, Gt and Lt, fields) makes more nodes seem possible, hence
    the dearest of their prices higher, never lower.
    """
    selected = tuple(
        Requirement(key, Operator.IN, frozenset({value}))
        for key, value in part(pod_spec, "nodeSelector").items()
    )
    return selected + _affine(part(part(pod_spec, "affinity"), "nodeAffinity"))


def _is_count_ours(meta: Raw) -> bool:
    """Say whether we changed the count last: whoever changes a field takes it over from others."""
    return any(
        entry.get("manager") == FIELD_MANAGER
        and "f:replicas" in part(part(entry, "fieldsV1"), "f:spec")
        for entry in parts(meta, "managedFields")
    )


def _affine(node_affinity: Raw) -> tuple[Requirement, ...]:
    required = part(node_affinity, "requiredDuringSchedulingIgnoredDuringExecution")
    terms = [requirements(term) for term in parts(required, "nodeSelectorTerms")]
    if not terms:
        return ()
    first, *others = terms
    return tuple(found for found in first if all(found in other for other in others))


def requirements(term: Raw) -> tuple[Requirement, ...]:
    """Return the expressions of a selector, or of a term of one."""
    return tuple(
        Requirement(found["key"], Operator(found["operator"]), frozenset(found.get("values") or ()))
        for found in parts(term, "matchExpressions")
        if found["operator"] in set(Operator)
    )


def _number(raw: Raw, name: str, default: int) -> int:
    found = raw.get(name)
    if found is None:
        return default
    if not isinstance(found, int) or found < 0:
        msg = f"{name} is {found!r}"
        raise ValueError(msg)
    return found
