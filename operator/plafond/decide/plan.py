"""
The plan: every write of a pass, as a difference to what is observed.

An unchanged world yields an empty plan. Annotations come before counts, so that a count which is
lowered stays low, and one that is raised is not cut by the old ceiling. For the same reason a quota
is raised before both, and lowered after them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from plafond.model.policy import Mode
from plafond.model.snapshot import Quota
from plafond.model.workload import WorkloadId


@dataclass(frozen=True, slots=True)
class SetCeilings:
    """Write a namespace's ceilings, and why, in one patch."""

    namespace: str
    ceilings: Mapping[WorkloadId, int]
    why: str


@dataclass(frozen=True, slots=True)
class ClearCeilings:
    """Remove our annotations from a namespace."""

    namespace: str


@dataclass(frozen=True, slots=True)
class SetQuota:
    """Bound what all pods of a namespace may request together; *before* is what stands there."""

    namespace: str
    hard: Mapping[str, int]
    before: Quota | None


@dataclass(frozen=True, slots=True)
class ClearQuota:
    """Remove our quota from a namespace, if it still is the one that was observed."""

    namespace: str
    uid: str


@dataclass(frozen=True, slots=True)
class ScaleTo:
    """Write a workload's count, if it still is the object that was observed."""

    workload: WorkloadId
    uid: str
    resource_version: str
    before: int
    after: int

    @property
    def namespace(self) -> str:
        """Where the workload is."""
        return self.workload.namespace


Action = SetCeilings | ClearCeilings | SetQuota | ClearQuota | ScaleTo


@dataclass(frozen=True, slots=True)
class PlanPart:
    """The writes for one policy set (or for what is left of one), in order."""

    namespace: str
    mode: Mode
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All writes of a pass."""

    parts: tuple[PlanPart, ...] = ()
