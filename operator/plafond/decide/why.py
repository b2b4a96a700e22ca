"""The short sentence that stands beside the ceilings in a namespace, for whoever meets one."""

from plafond.decide.judge import Judgement
from plafond.model.budget import BudgetPosition
from plafond.model.money import ZERO


def why(judgement: Judgement) -> str:
    """
    Return what binds, or where the fullest budget stands.

    For example `month 82 %, 2130.00 EUR left until 2026-12-01T00:00Z`, or `team-a/ceilings.replicas
    allows 40` where not a budget binds.
    """
    positions = {f"{p.policy}/{p.budget.name}": p for p in judgement.account.positions}
    binding = judgement.binding
    if binding is not None and binding.name not in positions:
        return f"{binding.name} allows {binding.rate.normalize():f}"
    if binding is not None:
        return _sentence(positions[binding.name])
    if positions:
        return _sentence(max(positions.values(), key=lambda p: p.used_percent))
    names = ", ".join(policy.name for policy in judgement.account.policy_set.policies)
    return f"ceilings of {names}"


def has_same_percent(before: str, after: str) -> bool:
    """Say whether two such sentences name the same limit, and at the same whole percent."""
    return before.partition(",")[0] == after.partition(",")[0]


def _sentence(position: BudgetPosition) -> str:
    left = max(position.remaining.value, ZERO)
    return (
        f"{position.budget.name} {position.used_percent} %, "
        f"{left:.2f} {position.budget.limit.unit} left until {position.span.end:%Y-%m-%dT%H:%MZ}"
    )
