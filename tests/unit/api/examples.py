"""
Resources that are accepted, and what makes each of them refused.

One table serves two judges: the CEL rules evaluated here, and the real API server in `e2e/stories`.
"""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
ABSENT = object()

DAY_ONE, FULL, SHEET, LEDGER = yaml.safe_load_all(
    (HERE / "accepted.yaml").read_text(encoding="utf-8")
)
ACCEPTED = {"CostPolicy": FULL, "PriceSheet": SHEET, "SpendLedger": LEDGER}


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
        return ACCEPTED[self.resource]

    @property
    def after(self) -> dict[str, Any]:
        return edited(self.before, self.path, self.value)


def _listed() -> list[Refused]:
    table = yaml.safe_load((HERE / "refused.yaml").read_text(encoding="utf-8"))
    return [
        Refused(
            row["id"],
            row["edit"]["path"],
            row["edit"].get("value", ABSENT),
            row["field"],
            row["words"],
            resource=resource,
            is_update=row.get("is_update", False),
        )
        for resource, rows in table.items()
        for row in rows
    ]


MONTH = FULL["spec"]["budgets"][0]
BUDGETS = [{**MONTH, "name": f"b{number}"} for number in range(9)]
TARGETS = [{"group": "apps", "kind": "Deployment", "name": f"d{number}"} for number in range(33)]
LABELS = {f"l{number}": "x" for number in range(33)}
HOT = "spec.classes.0.selector.matchLabels", "spec.classes[0].selector.matchLabels"

LONG = [
    Refused(f"too long: {id_}", path, value, field, words)
    for id_, path, value, field, words in (
        ("nine budgets", "spec.budgets", BUDGETS, "spec.budgets", "must have at most 8 items"),
        ("33 targets", "spec.targets", TARGETS, "spec.targets", "must have at most 32 items"),
        ("33 labels", HOT[0], LABELS, HOT[1], "must have at most 32 items"),
        ("a name", "spec.targets.0.name", "x" * 254, "spec.targets[0].name", "than 253 bytes"),
        ("a title", "spec.budgets.0.name", "x" * 64, "spec.budgets[0].name", "than 63 bytes"),
    )
]
TWICE = Refused(
    "two budgets of one name", "spec.budgets", [MONTH, MONTH], "spec.budgets[1]", "Duplicate value"
)

REFUSED = [*_listed(), *LONG, TWICE]
