"""What is remembered of limits: how short money was, for the next probe and for whoever asks."""

from decimal import Decimal

from plafond.decide.judge import Judgement
from plafond.decide.limits import Limit
from plafond.model.memory import Allowed
from plafond.model.money import REPLICAS, ZERO, is_resource_unit

MICRO = Decimal("0.000001")


def allowed(judgement: Judgement) -> dict[str, Allowed]:
    """Return what is remembered of every limit of *judgement*, by its name."""
    budgets = {budget.name: budget for budget in judgement.pace.budgets}
    found = {}
    for limit in judgement.limits:
        needed = _needed(limit, judgement)
        budget = budgets.get(limit.name)
        if budget is None:
            found[limit.name] = Allowed(limit.unit, needed, _rounded(limit.rate))
        else:
            found[limit.name] = Allowed(
                limit.unit,
                needed,
                promised=_rounded(budget.promised),
                utilization_percent=budget.utilization_percent,
                is_clipped=budget.is_clipped,
                ahead=budget.ahead,
                level=budget.plan.level if budget.plan is not None else None,
                replica=_rounded(budget.replica) if budget.position.is_rolling else ZERO,
            )
    return found


def _needed(limit: Limit, judgement: Judgement) -> Decimal | None:
    account, unit = judgement.account, limit.unit
    # An unknown price is not a price of zero; what is not requested takes up nothing.
    is_price = not is_resource_unit(unit) and unit != REPLICAS
    if is_price and (
        unit in account.unpriced or any(unit not in t.known_price for t in account.targets)
    ):
        return None
    both = zip(judgement.decisions, account.targets, strict=True)
    of_targets = [d.recommended_replicas * t.cost.get(unit, ZERO) for d, t in both]
    return _rounded(sum(of_targets, account.unmanaged.get(unit, ZERO)))


def _rounded(value: Decimal) -> Decimal:
    # Normalized, so that equal amounts are the same text and nothing is written for their sake.
    return value.quantize(MICRO).normalize()
