"""Ceilings below what a PodDisruptionBudget demands: said, neither obeyed nor changed."""

from collections.abc import Iterator
from dataclasses import dataclass

from plafond.model.snapshot import Snapshot
from plafond.model.workload import DisruptionBudget, Workload
from plafond.report.part import PolicyPart


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A disruption budget, and the most pods that ceilings leave of those it is about."""

    budget: DisruptionBudget
    most: int

    @property
    def sentence(self) -> str:
        """What is wrong, for whoever wrote either of them."""
        return (
            f"ceilings allow {self.most} of the {self.budget.min_available} pods that "
            f"PodDisruptionBudget {self.budget.name} demands, so none of them can be evicted"
        )


def shortfalls(part: PolicyPart, snapshot: Snapshot) -> tuple[Shortfall, ...]:
    """Return the disruption budgets that the ceilings of *part*'s targets cannot satisfy."""
    targets = {target.id: target.workload for target in part.targets}
    return tuple(
        Shortfall(budget, most)
        for budget in snapshot.disruption_budgets_of(part.policy.namespace)
        if any(budget.covers(workload) for workload in targets.values())
        and (most := _most(budget, snapshot, part)) is not None
        and most < budget.min_available
    )


def _most(budget: DisruptionBudget, snapshot: Snapshot, part: PolicyPart) -> int | None:
    """Return the most pods that all its workloads may have together; None without a limit."""
    most = 0
    for workload in _covered(budget, snapshot):
        ceiling = part.judgement.ceilings.get(workload.id)
        if ceiling is None:
            return None
        most += ceiling
    return most


def _covered(budget: DisruptionBudget, snapshot: Snapshot) -> Iterator[Workload]:
    return (
        workload for workload in snapshot.workloads_of(budget.namespace) if budget.covers(workload)
    )
