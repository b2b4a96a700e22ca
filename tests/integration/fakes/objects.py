"""Kubernetes objects as the API server words them, with what no test cares about filled in."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.builders import NOW

from plafond.api.convert_closed import closed_spec, past_name
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.model.window import Span

Raw = dict[str, Any]

PODS = "/api/v1/pods"
NAMESPACES = "/api/v1/namespaces"
NODES = "/api/v1/nodes"
REPLICA_SETS = "/apis/apps/v1/replicasets"
DEPLOYMENTS = "/apis/apps/v1/deployments"
QUOTAS = "/api/v1/resourcequotas"
STATEFUL_SETS = "/apis/apps/v1/statefulsets"
HPAS = "/apis/autoscaling/v2/horizontalpodautoscalers"
POLICIES = "/apis/plafond.dev/v1alpha1/costpolicies"
PRICES = "/apis/plafond.dev/v1alpha1/pricesheets"
LEDGERS = "/apis/plafond.dev/v1alpha1/spendledgers"

CREATED = "2026-11-01T08:00:00Z"


def meta(name: str, namespace: str | None = None, **more: Any) -> Raw:
    where = {} if namespace is None else {"namespace": namespace}
    return {
        "name": name,
        **where,
        "uid": more.pop("uid", f"uid-{name}"),
        "resourceVersion": "1",
        "creationTimestamp": CREATED,
        **more,
    }


def owned_by(kind: str, name: str, uid: str) -> list[Raw]:
    return [{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": True}]


def container(**requests: str) -> Raw:
    return {
        "name": "engine",
        "image": "engine:1",
        "resources": {
            "requests": {name.replace("_", "/"): each for name, each in requests.items()}
        },
    }


def gpu_container(gpus: str = "1") -> Raw:
    return {
        "name": "engine",
        "image": "engine:1",
        "resources": {
            "limits": {"nvidia.com/gpu": gpus},
            "requests": {"cpu": "500m", "memory": "1Gi", "nvidia.com/gpu": gpus},
        },
    }


def condition(kind: str, value: str, since: str, reason: str = "") -> Raw:
    return {"type": kind, "status": value, "lastTransitionTime": since, "reason": reason}


def pod(name: str, namespace: str = "team-a", **more: Any) -> Raw:
    owner = more.pop("replica_set", None)
    references = owned_by("ReplicaSet", owner, f"uid-{owner}") if owner else None
    return {
        "metadata": meta(
            name, namespace, **({"ownerReferences": references} if references else {})
        ),
        "spec": {"nodeName": "node-1", "containers": [gpu_container()], **more.pop("spec", {})},
        "status": {
            "phase": "Running",
            "conditions": [
                condition("PodScheduled", "True", "2026-11-01T08:00:01Z"),
                condition("Ready", "True", "2026-11-01T08:02:00Z"),
            ],
            **more.pop("status", {}),
        },
    }


def replica_set(name: str, deployment: str, namespace: str = "team-a") -> Raw:
    references = owned_by("Deployment", deployment, f"uid-{deployment}")
    return {"metadata": meta(name, namespace, ownerReferences=references), "spec": {}}


def deployment(name: str, namespace: str = "team-a", replicas: int | None = 2, **more: Any) -> Raw:
    pod_spec = {"containers": [gpu_container()], **more.pop("pod_spec", {})}
    count = {} if replicas is None else {"replicas": replicas}
    return {
        "metadata": meta(name, namespace, **more),
        "spec": {**count, "template": {"metadata": {}, "spec": pod_spec}},
        "status": {},
    }


def stateful_set(name: str, when_scaled: str | None = None, **more: Any) -> Raw:
    raw = deployment(name, **more)
    if when_scaled is not None:
        raw["spec"]["persistentVolumeClaimRetentionPolicy"] = {"whenScaled": when_scaled}
    return raw


def hpa(name: str, target: str, namespace: str = "team-a", **status: Any) -> Raw:
    return {
        "metadata": meta(name, namespace),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
            "maxReplicas": 20,
        },
        "status": status,
    }


def node(name: str, **labels: str) -> Raw:
    return {
        "metadata": meta(name, labels=labels),
        "status": {"allocatable": {"cpu": "64", "memory": "512Gi", "nvidia.com/gpu": "8"}},
    }


def namespace(name: str, **annotations: str) -> Raw:
    renamed = {f"plafond.dev/{key}": each for key, each in annotations.items()}
    of_kind = {"apiVersion": "v1", "kind": "Namespace"}
    return {**of_kind, "metadata": meta(name, annotations=renamed), "status": {"phase": "Active"}}


def policy(name: str, namespace: str = "team-a", **spec: Any) -> Raw:
    return {
        "metadata": meta(name, namespace, generation=1),
        "spec": {"mode": "Enforce", "ceilings": {"replicas": 4}, **spec},
    }


def price_sheet(name: str, **spec: Any) -> Raw:
    return {
        "metadata": meta(name, generation=1),
        "spec": {
            "currency": "EUR",
            "validFrom": CREATED,
            "nodes": [
                {
                    "name": "any",
                    "nodeSelector": {},
                    "capacityType": "OnDemand",
                    "prices": {"nvidia.com/gpu": "4.10"},
                }
            ],
            **spec,
        },
    }


def ledger(name: str, namespace: str, memory: str = "{}") -> Raw:
    return {"metadata": meta(name, namespace), "spec": {"series": [], "memory": memory}}


def spent_days_ago(days: int, namespace: str = "team-a") -> Raw:
    """Return a ledger in which something was spent so many days ago, and nothing is closed."""
    at = NOW - timedelta(days=days)
    run = {"start": f"{at:%Y-%m-%dT%H:%M:%SZ}", "lengthSeconds": "3600", "values": "7"}
    spec = ledger("plafond", namespace)["spec"]
    series = [{"fact": "Spend", "unit": "EUR", "runs": [run]}]
    as_of = f"{NOW - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
    return {
        "metadata": meta("plafond", namespace),
        "spec": {**spec, "series": series, "asOf": as_of},
    }


def past(until: datetime, value: str = "1", namespace: str = "team-a") -> Raw:
    """Return a closed ledger as one may continue it: an hour that ends *until* then."""
    hour = Span(until - timedelta(hours=1), until)
    key = SeriesKey(Fact.SPEND, "EUR")
    held = Ledger(None, {key: (Bucket(hour.start, hour.length, Decimal(value)),)})
    spec = closed_spec(held, hour)
    name = past_name(spec)
    return {"metadata": meta(name, namespace, uid=f"uid-{name}"), "spec": spec}


def quota(namespace: str = "team-a", name: str = "plafond", **spec: Any) -> Raw:
    uid = "uid-quota" if name == "plafond" else f"uid-{name}"
    labels = {"app.kubernetes.io/managed-by": "plafond"}
    hard = {"requests.nvidia.com/gpu": "4"}
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": meta(name, namespace, labels=labels, uid=uid),
        "spec": {"hard": hard, **spec},
    }
