"""What would lift a ceiling: deeds with their commands, and moments to wait for."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal
from typing import Final

from plafond.cli.explain.case import Case
from plafond.cli.explain.explanation import Lift
from plafond.cli.explain.figures import CENT, plain, unit_name
from plafond.cli.explain.leaving import falling, leaves_next
from plafond.cli.explain.unknowns import demand_gap, doubt, needed, price_gap
from plafond.decide.pace import BudgetPace
from plafond.decide.reason import Reason
from plafond.model.budget import BudgetPosition
from plafond.model.memory import Allowed
from plafond.model.money import GPU_HOURS, REPLICAS, TOKENS, accrued, is_resource_unit
from plafond.model.policy import CostPolicy
from plafond.model.window import CalendarWindow, as_written

_ONE: Final = Decimal(1)
# Limits in these are whole, and called by their unit.
_WHOLE: Final = frozenset({GPU_HOURS, TOKENS})


def lifts(case: Case, reason: Reason | None) -> tuple[Lift, ...]:
    """Return what would lift *reason*, which has the last word; the most direct deed first."""
    found = _of_the_limit if reason is None else _BY_REASON.get(reason, _of_the_limit)
    return (*_confirmed(case), *found(case))


def _of_the_limit(case: Case) -> Iterator[Lift]:
    if case.limit is None:
        return
    name = case.limit.partition("/")[0]
    found = next((each for each in case.governing if each.policy.name == name), None)
    policy = found.policy if found is not None and found.gone_since is None else None
    # One that is deleted, or cannot be understood, is not raised.
    if not isinstance(policy, CostPolicy):
        return
    pace = case.binding
    if pace is not None:
        yield from _of_budget(policy, pace, is_known=needed(pace.name, case) is not None)
    elif case.limit in case.limits:
        allowed = replace(case.limits[case.limit], needed=needed(case.limit, case))
        yield from _of_ceiling(policy, case.limit, allowed)


def _of_budget(policy: CostPolicy, pace: BudgetPace, *, is_known: bool) -> Iterator[Lift]:
    position, unit = pace.position, pace.position.budget.limit.unit
    # Of a rolling window, the moment before something falls out that asks for most.
    extra = max(accrued(pace.demand, bound.within) - bound.value for bound in position.bounds)
    if is_known and extra > 0:
        step = _ONE if unit in _WHOLE else CENT
        extra = extra.quantize(step, ROUND_CEILING)
        limit = position.budget.limit.value + extra
        sentence = (
            f"raise the limit of budget {pace.name} by {plain(extra)} {unit}, to {plain(limit)}: "
            f"it then carries the demand of now {_until(position)}"
        )
        yield Lift(sentence, _patched(policy, _budget_path(policy, pace), f"{limit:f}"))
    window = position.budget.window
    if isinstance(window, CalendarWindow):
        yield Lift(f"wait until budget {pace.name} begins anew", at=position.span.end)
    elif position.ends_at is not None:
        yield Lift(f"wait until the window of budget {pace.name} ends", at=position.ends_at)
    elif (leaving := leaves_next(position)) is not None:
        sentence = f"wait until {falling(position, leaving)}"
        yield Lift(sentence, at=position.now + leaving.after)


def _of_ceiling(policy: CostPolicy, name: str, allowed: Allowed) -> Iterator[Lift]:
    if allowed.rate is None or allowed.needed is None or allowed.needed <= allowed.rate:
        return
    is_whole = allowed.unit in {REPLICAS, TOKENS} or is_resource_unit(allowed.unit)
    most = allowed.needed.quantize(_ONE if is_whole else CENT, ROUND_CEILING)
    field = name.partition("/")[2]
    extra, unit = plain(most - allowed.rate), unit_name(allowed.unit)
    sentence = (
        f"raise {field} of policy {policy.name} by {extra} {unit}, to {plain(most)}: "
        "that is what demand needs now"
    )
    value: object = int(most) if allowed.unit == REPLICAS else f"{most:f}"
    yield Lift(sentence, _patched(policy, _ceiling_path(allowed.unit, field), value))


def _of_floor(case: Case) -> Iterator[Lift]:
    pace = case.binding
    if case.unfunded and pace is not None:
        price = case.price_in(pace.position.budget.limit.unit)
        missing = accrued(price * case.unfunded, pace.position.time_left)
        unit = pace.position.budget.limit.unit
        was_dropped = case.memory.floor_dropped_at is not None
        spare = ", and 5 % of what remains is to spare then" if was_dropped else ""
        yield Lift(
            f"fund its floor: its {case.unfunded} unfunded replicas cost "
            f"{plain(missing)} {unit} {_until(pace.position)}{spare}"
        )
    yield from _of_the_limit(case)
    yield Lift("lower minReplicas of classes that are funded before it, or of its own")


def _until(position: BudgetPosition) -> str:
    if position.is_rolling:
        return f"for {as_written(position.time_left)}"
    return "until the window ends"


def _of_class(case: Case) -> Iterator[Lift]:
    most = case.rationale.most if case.rationale else None
    now = "" if most is None else f", which is {most}"
    yield Lift(f"raise maxReplicas of its class{now}")


def _of_price(case: Case) -> Iterator[Lift]:
    gap = price_gap(case)
    why = "" if gap is None else f" ({gap})"
    yield Lift(f"let an entry of the price sheet price what it requests on its nodes{why}")


def _of_measuring(case: Case) -> Iterator[Lift]:
    gap = price_gap(case)
    why = "" if gap is None else f" ({gap})"
    yield Lift(f"let its replicas show the meter tokens, and work{why}")


def _of_demand_gap(case: Case) -> Iterator[Lift]:
    gap = demand_gap(case)
    why = "" if gap is None else f" ({gap})"
    yield Lift(f"make its demand readable again{why}: kubectl describe costpol, MetricsAvailable")
    yield from _of_the_limit(case)


def _of_doubt(case: Case) -> Iterator[Lift]:
    found = doubt(case)
    if found is not None:
        yield Lift(found.deed)


def _of_steps(case: Case) -> Iterator[Lift]:
    yield Lift("wait: it rises by itself, in steps")
    yield from _of_the_limit(case)


def _of_volumes(case: Case) -> Iterator[Lift]:  # noqa: ARG001 - as all of them
    yield Lift("set persistentVolumeClaimRetentionPolicy.whenScaled: Retain, if it may be lowered")


def _nothing(case: Case) -> Iterator[Lift]:  # noqa: ARG001 - as all of them
    yield from ()


def _confirmed(case: Case) -> Iterator[Lift]:
    """Yield how to confirm a change that the brake holds back."""
    memory = case.facts.memory
    if memory.brake is None or memory.terms is None:
        return
    settled = {policy.name: policy.terms for policy in memory.terms.policies}
    for each in case.governing:
        policy = each.policy
        is_new = isinstance(policy, CostPolicy) and settled.get(policy.name) != policy.terms
        if isinstance(policy, CostPolicy) and is_new and each.gone_since is None:
            sentence = f"confirm the change of policy {policy.name}: it then acts at once"
            yield Lift(sentence, policy.how_to_confirm)
    yield Lift("take the change back, if it was a mistake; then nothing has to be confirmed")


_BY_REASON: Final[Mapping[Reason, Callable[[Case], Iterator[Lift]]]] = {
    Reason.FLOOR_UNFUNDED: _of_floor,
    Reason.CLASS_MAXIMUM: _of_class,
    Reason.PRICE_UNKNOWN: _of_price,
    Reason.MEASURING_TOKENS: _of_measuring,
    Reason.DEMAND_UNKNOWN: _of_demand_gap,
    Reason.RAISED_IN_STEPS: _of_steps,
    Reason.HELD_IN_DOUBT: _of_doubt,
    Reason.VOLUMES_KEPT: _of_volumes,
    Reason.BRAKED: _nothing,
}


def _budget_path(policy: CostPolicy, pace: BudgetPace) -> str:
    budget = pace.position.budget
    index = next(i for i, each in enumerate(policy.budgets) if each.name == budget.name)
    unit = budget.limit.unit
    return f"/spec/budgets/{index}/limit/{unit if unit in _WHOLE else 'cost'}"


def _ceiling_path(unit: str, field: str) -> str:
    if is_resource_unit(unit):
        # JSON Pointer: a slash inside a name is ~1.
        return f"/spec/ceilings/resources/{unit_name(unit).replace('~', '~0').replace('/', '~1')}"
    return f"/spec/{field.replace('.', '/')}"


def _patched(policy: CostPolicy, path: str, value: object) -> str:
    patch = json.dumps([{"op": "replace", "path": path, "value": value}])
    return f"kubectl patch costpol {policy.name} -n {policy.namespace} --type=json -p '{patch}'"
