"""ReplicaSets: nothing but the link from a pod to its Deployment."""

from dataclasses import dataclass

from plafond.model.workload import WorkloadId
from plafond.observe.records.fields import Raw, controller, metadata


@dataclass(frozen=True, slots=True)
class ReplicaSetRecord:
    """A ReplicaSet, and the workload that controls it, if one does."""

    uid: str
    owner: WorkloadId | None


def parse(raw: Raw) -> ReplicaSetRecord:
    """Return the link that *raw* describes."""
    owner = controller(raw, "Deployment")
    workload = (
        WorkloadId(metadata(raw)["namespace"], "Deployment", owner["name"]) if owner else None
    )
    return ReplicaSetRecord(metadata(raw)["uid"], workload)
