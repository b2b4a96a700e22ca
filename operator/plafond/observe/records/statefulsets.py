"""StatefulSets as workloads: beside what all share, whether a lower count deletes volumes."""

from dataclasses import replace

from plafond.model.workload import Workload
from plafond.observe.records import workloads
from plafond.observe.records.fields import Raw, part


def parse(raw: Raw) -> Workload:
    """Return the workload that *raw* describes, without its autoscaler."""
    retention = part(part(raw, "spec"), "persistentVolumeClaimRetentionPolicy")
    loses = retention.get("whenScaled") == "Delete"
    return replace(workloads.parse(raw, "StatefulSet"), loses_volumes=loses)
