"""
The status of `CostPolicy`: what `kubectl get` and `kubectl describe` show.

It is written for people and never read back for a decision. Per-workload numbers belong to the
metrics; the list here is capped, and `targetCount` says how many there are.
"""

from typing import Annotated, Final, Literal

from pydantic import Field

from plafond.api.fields import EntryName, Model, ObjectName, Replicas, listed_by
from plafond.api.status import MAX_CONDITIONS, Condition, Generation

MAX_STATUS_TARGETS: Final = 64

Amount = Annotated[str, Field(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,6})?$", max_length=24)]
UsedPercent = Annotated[int, Field(ge=0, le=1_000_000)]
Moment = Annotated[str, Field(max_length=32, json_schema_extra={"format": "date-time"})]


class BudgetStatus(Model):
    """Where one budget stands."""

    name: EntryName
    """The budget's name in the spec."""
    unit: Annotated[str, Field(pattern=r"^([A-Z]{3}|gpuHours|tokens)$", max_length=8)]
    """What the amounts are in: the currency, gpuHours or tokens."""
    limit: Amount
    """The most that may be spent in this window."""
    spent: Amount | None = None
    """What was spent in this window so far."""
    remaining: Amount | None = None
    """The limit less what was spent; negative once it is passed."""
    used_percent: UsedPercent | None = None
    """The share of the limit that was spent."""
    window_start: Moment | None = None
    """When this window started."""
    window_end: Moment | None = None
    """When this window ends."""
    carried_rate_per_hour: Amount | None = None
    """What may be spent per hour now."""
    forecast_basis: Literal["Forecast", "DemandNow"] | None = None
    """
    Forecast follows from the demand of the last days; DemandNow takes it to stay as it is. Absent
    where demand or a price is not known.
    """
    forecast: Amount | None = None
    """
    What will have been spent when the window ends, if all demand is served; of a rolling window, in
    the whole of it that begins now.
    """
    forecast_percent: UsedPercent | None = None
    """The same as a share of the limit."""
    forecast_low: Amount | None = None
    """The forecast one standard error lower; absent with DemandNow, whose error nobody knows."""
    forecast_high: Amount | None = None
    """The forecast one standard error higher; errors are factors."""
    expected: Amount | None = None
    """What will have been spent under the plan, where that is not the forecast."""
    exhausted_at: Moment | None = None
    """When the limit would be reached if all demand were served; absent where it never would."""
    demand_seen: Literal["Whole", "OnlyServed"] | None = None
    """How much of demand can be seen now; OnlyServed: replicas are full, so there may be more."""


class TargetStatus(Model):
    """What one workload runs, wants and may have."""

    group: Annotated[str, Field(max_length=253)]
    """The API group of the workload."""
    kind: Annotated[str, Field(max_length=63)]
    """The kind of the workload."""
    name: ObjectName
    """The name of the workload."""
    class_name: Annotated[Literal["Hot", "Warm", "Cold"] | None, Field(alias="class")] = None
    """The class it is funded with."""
    observed_replicas: Replicas | None = None
    """The replicas it runs."""
    recommended_replicas: Replicas | None = None
    """The replicas that its demand asks for, before money."""
    desired_replicas: Replicas | None = None
    """The replicas it is to have now."""
    ceiling: Replicas | None = None
    """The most replicas it may have now; in Observe, what the ceiling would be."""
    reason: Annotated[str | None, Field(max_length=128)] = None
    """The rule that moved the count last."""
    limit: Annotated[str | None, Field(max_length=640)] = None
    """The limit that keeps it from more: a policy, and its budget or one of its ceilings."""


class CostPolicyStatus(Model):
    """What was spent, what is allowed now and why."""

    observed_generation: Generation | None = None
    """The generation of the spec that this status is about."""
    conditions: Annotated[list[Condition] | None, Field(max_length=MAX_CONDITIONS)] = Field(
        default=None, json_schema_extra=listed_by("type")
    )
    """Ready, WithinBudget, Enforcing and MetricsAvailable; Stalled only while it is true."""
    summary: Annotated[str | None, Field(max_length=1024)] = None
    """One sentence that says how the policy stands."""
    spent_percent: UsedPercent | None = None
    """The used share of the budget that is closest to its limit."""
    spent: Annotated[str | None, Field(max_length=64)] = None
    """What that budget has spent, with its unit."""
    forecast_percent: UsedPercent | None = None
    """The highest forecast of a budget, as a share of its limit."""
    burn_rate_per_hour: Annotated[str | None, Field(max_length=64)] = None
    """What the namespace costs per hour now, with its unit."""
    carried_rate_per_hour: Annotated[str | None, Field(max_length=64)] = None
    """What the strictest budget can carry per hour now, with its unit."""
    budgets: Annotated[list[BudgetStatus] | None, Field(max_length=8)] = Field(
        default=None, json_schema_extra=listed_by("name")
    )
    """Where each budget stands."""
    target_count: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """How many workloads the policy scales, listed below or not."""
    targets: Annotated[list[TargetStatus] | None, Field(max_length=MAX_STATUS_TARGETS)] = Field(
        default=None, json_schema_extra=listed_by("group", "kind", "name")
    )
    """The workloads that the policy scales, the first 64 of them."""
