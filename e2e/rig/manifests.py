"""Inference Deployments and Jobs as stories need them; engines are played, so images are names."""

from typing import Any

START_DELAY = "rig.plafond.dev/start-delay"
RUN_FOR = "rig.plafond.dev/run-for"


def deployment(
    namespace: str,
    name: str,
    replicas: int = 1,
    gpus: int = 1,
    *,
    start_delay: str = "200ms",
    grace_seconds: int = 1,
    labels: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return a Deployment of GPU pods that are ready after *start_delay*."""
    selector = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {**selector, **(labels or {})},
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": selector},
            "template": {
                "metadata": {"labels": selector, "annotations": {START_DELAY: start_delay}},
                "spec": _pod(gpus, grace_seconds),
            },
        },
    }


def job(namespace: str, name: str, run_for: str, gpus: int = 1) -> dict[str, Any]:
    """Return a Job whose pod succeeds after *run_for*."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "template": {
                "metadata": {"annotations": {RUN_FOR: run_for}},
                "spec": {**_pod(gpus, grace_seconds=1), "restartPolicy": "Never"},
            }
        },
    }


def _pod(gpus: int, grace_seconds: int) -> dict[str, Any]:
    resources = {"requests": {"cpu": "1", "memory": "4Gi"}}
    if gpus:
        resources["limits"] = {"nvidia.com/gpu": str(gpus)}
    container = {"name": "engine", "image": "engine", "resources": resources}
    return {"terminationGracePeriodSeconds": grace_seconds, "containers": [container]}
