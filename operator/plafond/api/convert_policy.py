"""
A `CostPolicy` as the API server has it, to the model's policy.

The schema and its CEL rules have refused what they can. What they cannot see, or what an older CRD
lets through, becomes an `InvalidPolicy` that names the field; it never stops the others.
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from plafond.api import budget as written_budget
from plafond.api import cost_policy as written
from plafond.api.annotations import is_confirmed
from plafond.api.convert_values import (
    duration,
    instant,
    parsed,
    positive,
    quantity,
    selector,
    spec_of,
    time_zone,
)
from plafond.api.errors import InvalidResource
from plafond.model.budget import Budget, OnExhausted
from plafond.model.meters import Meter
from plafond.model.money import GPU_HOURS, TOKENS, Amount
from plafond.model.policy import (
    DEFAULT_FLOORS,
    Ceilings,
    ClassRule,
    CostPolicy,
    InvalidPolicy,
    LatencyTarget,
    Mode,
    Scaling,
    Target,
)
from plafond.model.window import CalendarWindow, FixedWindow, Period, RollingWindow, Window
from plafond.model.workload import WorkloadClass

# Shorter than a few passes nothing can be held; what is older than the ledger's hours is coarse.
SHORTEST_ROLLING: Final = timedelta(minutes=5)
LONGEST_ROLLING: Final = timedelta(days=31)


def parse_cost_policy(raw: Mapping[str, Any]) -> CostPolicy | InvalidPolicy:
    """Return the policy that *raw* means, or which field of it means nothing."""
    try:
        return _policy(raw["metadata"], parsed(written.CostPolicySpec, spec_of(raw), "spec"))
    except InvalidResource as invalid:
        return InvalidPolicy(
            **_identity(raw["metadata"]), field=invalid.field, why=invalid.sentence
        )


def _identity(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata.get("uid", ""),
        "generation": metadata.get("generation", 0),
    }


def _policy(metadata: Mapping[str, Any], spec: written.CostPolicySpec) -> CostPolicy:
    has_bounds = any(rule.max_replicas is not None for rule in spec.classes or ())
    if not (spec.budgets or spec.ceilings or spec.scaling or has_bounds):
        raise InvalidResource(field="spec", sentence="a policy must limit or scale something")
    budgets = tuple(
        _budget(budget, spec.currency, f"spec.budgets[{index}]")
        for index, budget in enumerate(spec.budgets or ())
    )
    return CostPolicy(
        **_identity(metadata),
        mode=Mode(spec.mode),
        currency=spec.currency,
        targets=_targets(spec.targets),
        budgets=budgets,
        ceilings=_ceilings(spec.ceilings, spec.currency),
        classes=tuple(_class(rule) for rule in spec.classes or ()),
        scaling=_scaling(spec.scaling),
        is_confirmed=is_confirmed(metadata),
    )


def _targets(targets: list[written.Target] | None) -> tuple[Target, ...] | None:
    if targets is None:
        return None
    return tuple(_target(target, f"spec.targets[{index}]") for index, target in enumerate(targets))


def _target(target: written.Target, field: str) -> Target:
    if (target.name is None) == (target.selector is None):
        raise InvalidResource(field, "a target must have exactly one of name and selector")
    chosen = None if target.selector is None else selector(target.selector)
    return Target(target.group, target.kind, target.name, chosen)


def _budget(budget: written_budget.Budget, currency: str | None, field: str) -> Budget:
    limit = _limit(budget.limit, currency, f"{field}.limit")
    window = _window(budget.window, f"{field}.window")
    return Budget(budget.name, limit, window, OnExhausted(budget.on_exhausted))


def _limit(limit: written_budget.Limit, currency: str | None, field: str) -> Amount:
    amounts = []
    if limit.cost is not None:
        amounts.append(Amount(positive(limit.cost, f"{field}.cost"), _required(currency)))
    if limit.gpu_hours is not None:
        amounts.append(Amount(quantity(limit.gpu_hours, f"{field}.gpuHours"), GPU_HOURS))
    if limit.tokens is not None:
        amounts.append(Amount(quantity(limit.tokens, f"{field}.tokens"), TOKENS))
    if len(amounts) != 1:
        sentence = "a limit must have exactly one of cost, gpuHours and tokens"
        raise InvalidResource(field, sentence)
    return amounts[0]


def _required(currency: str | None) -> str:
    if currency is None:
        raise InvalidResource(
            field="spec.currency", sentence="currency must be given where a cost appears"
        )
    return currency


def _window(window: written_budget.BudgetWindow, field: str) -> Window:
    if window.type == "Calendar":
        if window.period is None:
            raise InvalidResource(
                field=f"{field}.period", sentence="period must be given with type Calendar"
            )
        zone = time_zone(window.time_zone or "UTC", f"{field}.timeZone")
        return CalendarWindow(Period(window.period), zone)
    if window.type == "Rolling":
        return _rolling_window(window.duration, field)
    if window.start is None or window.duration is None:
        raise InvalidResource(field, "start and duration must both be given with type Fixed")
    return _fixed_window(window.start, window.duration, field)


def _rolling_window(length: str | None, field: str) -> RollingWindow:
    if length is None:
        raise InvalidResource(field, "duration must be given with type Rolling")
    window = RollingWindow(duration(length))
    if not SHORTEST_ROLLING <= window.duration <= LONGEST_ROLLING:
        raise InvalidResource(
            field=f"{field}.duration",
            sentence="duration must be between 5m and 744h (31 days) with type Rolling",
        )
    return window


def _fixed_window(start: str, length: str, field: str) -> FixedWindow:
    window = FixedWindow(instant(start, f"{field}.start"), duration(length))
    if not window.duration:
        raise InvalidResource(
            field=f"{field}.duration", sentence="duration must be greater than zero"
        )
    first, end = written_budget.FIRST_START, written_budget.NO_START
    if not instant(first, field) <= window.start < instant(end, field):
        raise InvalidResource(field=f"{field}.start", sentence=written_budget.STARTS)
    return window


def _ceilings(ceilings: written.Ceilings | None, currency: str | None) -> Ceilings:
    if ceilings is None:
        return Ceilings()
    rate, tokens = ceilings.cost_per_hour, ceilings.tokens_per_hour
    if rate is not None:
        _required(currency)
    return Ceilings(
        replicas=ceilings.replicas,
        resources={name: Decimal(most) for name, most in (ceilings.resources or {}).items()},
        cost_per_hour=None if rate is None else positive(rate, "spec.ceilings.costPerHour"),
        tokens_per_hour=None if tokens is None else quantity(tokens, "spec.ceilings.tokensPerHour"),
    )


def _class(rule: written.ClassRule) -> ClassRule:
    workload_class = WorkloadClass(rule.name)
    floor = DEFAULT_FLOORS[workload_class] if rule.min_replicas is None else rule.min_replicas
    return ClassRule(
        workload_class,
        selector(rule.selector),
        min_replicas=floor,
        max_replicas=rule.max_replicas,
        utilization_limit_percent=rule.utilization_limit_percent,
    )


def _scaling(scaling: written.Scaling | None) -> Scaling | None:
    if scaling is None:
        return None
    busy, concurrent, tokens = (
        scaling.gpu_utilization,
        scaling.concurrency,
        scaling.tokens_per_second,
    )
    return Scaling(
        gpu_utilization_target_percent=None if busy is None else busy.target_percent,
        concurrency_target_per_replica=None
        if concurrent is None
        else positive(concurrent.target_per_replica, "spec.scaling.concurrency.targetPerReplica"),
        tokens_per_second_target_per_replica=None
        if tokens is None
        else positive(tokens.target_per_replica, "spec.scaling.tokensPerSecond.targetPerReplica"),
        scale_down_stabilization=duration(scaling.scale_down_stabilization),
        latency=None if scaling.latency is None else _latency(scaling.latency),
    )


def _latency(latency: written.Latency) -> LatencyTarget:
    field, target = "spec.scaling.latency.target", duration(latency.target)
    if not target:
        raise InvalidResource(field, "target must be greater than zero")
    if target > duration(written.LONGEST_LATENCY):
        raise InvalidResource(field, f"target must not be above {written.LONGEST_LATENCY}")
    return LatencyTarget(Meter(f"latency{latency.quantile}"), target)
