"""
Resources that are accepted, and what makes each of them refused.

One table serves two judges: the CEL rules evaluated here, and the real API server in `e2e/stories`.
"""

import copy
from dataclasses import dataclass
from typing import Any

ABSENT = object()

DAY_ONE: dict[str, Any] = {
    "apiVersion": "plafond.dev/v1alpha1",
    "kind": "CostPolicy",
    "metadata": {"name": "team-a", "namespace": "team-a", "uid": "u-1", "generation": 3},
    "spec": {
        "mode": "Observe",
        "currency": "EUR",
        "budgets": [
            {
                "name": "month",
                "limit": {"cost": "12000.00"},
                "window": {"type": "Calendar", "period": "Monthly", "timeZone": "Europe/Berlin"},
                "onExhausted": "KeepFloors",
            }
        ],
    },
}

FULL: dict[str, Any] = {
    **DAY_ONE,
    "spec": {
        "mode": "Enforce",
        "currency": "EUR",
        "targets": [
            {"group": "apps", "kind": "Deployment", "name": "llm"},
            {
                "group": "apps",
                "kind": "Deployment",
                "selector": {
                    "matchLabels": {"app.kubernetes.io/part-of": "inference"},
                    "matchExpressions": [
                        {"key": "team", "operator": "In", "values": ["a", "b"]},
                        {"key": "retired", "operator": "DoesNotExist"},
                    ],
                },
            },
        ],
        "budgets": [
            *DAY_ONE["spec"]["budgets"],
            {
                "name": "launch",
                "limit": {"gpuHours": "12k"},
                "window": {"type": "Fixed", "start": "2026-12-01T00:00:00Z", "duration": "240h"},
                "onExhausted": "StopAll",
            },
        ],
        "ceilings": {
            "replicas": 40,
            "resources": {"nvidia.com/gpu": "24"},
            "costPerHour": "45.00",
        },
        "classes": [
            {
                "name": "Hot",
                "selector": {"matchLabels": {"tier": "hot"}},
                "minReplicas": 2,
                "maxReplicas": 12,
                "utilizationLimitPercent": 75,
            },
            {"name": "Cold", "selector": {"matchLabels": {"tier": "cold"}}},
        ],
        "scaling": {
            "gpuUtilization": {"targetPercent": 70},
            "concurrency": {"targetPerReplica": "24"},
            "scaleDownStabilization": "5m",
        },
    },
}

SHEET: dict[str, Any] = {
    "apiVersion": "plafond.dev/v1alpha1",
    "kind": "PriceSheet",
    "metadata": {"name": "november"},
    "spec": {
        "currency": "EUR",
        "validFrom": "2026-11-01T00:00:00Z",
        "nodes": [
            {
                "name": "h100-spot",
                "nodeSelector": {
                    "matchLabels": {"gpu": "h100"},
                    "matchExpressions": [{"key": "spot", "operator": "Exists"}],
                },
                "capacityType": "Spot",
                "prices": {"nvidia.com/gpu": "1.90", "cpu": "0.03", "memoryGiB": "0.004"},
            },
            {
                "name": "h100",
                "nodeSelector": {"matchLabels": {"gpu": "h100"}},
                "capacityType": "OnDemand",
                "prices": {"nvidia.com/gpu": "4.10"},
            },
        ],
    },
}


