"""
The spec of `CostPolicy`: what a platform team writes, one class per block.

Only what the operator acts on is in here: a field that would be accepted and ignored is a promise
nobody keeps. What a block means to the model is the business of `convert_policy`.
"""

from typing import Annotated, Final, Literal

from pydantic import Field

from plafond.api.amounts import (
    DURATION,
    CostPerHour,
    LatencyLength,
    ResourceLimit,
    StabilizationLength,
    TargetPerReplica,
    TokensPerHour,
)
from plafond.api.budget import Budget
from plafond.api.fields import (
    MAX_REPLICAS,
    RESOURCE_NAME_PATTERN,
    CurrencyCode,
    Model,
    ObjectName,
    Percent,
    Replicas,
    listed_by,
    listed_whole,
    rule,
    rules,
)
from plafond.api.selector import LabelSelector

MAX_BUDGETS: Final = 8
MAX_TARGETS: Final = 32
# What takes longer is a batch, and nobody waits for it.
LONGEST_LATENCY: Final = "1h"


class Target(
    Model,
    json_schema_extra=rules(
        rule(
            "has(self.name) != has(self.selector)",
            "a target must have exactly one of name and selector",
        )
    ),
):
    """A workload, or a set of workloads, that Plafond may scale."""

    group: Literal["apps"]
    """The API group of the workload."""
    kind: Literal["Deployment", "StatefulSet"]
    """The kind of the workload."""
    name: ObjectName | None = None
    """The one workload that is meant."""
    selector: LabelSelector | None = None
    """The labels of the workloads that are meant."""


ResourceCeilings = Annotated[
    dict[str, ResourceLimit],
    Field(
        max_length=16,
        json_schema_extra=rules(
            rule(
                f"self.all(name, name.matches('{RESOURCE_NAME_PATTERN}'))",
                "resources must be named as in a pod's requests, such as nvidia.com/gpu",
            )
        ),
    ),
]


class Ceilings(
    Model,
    json_schema_extra=rules(
        rule(
            "has(self.replicas) || has(self.costPerHour) || has(self.tokensPerHour) "
            "|| (has(self.resources) && size(self.resources) > 0)",
            "ceilings must have at least one of replicas, resources, costPerHour and tokensPerHour",
        )
    ),
):
    """Limits of the moment, whatever the metrics say."""

    replicas: Replicas | None = None
    """The most replicas of all targets together."""
    resources: ResourceCeilings | None = None
    """The most that the namespace may request, by resource name, such as nvidia.com/gpu: "24"."""
    cost_per_hour: CostPerHour | None = None
    """The most money that the namespace may cost per hour, in the policy's currency."""
    tokens_per_hour: TokensPerHour | None = None
    """The most tokens that the namespace may process per hour, as in "40M"."""


class ClassRule(
    Model,
    json_schema_extra=rules(
        rule(
            "!has(self.minReplicas) || !has(self.maxReplicas) "
            "|| self.minReplicas <= self.maxReplicas",
            "minReplicas must not be above maxReplicas",
            ".minReplicas",
        )
    ),
):
    """How one class of workloads is treated when money is short."""

    name: Literal["Hot", "Warm", "Cold"]
    """The class; money funds Hot before Warm before Cold."""
    selector: LabelSelector
    """The labels of the workloads in this class; the first class that matches wins."""
    min_replicas: Replicas | None = None
    """The floor of each workload; 1 for Hot and Warm and 0 for Cold when absent."""
    max_replicas: Annotated[int, Field(ge=1, le=MAX_REPLICAS)] | None = None
    """The most replicas of each workload."""
    utilization_limit_percent: Annotated[int, Field(ge=10, le=100)] = 85
    """How full replicas may run under pressure, before peaks are refused."""


class GpuUtilization(Model):
    """Scale so that accelerators are this busy."""

    target_percent: Percent
    """The utilization that a replica should have on average."""


class Concurrency(Model):
    """Scale so that each replica has this many requests."""

    target_per_replica: TargetPerReplica
    """Running and waiting requests per replica, as a decimal string such as "24"."""


class TokensPerSecond(Model):
    """Scale so that each replica serves so many tokens per second."""

    target_per_replica: TargetPerReplica
    """Prompt and completion tokens per second and replica, as a decimal string such as "5000"."""


