"""What is remembered of limits: how short money was, for the next probe and for whoever asks."""

from collections.abc import Mapping
from decimal import Decimal

from plafond.account.account import SetAccount
from plafond.decide.judge import Judgement
from plafond.decide.limits import Limit
from plafond.model.memory import Allowed
from plafond.model.money import REPLICAS, ZERO, is_resource_unit
from plafond.model.workload import WorkloadId

MICRO = Decimal("0.000001")


def allowed(judgement: Judgement) -> dict[str, Allowed]:
    """Return what is remembered of every limit of *judgement*, by its name."""
    account = judgement.account
    recommended = {d.workload: d.recommended_replicas for d in judgement.decisions}
    budgets = {budget.name: budget for budget in judgement.pace.budgets}
    found = {}
    for limit in judgement.limits:
        needed = _needed(limit, account, recommended)
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


def _needed(
    limit: Limit, account: SetAccount, recommended: Mapping[WorkloadId, int]
) -> Decimal | None:
    # An unknown price is not a price of zero; what is not requested takes up nothing.
    is_price = not is_resource_unit(limit.unit) and limit.unit != REPLICAS
    unknown = [limit.unit not in target.known_price for target in account.targets]
    if is_price and (limit.unit in account.unpriced or any(unknown)):
        return None
    of_targets = [
        recommended[target.id] * target.cost.get(limit.unit, ZERO) for target in account.targets
    ]
    return _rounded(sum(of_targets, account.unmanaged.get(limit.unit, ZERO)))


def _rounded(value: Decimal) -> Decimal:
    # Normalized, so that equal amounts are the same text and nothing is written for their sake.
    return value.quantize(MICRO).normalize()
