"""
Who comes first when money is short: the order of classes, and every tie-break, in one place.

Classes come in the order in which `WorkloadClass` declares them. Floors are promises, so inside a
class the older workload comes first; what is shared has no history, so there the reference decides.
"""

from datetime import datetime

from plafond.model.workload import Workload, WorkloadClass, WorkloadId


def for_floors(
    workload_class: WorkloadClass, workload: Workload
) -> tuple[int, datetime, WorkloadId]:
    """Return the place of *workload* when floors are funded; the lowest is first."""
    return workload_class.rank, workload.created_at, workload.id


def for_shares(workload_class: WorkloadClass, workload: WorkloadId) -> tuple[int, WorkloadId]:
    """Return the place of *workload* when the carried rate is shared; the lowest is first."""
    return workload_class.rank, workload
