"""The machines that KWOK plays."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PLAYED_KEY, PLAYED_VALUE = "kwok.x-k8s.io/node", "fake"


@dataclass(frozen=True)
class Node:
    """A machine with its labels and what pods can ask of it."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    gpus: int = 8
    cpu: str = "64"
    memory: str = "512Gi"


def manifest(node: Node) -> dict[str, Any]:
    """Return *node* as the API server takes it."""
    room = {
        "cpu": node.cpu,
        "memory": node.memory,
        "pods": "110",
        **({"nvidia.com/gpu": str(node.gpus)} if node.gpus else {}),
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node.name,
            "labels": {"kubernetes.io/hostname": node.name, **node.labels},
            # Where real kubelets run beside it, KWOK plays only those nodes that say so.
            "annotations": {PLAYED_KEY: PLAYED_VALUE},
        },
        "status": {"capacity": room, "allocatable": room},
    }


def _h100(name: str, capacity_type: str) -> Node:
    return Node(name, {"karpenter.sh/capacity-type": capacity_type, "gpu": "h100"})


GPU_NODES = (
    _h100("h100-0", "on-demand"),
    _h100("h100-1", "on-demand"),
    _h100("h100-spot-0", "spot"),
    _h100("h100-spot-1", "spot"),
)


def is_open(node: Mapping[str, Any]) -> bool:
    """Whether an API server's node is ready and the scheduler may use it."""
    conditions = node.get("status", {}).get("conditions", ())
    ready = any(row["type"] == "Ready" and row["status"] == "True" for row in conditions)
    return ready and not node["spec"].get("taints")
