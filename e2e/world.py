"""What the stories are made of: deployments, policies, the operator's configuration, the truth."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from e2e.rig.cluster import Rig
from e2e.rig.engine import Profile
from e2e.rig.lifetimes import PodLifetime, spend
from e2e.rig.polling import poll
from e2e.rig.ports import free_ports
from e2e.rig.processes import Process

API = "plafond.dev/v1alpha1"
GPU = "nvidia.com/gpu"
# 3.60 an hour is a tenth of a cent a second: sums can be checked by eye.
PRICE_PER_GPU_HOUR = "3.60"

# Stories last minutes where the world has hours: what takes a minute in production takes three
# seconds here.
FACTOR = 20
TIMING = {
    "observationLag": "1s",
    "raiseInterval": "3s",
    "boundMemory": "15s",
    "floorReturnInterval": "30s",
    "probeInterval": "3s",
    "defaultStartDelay": "2s",
    "guardLimit": "12m",
    # Out of the way of every story that is not about them.
    "brakeInterval": "1s",
    "releaseDelay": "1s",
    "admissionProbeInterval": "3s",
    "statusInterval": "2s",
    "checkpointInterval": "15s",
    "metricsGapReportedAfter": "3s",
}


def fresh_namespace(rig: Rig, base: str) -> str:
    """Create a namespace that no other test, or earlier turn of the same one, has used."""
    name = f"{base}-{secrets.token_hex(2)}"
    rig.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def utc_now() -> datetime:
    """Return the time: a story lives in the real one."""
    return datetime.now(UTC)  # noqa: TID251 - stories play in real time, like the cluster


def stamp(instant: datetime) -> str:
    """Return *instant* as Kubernetes writes it."""
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def price_sheet(name: str, currency: str, price: str = PRICE_PER_GPU_HOUR) -> dict[str, Any]:
    """Return a sheet that prices GPUs alone, on every node."""
    entry = {
        "name": "all",
        "nodeSelector": {},
        "capacityType": "OnDemand",
        "prices": {GPU: price},
    }
    spec = {"currency": currency, "validFrom": "2026-01-01T00:00:00Z", "nodes": [entry]}
    return {"apiVersion": API, "kind": "PriceSheet", "metadata": {"name": name}, "spec": spec}


def deployment(
    namespace: str,
    name: str,
    replicas: int = 1,
    labels: Mapping[str, str] | None = None,
    gpus: int = 1,
) -> dict[str, Any]:
    """Return an inference Deployment whose replicas start and end within a second."""
    resources = {"requests": {GPU: str(gpus)}, "limits": {GPU: str(gpus)}} if gpus else {}
    template = {
        "metadata": {
            "labels": {"app": name},
            "annotations": {"rig.plafond.dev/start-delay": "1s"},
        },
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "engine", "image": "engine", "resources": resources}],
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels or {})},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template,
        },
    }


def policy(namespace: str, name: str = "ceiling", **spec: Any) -> dict[str, Any]:
    """Return a policy; it enforces unless *spec* says otherwise, and no brake holds it back."""
    confirmed = {"plafond.dev/confirm": "1"}
    return {
        "apiVersion": API,
        "kind": "CostPolicy",
        "metadata": {"name": name, "namespace": namespace, "annotations": confirmed},
        "spec": {"mode": "Enforce", **spec},
    }


def fixed_budget(
    cost: str, start: datetime, lasts: timedelta, on_exhausted: str = "KeepFloors"
) -> dict[str, Any]:
    """Return a budget for one window."""
    window = {
        "type": "Fixed",
        "start": stamp(start),
        "duration": f"{lasts // timedelta(seconds=1)}s",
    }
    limit = {"cost": cost}
    return {"name": "window", "limit": limit, "window": window, "onExhausted": on_exhausted}


# Eight requests at once per replica and two seconds each: a replica serves four per second.
CHAT = Profile(queue_timeout_seconds=10.0)
FOLLOW_CONCURRENCY = {"concurrency": {"targetPerReplica": "6"}, "scaleDownStabilization": "10s"}


@contextmanager
def operator(
    rig: Rig, directory: Path, account: Path | None = None, **config: Any
) -> Iterator[Process]:
    """Run the operator for the time of a story, with its own account or a kubeconfig's."""
    path = directory / "plafond.yaml"
    path.write_text(yaml.safe_dump(story_config(rig, **config)))
    running = rig.start_operator(path, {"KUBECONFIG": str(account)} if account else None)
    try:
        yield running
    finally:
        running.kill()


