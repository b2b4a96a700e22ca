"""
What is remembered of a judgement only so that somebody can be told why.

It outlives the operator and Prometheus in the ledger's object. Nothing in it moves while the world
stands still: what follows from the time alone is reckoned by whoever reads it.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from plafond.account.account import SetAccount, WorkloadAccount
from plafond.decide.decision import Decision
from plafond.decide.judge import Judgement
from plafond.decide.limits import Limit
from plafond.model.changed import changed
from plafond.model.gap import Gap
from plafond.model.memory import Allowed, Rationale
from plafond.model.money import REPLICAS, ZERO, is_resource_unit
from plafond.model.workload import WorkloadId

# The ledger is small: a sentence of others is remembered as far as it helps.
LONGEST_GAP = 256
MICRO = Decimal("0.000001")


def with_rationale(judgement: Judgement) -> Judgement:
    """Return *judgement*, remembering what each of its decisions rested on."""
    rationales = _rationales(judgement)
    memory = {
        workload: changed(memory, rationale=rationales.get(workload))
        for workload, memory in judgement.memory.items()
    }
    return replace(judgement, memory=memory)


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


def _rationales(judgement: Judgement) -> dict[WorkloadId, Rationale]:
    targets = {target.id: target for target in judgement.account.targets}
    return {d.workload: _rationale(d, targets[d.workload], judgement) for d in judgement.decisions}


def _rationale(decision: Decision, target: WorkloadAccount, judgement: Judgement) -> Rationale:
    rule = target.targeted.class_rule
    # A sheet in a currency that nobody here reckons in may well not price these nodes.
    units = judgement.account.policy_set.units
    price_gap = next((gap for unit, gap in target.gaps.items() if unit in units), None)
    gap = judgement.gaps.get(decision.workload)
    return Rationale(
        decision.workload_class,
        decision.recommended_replicas,
        decision.desired_replicas,
        rule.min_replicas,
        rule.max_replicas,
        decision.limit,
        None if gap in target.gaps.values() else _cut(gap),
        _cut(price_gap),
    )


def _cut(gap: Gap | None) -> str | None:
    return None if gap is None else gap.why[:LONGEST_GAP]


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