class Latency(
    Model,
    json_schema_extra=rules(
        rule(
            f"!self.target.matches('{DURATION.pattern}') "
            f"|| duration(self.target) <= duration('{LONGEST_LATENCY}')",
            f"target must not be above {LONGEST_LATENCY}",
            ".target",
        )
    ),
):
    """Scale so that requests do not take longer than this."""

    quantile: Literal["P50", "P90", "P95", "P99"]
    """Which of them: P95 leaves out the slowest twentieth."""
    target: LatencyLength
    """How long such a request may take from its arrival to its last token, as in "2s"."""


class Scaling(
    Model,
    json_schema_extra=rules(
        rule(
            "has(self.gpuUtilization) || has(self.concurrency) || has(self.tokensPerSecond) "
            "|| has(self.latency)",
            "scaling must have at least one of gpuUtilization, concurrency, tokensPerSecond "
            "and latency",
        )
    ),
):
    """How targets without HPA or ScaledObject follow demand; the highest recommendation wins."""

    gpu_utilization: GpuUtilization | None = None
    """Scale by how busy the accelerators are."""
    concurrency: Concurrency | None = None
    """Scale by running and waiting requests."""
    tokens_per_second: TokensPerSecond | None = None
    """Scale by tokens per second: those offered at a gateway where that is measured."""
    latency: Latency | None = None
    """Scale by how long requests take; while too long, replicas are not run fuller either."""
    scale_down_stabilization: StabilizationLength = "5m"
    """How long a lower recommendation must last before it is followed."""


class CostPolicySpec(
    Model,
    json_schema_extra=rules(
        rule(
            "has(self.budgets) || has(self.ceilings) || has(self.scaling) "
            "|| (has(self.classes) && self.classes.exists(c, has(c.maxReplicas)))",
            "a policy must limit or scale something: "
            "give budgets, ceilings, scaling or a maxReplicas in classes",
        ),
        rule(
            "has(self.currency) "
            "|| ((!has(self.budgets) || !self.budgets.exists(b, has(b.limit.cost))) "
            "&& (!has(self.ceilings) || !has(self.ceilings.costPerHour)))",
            "currency must be given where a cost appears "
            "(budgets[].limit.cost, ceilings.costPerHour)",
            ".currency",
        ),
        rule(
            "!has(oldSelf.currency) || (has(self.currency) && self.currency == oldSelf.currency)",
            "currency must not change: what was spent is recorded in it; create another policy",
            ".currency",
        ),
        rule(
            "!has(self.scaling) || !has(self.scaling.gpuUtilization) || !has(self.classes) "
            "|| self.classes.all(c, "
            "c.utilizationLimitPercent >= self.scaling.gpuUtilization.targetPercent)",
            "classes[].utilizationLimitPercent (85 unless given) must not be below "
            "scaling.gpuUtilization.targetPercent",
            ".classes",
        ),
    ),
):
    """What may be spent in this namespace, and what happens at the limit."""

    mode: Literal["Observe", "Enforce"] = "Observe"
    """Observe computes and reports and writes to no workload; Enforce also holds the limits."""
    currency: CurrencyCode | None = None
    """The ISO 4217 code of every amount here; needed where a cost appears, cannot change."""
    targets: Annotated[list[Target] | None, Field(min_length=1, max_length=MAX_TARGETS)] = Field(
        default=None, json_schema_extra=listed_whole()
    )
    """What may be scaled; every Deployment whose pods request an accelerator when absent."""
    budgets: Annotated[list[Budget] | None, Field(min_length=1, max_length=MAX_BUDGETS)] = Field(
        default=None, json_schema_extra=listed_by("name")
    )
    """Limits for windows of time; all of them apply."""
    ceilings: Ceilings | None = None
    """Limits of the moment, whatever the metrics say."""
    classes: Annotated[list[ClassRule] | None, Field(min_length=1, max_length=3)] = Field(
        default=None, json_schema_extra=listed_by("name")
    )
    """What matters more when money is short; workloads that match no class are Warm."""
    scaling: Scaling | None = None
    """How targets follow demand that no other autoscaler scales."""