def edited(resource: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return *resource* with the value at the dotted *path* replaced, or removed if ABSENT."""
    result = copy.deepcopy(resource)
    *way, last = (int(step) if step.isdigit() else step for step in path.split("."))
    place = result
    for step in way:
        place = place[step]
    if value is ABSENT:
        del place[last]
    else:
        place[last] = value
    return result


@dataclass(frozen=True)
class Refused:
    """An edit of an accepted resource, and what the refusal must say: the field, and why."""

    id: str
    path: str
    value: Any
    field: str
    words: str
    resource: str = "CostPolicy"
    is_update: bool = False

    @property
    def before(self) -> dict[str, Any]:
        return FULL if self.resource == "CostPolicy" else SHEET

    @property
    def after(self) -> dict[str, Any]:
        return edited(self.before, self.path, self.value)


MONTH = FULL["spec"]["budgets"][0]
COST = ("spec.budgets.0.limit.cost", "spec.budgets[0].limit.cost")
COST_FORM = 'cost must be a decimal string such as "12000.00"'
WINDOW = "spec.budgets[1].window"
BUSY = "spec.scaling.gpuUtilization.targetPercent"
LONG = "x" * 254


def _costs() -> list[Refused]:
    wrong = {
        "a float": (12000.5, 'must be of type string: "number"'),
        "an integer": (12000, 'must be of type string: "integer"'),
        "negative": ("-5", COST_FORM),
        "an exponent": ("1e309", COST_FORM),
        "with a currency": ("5 USD", COST_FORM),
        "with a decimal comma": ("12000,50", COST_FORM),
        "empty": ("", COST_FORM),
        "too long": ("1" * 13, COST_FORM),
        "not a number": ("NaN", COST_FORM),
        "zero": ("0", "cost must be greater than zero"),
        "zero with a point": ("0.00", "cost must be greater than zero"),
    }
    return [
        Refused(f"a cost that is {how}", COST[0], v, COST[1], w) for how, (v, w) in wrong.items()
    ]


POLICIES = [
    *_costs(),
    Refused(
        "two limits in one budget",
        "spec.budgets.0.limit.gpuHours",
        "5",
        "spec.budgets[0].limit",
        "a limit must have exactly one of cost and gpuHours",
    ),
    Refused(
        "a budget without a limit",
        "spec.budgets.0.limit",
        {},
        "spec.budgets[0].limit",
        "a limit must have exactly one of cost and gpuHours",
    ),
    Refused(
        "tokens, which are not counted yet",
        "spec.budgets.0.limit",
        {"tokens": "5M"},
        "spec.budgets[0].limit.tokens",
        "unknown field",
    ),
    Refused(
        "missing onExhausted",
        "spec.budgets.0.onExhausted",
        ABSENT,
        "spec.budgets[0].onExhausted",
        "Required value",
    ),
    Refused(
        "an unknown period",
        "spec.budgets.0.window.period",
        "Fortnightly",
        "spec.budgets[0].window.period",
        'supported values: "Hourly", "Daily", "Weekly", "Monthly"',
    ),
    Refused(
        "an unknown class",
        "spec.classes.0.name",
        "Lukewarm",
        "spec.classes[0].name",
        'supported values: "Hot", "Warm", "Cold"',
    ),
    Refused("an unknown mode", "spec.mode", "DryRun", "spec.mode", '"Observe", "Enforce"'),
    Refused(
        "an unknown onExhausted",
        "spec.budgets.0.onExhausted",
        "Explode",
        "spec.budgets[0].onExhausted",
        '"KeepFloors", "StopAll"',
    ),
    Refused(
        "selector and name together",
        "spec.targets.1.name",
        "llm",
        "spec.targets[1]",
        "a target must have exactly one of name and selector",
    ),
    Refused(
        "neither selector nor name",
        "spec.targets.0.name",
        ABSENT,
        "spec.targets[0]",
        "a target must have exactly one of name and selector",
    ),
    *(
        Refused(
            f"a {kind}, which is not scaled",
            "spec.targets.0.kind",
            kind,
            "spec.targets[0].kind",
            'supported values: "Deployment"',
        )
        for kind in ("StatefulSet", "DaemonSet", "Job", "Pod")
    ),
    Refused(
        "a foreign group",
        "spec.targets.0.group",
        "argoproj.io",
        "spec.targets[0].group",
        'supported values: "apps"',
    ),
    Refused("an empty policy", "spec", {}, "spec", "a policy must limit or scale something"),
    Refused(
        "a policy of nothing but a mode",
        "spec",
        {"mode": "Enforce"},
        "spec",
        "a policy must limit or scale something",
    ),
    Refused(
        "more than eight budgets",
        "spec.budgets",
        [{**MONTH, "name": f"b{number}"} for number in range(9)],
        "spec.budgets",
        "Too many: 9: must have at most 8 items",
    ),
    Refused(
        "two budgets of one name",
        "spec.budgets",
        [MONTH, MONTH],
        "spec.budgets[1]",
        "Duplicate value",
    ),
    Refused("no budget in the list", "spec.budgets", [], "spec.budgets", "at least 1 items"),
    Refused(
        "too many targets",
        "spec.targets",
        [{"group": "apps", "kind": "Deployment", "name": f"d{n}"} for n in range(33)],
        "spec.targets",
        "Too many: 33: must have at most 32 items",
    ),
    Refused(
        "a name over its bound",
        "spec.targets.0.name",
        LONG,
        "spec.targets[0].name",
        "Too long: may not be more than 253 bytes",
    ),
    Refused(
        "a budget's name over its bound",
        "spec.budgets.0.name",
        LONG,
        "spec.budgets[0].name",
        "Too long: may not be more than 63 bytes",
    ),
    Refused(
        "more labels than a selector may have",
        "spec.classes.0.selector.matchLabels",
        {f"l{number}": "x" for number in range(33)},
        "spec.classes[0].selector.matchLabels",
        "must have at most 32 items",
    ),
    Refused(
        "replicas over their bound",
        "spec.ceilings.replicas",
        1_000_001,
        "spec.ceilings.replicas",
        "should be less than or equal to 1000000",
    ),
    Refused(
        "no period in a calendar window",
        "spec.budgets.0.window.period",
        ABSENT,
        "spec.budgets[0].window.period",
        "period must be given with type Calendar",
    ),
    Refused(
        "a duration in a calendar window",
        "spec.budgets.0.window.duration",
        "24h",
        "spec.budgets[0].window",
        "start and duration must be absent with type Calendar",
    ),
    Refused(
        "no start in a fixed window",
        "spec.budgets.1.window.start",
        ABSENT,
        WINDOW,
        "start and duration must both be given with type Fixed",
    ),
    Refused(
        "a time zone in a fixed window",
        "spec.budgets.1.window.timeZone",
        "UTC",
        WINDOW,
        "period and timeZone must be absent with type Fixed",
    ),
    Refused(
        "a duration in days",
        "spec.budgets.1.window.duration",
        "10d",
        f"{WINDOW}.duration",
        'duration must be a duration such as "240h"',
    ),
    Refused(
        "a duration of nothing",
        "spec.budgets.1.window.duration",
        "0h0m",
        f"{WINDOW}.duration",
        "duration must be greater than zero",
    ),
    Refused(
        "a day that does not exist",
        "spec.budgets.1.window.start",
        "2026-02-30T00:00:00Z",
        f"{WINDOW}.start",
        "must be of type date-time",
    ),
    Refused(
        "GPU-hours with a point",
        "spec.budgets.1.limit.gpuHours",
        "1.5",
        "spec.budgets[1].limit.gpuHours",
        'gpuHours must be a whole quantity such as "800"',
    ),
    Refused(
        "no GPU-hours at all",
        "spec.budgets.1.limit.gpuHours",
        "0k",
        "spec.budgets[1].limit.gpuHours",
        "gpuHours must be greater than zero",
    ),
    Refused(
        "a cost without a currency",
        "spec.currency",
        ABSENT,
        "spec.currency",
        "currency must be given where a cost appears",
    ),
    Refused(
        "a changed currency",
        "spec.currency",
        "USD",
        "spec.currency",
        "currency must not change",
        is_update=True,
    ),
    Refused(
        "a currency that is none",
        "spec.currency",
        "euro",
        "spec.currency",
        "Too long: may not be more than 3 bytes",
    ),
    Refused(
        "ceilings of nothing",
        "spec.ceilings",
        {},
        "spec.ceilings",
        "ceilings must have at least one of replicas, resources and costPerHour",
    ),
    Refused(
        "a rate with a comma",
        "spec.ceilings.costPerHour",
        "45,00",
        "spec.ceilings.costPerHour",
        "costPerHour must be a decimal string",
    ),
    Refused(
        "a rate of zero",
        "spec.ceilings.costPerHour",
        "0.0",
        "spec.ceilings.costPerHour",
        "costPerHour must be greater than zero",
    ),
    Refused(
        "half a GPU",
        "spec.ceilings.resources",
        {"nvidia.com/gpu": "0.5"},
        "spec.ceilings.resources[nvidia.com/gpu]",
        "a resource's ceiling must be a whole number in a string",
    ),
    Refused(
        "a resource that no pod can request",
        "spec.ceilings.resources",
        {"nvi dia.com/gpu": "1"},
        "spec.ceilings.resources",
        "resources must be named as in a pod's requests",
    ),
    Refused(
        "a floor above the most",
        "spec.classes.0.minReplicas",
        13,
        "spec.classes[0].minReplicas",
        "minReplicas must not be above maxReplicas",
    ),
    Refused(
        "a limit below the target",
        BUSY,
        80,
        "spec.classes",
        "classes[].utilizationLimitPercent (85 unless given) must not be below",
    ),
    Refused(
        "scaling by nothing",
        "spec.scaling",
        {"scaleDownStabilization": "5m"},
        "spec.scaling",
        "scaling must have at least one of gpuUtilization and concurrency",
    ),
    Refused(
        "a stabilization in words",
        "spec.scaling.scaleDownStabilization",
        "5 minutes",
        "spec.scaling.scaleDownStabilization",
        "scaleDownStabilization must be a duration",
    ),
    Refused(
        "a concurrency in words",
        "spec.scaling.concurrency.targetPerReplica",
        "many",
        "spec.scaling.concurrency.targetPerReplica",
        "targetPerReplica must be a decimal string",
    ),
    Refused(
        "a concurrency of zero",
        "spec.scaling.concurrency.targetPerReplica",
        "0",
        "spec.scaling.concurrency.targetPerReplica",
        "targetPerReplica must be greater than zero",
    ),
    Refused(
        "In without values",
        "spec.targets.1.selector.matchExpressions.0.values",
        ABSENT,
        "spec.targets[1].selector.matchExpressions[0].values",
        "values must be given with In and NotIn",
    ),
    Refused(
        "an invented field",
        "spec.batch",
        {"spot": "Always"},
        "spec.batch",
        "unknown field",
    ),
]

PRICES = "spec.nodes[0].prices"
SHEETS = [
    Refused(name, path, value, field, words, "PriceSheet")
    for name, path, value, field, words in (
        (
            "a price as float",
            "spec.nodes.0.prices.cpu",
            0.03,
            f"{PRICES}.cpu",
            'must be of type string: "number"',
        ),
        (
            "a price with a comma",
            "spec.nodes.0.prices.cpu",
            "0,03",
            f"{PRICES}[cpu]",
            "a price must be a decimal string",
        ),
        (
            "a price of zero",
            "spec.nodes.0.prices.cpu",
            "0",
            f"{PRICES}[cpu]",
            "a price must be greater than zero",
        ),
        ("no price", "spec.nodes.0.prices", {}, PRICES, "should have at least 1 properties"),
        (
            "a resource that does not exist",
            "spec.nodes.0.prices",
            {"G P U": "1"},
            PRICES,
            "prices must be named by resource",
        ),
        (
            "an unknown capacity type",
            "spec.nodes.0.capacityType",
            "Preemptible",
            "spec.nodes[0].capacityType",
            '"Spot", "OnDemand"',
        ),
        ("no nodes", "spec.nodes", [], "spec.nodes", "at least 1 items"),
        (
            "values for Exists",
            "spec.nodes.0.nodeSelector.matchExpressions.0.values",
            ["x"],
            "spec.nodes[0].nodeSelector.matchExpressions[0].values",
            "must be absent with Exists",
        ),
        ("no currency", "spec.currency", ABSENT, "spec.currency", "Required value"),
    )
]

REFUSED = [*POLICIES, *SHEETS]
