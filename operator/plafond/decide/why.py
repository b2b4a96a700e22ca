"""The short sentence that stands beside the ceilings in a namespace, for whoever meets one."""

from plafond.decide.judge import Judgement
from plafond.model.budget import BudgetPosition


def why(judgement: Judgement) -> str:
    """Return where the fullest budget stands: `month 82 %, 2130.00 EUR left until 2026-12-01`."""
    positions = judgement.account.positions
    if not positions:
        names = ", ".join(policy.name for policy in judgement.account.policy_set.policies)
        return f"ceilings of {names}"
    return _sentence(max(positions, key=lambda p: p.used_percent))


def has_same_percent(before: str, after: str) -> bool:
    """Say whether two such sentences name the same budget at the same whole percent."""
    return before.partition(",")[0] == after.partition(",")[0]


def _sentence(position: BudgetPosition) -> str:
    left = max(position.remaining.value, position.remaining.value * 0)
    return (
        f"{position.budget.name} {position.used_percent} %, "
        f"{left:.2f} {position.budget.limit.unit} left until {position.span.end:%Y-%m-%dT%H:%MZ}"
    )
