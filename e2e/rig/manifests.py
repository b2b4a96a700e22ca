"""Inference Deployments and Jobs as stories need them; engines are played, so images are names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

START_DELAY = "rig.plafond.dev/start-delay"
RUN_FOR = "rig.plafond.dev/run-for"


@dataclass(frozen=True)
class EngineShape:
    """What one replica asks for, how long it takes to start and how long to end."""

    gpus: int = 1
    cpu: str = "1"
    memory: str = "4Gi"
    start_delay: str = "200ms"
    grace_seconds: int = 1


def deployment(
    namespace: str,
    name: str,
    replicas: int = 1,
    shape: EngineShape | None = None,
    labels: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return a Deployment of engines; *labels* are its own, not its pods'."""
    shape = shape or EngineShape()
    selector = {"app": name}
    annotations = {START_DELAY: shape.start_delay}
    own = {"name": name, "namespace": namespace, "labels": {**selector, **(labels or {})}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": own,
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": selector},
            "template": _template(shape, {"labels": selector, "annotations": annotations}),
        },
    }


def job(
    namespace: str, name: str, run_for: str, shape: EngineShape | None = None
) -> dict[str, Any]:
    """Return a Job whose pod succeeds *run_for* (a Go duration or seconds) after it is ready."""
    template = _template(shape or EngineShape(), {"annotations": {RUN_FOR: run_for}})
    template["spec"]["restartPolicy"] = "Never"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"template": template},
    }


def _template(shape: EngineShape, metadata: dict[str, Any]) -> dict[str, Any]:
    requests = {"cpu": shape.cpu, "memory": shape.memory}
    # Extended resources are requested by their limit; none at all means none.
    limits = {"nvidia.com/gpu": str(shape.gpus)} if shape.gpus else {}
    resources = {"requests": requests, "limits": limits}
    container = {"name": "engine", "image": "engine", "resources": resources}
    spec = {"terminationGracePeriodSeconds": shape.grace_seconds, "containers": [container]}
    return {"metadata": metadata, "spec": spec}