def story_config(rig: Rig, **config: Any) -> dict[str, Any]:
    """Return the configuration of an operator that looks every second."""
    (health,) = free_ports(1)
    return {
        "evaluationPeriod": "1s",
        "prometheus": {"url": rig.prometheus_url, "timeout": "2s"},
        "healthAddress": f"127.0.0.1:{health}",
        "metricsAddress": f"127.0.0.1:{rig.operator_metrics_port}",
        # An operator that is killed is followed within seconds; a write may take two.
        "leaderElection": {
            "leaseDuration": "4s",
            "renewDeadline": "2s",
            "retryPeriod": "500ms",
        },
        "timing": TIMING,
        **config,
    }


@dataclass(frozen=True)
class Watched:
    """One Deployment, or workload of another *resource*, as the API server has it."""

    rig: Rig
    namespace: str
    name: str
    resource: str = "deployments"

    @property
    def path(self) -> str:
        """Where it is served."""
        return f"/apis/apps/v1/namespaces/{self.namespace}/{self.resource}/{self.name}"

    @property
    def replicas(self) -> int:
        """What its spec asks for."""
        return int(self.rig.get(self.path)["spec"]["replicas"])

    @property
    def ready(self) -> int:
        """How many pods serve."""
        return int(self.rig.get(self.path)["status"].get("readyReplicas", 0))

    def comes_to(self, replicas: int, within: float = 30.0) -> None:
        """Wait until exactly *replicas* are asked for and ready."""
        poll(
            lambda: self.replicas == replicas and self.ready == replicas,
            within,
            what=f"{self.namespace}/{self.name} to have {replicas} replicas",
        )


def annotations(rig: Rig, namespace: str) -> dict[str, str]:
    """Return our annotations on *namespace*."""
    found = rig.get(f"/api/v1/namespaces/{namespace}")["metadata"].get("annotations", {})
    return {key: value for key, value in found.items() if key.startswith("plafond.dev/")}


def status(rig: Rig, namespace: str, name: str = "ceiling") -> dict[str, Any]:
    """Return the status of a policy."""
    path = f"/apis/{API}/namespaces/{namespace}/costpolicies/{name}"
    found: dict[str, Any] = rig.get(path).get("status", {})
    return found


def condition(rig: Rig, namespace: str, kind: str, name: str = "ceiling") -> tuple[str, str, str]:
    """Return status, reason and message of one condition of a policy."""
    for found in status(rig, namespace, name).get("conditions", []):
        if found["type"] == kind:
            return found["status"], found["reason"], found["message"]
    return "", "", ""


def truth(rig: Rig, namespace: str, since: datetime, until: datetime) -> Fraction:
    """Return what the pods of *namespace* cost, by the audit log alone."""
    return spend(rig.audit.pod_lifetimes(namespace), _price, since, until)


def _price(life: PodLifetime) -> Fraction:
    return life.requests.get(GPU, Fraction()) * Fraction(PRICE_PER_GPU_HOUR)


def pod_starts(lives: Iterable[PodLifetime], since: datetime, until: datetime) -> int:
    """Return how many of *lives* were scheduled between *since* and *until*."""
    return sum(1 for x in lives if x.scheduled_at and since <= x.scheduled_at < until)
