"""
Why a replica count moved: one code each, and one sentence for a person.

The codes appear unchanged in conditions, Events, metric labels, audit lines and the status; the
sentences continue "… because".
"""

from enum import StrEnum


class Reason(StrEnum):
    """Everything that can move a replica count."""

    FOLLOWS_DEMAND = "FollowsDemand"
    FOLLOWS_LATENCY = "FollowsLatency"
    STABILIZED = "ScaleDownStabilized"
    DEMAND_CENSORED = "DemandCensored"
    WANTED_COUNT = "WantedCount"
    AUTOSCALER_WISH = "AutoscalerWish"
    AUTOSCALER_WOKEN = "AutoscalerWoken"
    LEFT_TO_AUTOSCALER = "LeftToAutoscaler"
    CLASS_MAXIMUM = "ClassMaximum"
    FLOOR_FUNDED = "FloorFunded"
    FLOOR_UNFUNDED = "FloorUnfunded"
    SQUEEZED = "Squeezed"
    LATENCY_LIMIT = "LatencyLimit"
    BUDGET_CEILING = "BudgetCeiling"
    BUDGET_EXHAUSTED = "BudgetExhausted"
    COST_PER_HOUR_CEILING = "CostPerHourCeiling"
    TOKENS_PER_HOUR_CEILING = "TokensPerHourCeiling"
    RESOURCE_CEILING = "ResourceCeiling"
    REPLICA_CEILING = "ReplicaCeiling"
    RAISED_IN_STEPS = "RaisedInSteps"
    DEMAND_UNKNOWN = "DemandUnknown"
    PRICE_UNKNOWN = "PriceUnknown"
    MEASURING_TOKENS = "MeasuringTokens"
    HELD_IN_DOUBT = "HeldInDoubt"
    VOLUMES_KEPT = "VolumesKept"
    BRAKED = "Braked"

    @property
    def sentence(self) -> str:
        """What it means, in words that need no code."""
        return SENTENCES[self]


SENTENCES: dict[Reason, str] = {
    Reason.FOLLOWS_DEMAND: "demand asks for this many replicas at their target utilization",
    Reason.FOLLOWS_LATENCY: "the time that its requests take asks for this many replicas",
    Reason.STABILIZED: "demand asked for more within the scale-down stabilization window",
    Reason.DEMAND_CENSORED: "replicas are saturated at their ceiling, so more is asked for",
    Reason.WANTED_COUNT: "nothing scales it, so the count that somebody chose is kept",
    Reason.AUTOSCALER_WISH: "its autoscaler asks for this many replicas",
    Reason.AUTOSCALER_WOKEN: "its autoscaler sleeps at zero, so one replica wakes it",
    Reason.LEFT_TO_AUTOSCALER: "its autoscaler moves it by itself, below its ceiling",
    Reason.CLASS_MAXIMUM: "its class allows no more replicas",
    Reason.FLOOR_FUNDED: "its class promises this many replicas, and the budget carries them",
    Reason.FLOOR_UNFUNDED: "its class promises more replicas than the budget can carry",
    Reason.SQUEEZED: "money is short, so replicas run fuller before any work is refused",
    Reason.LATENCY_LIMIT: "run any fuller, its requests would take longer than they may",
    Reason.BUDGET_CEILING: "the budget carries no more replicas",
    Reason.BUDGET_EXHAUSTED: "the budget is exhausted",
    Reason.COST_PER_HOUR_CEILING: "the ceiling on cost per hour allows no more replicas",
    Reason.TOKENS_PER_HOUR_CEILING: "the ceiling on tokens per hour allows no more replicas",
    Reason.RESOURCE_CEILING: "the ceiling on resources allows no more replicas",
    Reason.REPLICA_CEILING: "the ceiling on replicas allows no more",
    Reason.RAISED_IN_STEPS: "a ceiling that has bound is raised in steps, as far as money is free",
    Reason.DEMAND_UNKNOWN: "demand cannot be read, so nothing is raised, or lowered for lack of it",
    Reason.PRICE_UNKNOWN: "a replica has no known price, so what runs is kept and nothing grows",
    Reason.MEASURING_TOKENS: "what a replica processes is still being measured, so nothing grows",
    Reason.HELD_IN_DOUBT: "a price, a policy or the spend here is unknown, so no ceiling is raised",
    Reason.VOLUMES_KEPT: "a lower count would delete its volumes, so it is never lowered",
    Reason.BRAKED: "a change of policy or price that nobody has confirmed lowers step by step",
}
