"""A policy's own part of what was decided for the set that it belongs to."""

from dataclasses import dataclass

from plafond.account.account import WorkloadAccount
from plafond.decide.decision import Decision
from plafond.decide.judge import Judgement
from plafond.decide.limits import Limit
from plafond.decide.pace import BudgetPace
from plafond.model.budget import BudgetPosition
from plafond.model.policy import CostPolicy


@dataclass(frozen=True, slots=True)
class PolicyPart:
    """
    One policy and the judgement of its set.

    Policies in Enforce are decided together, but each speaks for itself: of its own budgets, and of
    the targets that it selects.
    """

    policy: CostPolicy
    judgement: Judgement

    @property
    def positions(self) -> tuple[BudgetPosition, ...]:
        """Where its budgets stand whose window is open."""
        found = self.judgement.account.positions
        return tuple(position for position in found if position.policy == self.policy.name)

    @property
    def paces(self) -> tuple[BudgetPace, ...]:
        """What its budgets carry, and what that follows from."""
        found = self.judgement.pace.budgets
        return tuple(pace for pace in found if pace.position.policy == self.policy.name)

    @property
    def fullest(self) -> BudgetPosition | None:
        """The budget that is closest to its limit."""
        return max(self.positions, key=lambda position: position.used_percent, default=None)

    @property
    def limits(self) -> tuple[Limit, ...]:
        """What its budgets and its `ceilings` allow now."""
        found = self.judgement.limits
        return tuple(limit for limit in found if limit.name.startswith(f"{self.policy.name}/"))

    @property
    def targets(self) -> tuple[WorkloadAccount, ...]:
        """The workloads that it selects."""
        found = self.judgement.account.targets
        return tuple(each for each in found if self.policy.name in each.targeted.policies)

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """What becomes of the workloads that it selects."""
        selected = {target.id for target in self.targets}
        return tuple(each for each in self.judgement.decisions if each.workload in selected)
