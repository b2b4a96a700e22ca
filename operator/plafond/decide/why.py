"""The short sentence that stands beside the ceilings in a namespace, for whoever meets one."""

from decimal import Decimal

from plafond.decide.judge import Judgement
from plafond.decide.limits import Limit
from plafond.model.budget import BudgetPosition
from plafond.model.money import ZERO, summed
from plafond.model.window import as_written


def why(judgement: Judgement) -> str:
    """
    Return what binds; where nothing does, what leaves the least room beside the ceilings.

    For example `month 82 %, 2130.00 EUR left until 2026-12-01T00:00Z`, or `team-a/ceilings.replicas
    allows 40` where not a budget binds.
    """
    positions = _positions(judgement)
    binding = judgement.binding or _tightest(judgement)
    if binding is None:
        return _unbound(judgement)
    if binding.name in positions:
        return _sentence(positions[binding.name])
    return _allowance(binding)


def is_still_true(before: str, judgement: Judgement) -> bool:
    """Say whether *before* is a sentence of now, to the whole percent: then it may stay."""
    positions = _positions(judgement)
    heads = {head for each in positions.values() for head in _true_heads(each)}
    others = [_allowance(each) for each in judgement.limits if each.name not in positions]
    return _head(before) in heads | {_head(each) for each in (*others, _unbound(judgement))}


def _tightest(judgement: Judgement) -> Limit | None:
    targets, ceilings = judgement.account.targets, judgement.ceilings
    whole = ((target.cost, ceilings.get(target.id, 0)) for target in targets)
    taken = summed(judgement.account.unmanaged, whole)

    def part_left(limit: Limit) -> Decimal:
        left = limit.rate - taken.get(limit.unit, ZERO)
        return left / limit.rate if limit.rate else ZERO

    return min(judgement.limits, key=part_left, default=None)


def _positions(judgement: Judgement) -> dict[str, BudgetPosition]:
    return {f"{p.policy}/{p.budget.name}": p for p in judgement.account.positions}


def _true_heads(position: BudgetPosition) -> set[str]:
    # What a rolling window holds goes up and down by a bucket all the time.
    used, around = position.used_percent, 1 if position.is_rolling else 0
    found = range(used - around, used + around + 1)
    return {f"{position.budget.name} {percent} %" for percent in found}


def _head(sentence: str) -> str:
    return sentence.partition(",")[0]


def _unbound(judgement: Judgement) -> str:
    return f"ceilings of {', '.join(p.name for p in judgement.account.policy_set.policies)}"


def _allowance(limit: Limit) -> str:
    return f"{limit.name} allows {limit.rate.normalize():f}"


def _sentence(position: BudgetPosition) -> str:
    left = max(position.remaining.value, ZERO)
    end = position.ends_at
    until = f"until {end:%Y-%m-%dT%H:%MZ}" if end else f"of any {as_written(position.span.length)}"
    return (
        f"{position.budget.name} {position.used_percent} %, "
        f"{left:.2f} {position.budget.limit.unit} left {until}"
    )
