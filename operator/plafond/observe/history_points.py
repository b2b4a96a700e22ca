"""
Pure: what Prometheus answers about our own counters, as histories by namespace.

Where Prometheus scrapes the operator without `honorLabels`, its own namespace stands in `namespace`
and the counted one in `exported_namespace`. So a tenant who invents such series counts for himself.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from plafond.model.gap import Gap
from plafond.model.history import Counter, Histories, History, Point
from plafond.model.money import GPU_HOURS, TOKENS
from plafond.observe.meter_samples import Answer

_CURRENCY = re.compile(r"[A-Z]{3}")
_OTHERS = {GPU_HOURS, TOKENS}
_UNREADABLE = Gap("history: the answer is not a matrix of counters; try the query in Prometheus")


@dataclass(frozen=True, slots=True)
class Teller:
    """Whose counters they are: the operator's namespace, and how late they show what was spent."""

    namespace: str
    lag: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: which namespaces, from when on, in which steps, and of whom."""

    namespaces: tuple[str, ...]
    since: datetime
    step: timedelta
    teller: "Teller"


def histories_of(answer: Answer, asked: Asked) -> Histories:
    """Return what *answer* tells of every namespace that was asked for."""
    if answer.warnings:
        why = Gap(f"history: {'; '.join(answer.warnings)}")
        return dict.fromkeys(asked.namespaces, why)
    try:
        found = _counters(answer.rows, asked)
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return dict.fromkeys(asked.namespaces, _UNREADABLE)
    everywhere = (counter for counters in found.values() for counter in counters)
    begins = min((counter.points[0].at for counter in everywhere), default=None)
    return {
        name: History(asked.since, asked.step, begins, tuple(found.get(name, ())), asked.teller.lag)
        for name in asked.namespaces
    }


def _counters(rows: Sequence[Any], asked: Asked) -> Mapping[str, list[Counter]]:
    found: dict[str, list[Counter]] = defaultdict(list)
    for row in rows:
        labels: Mapping[str, str] = row["metric"]
        unit, name = labels.get("currency", GPU_HOURS), _namespace(labels, asked.teller.namespace)
        points = tuple(_points(row["values"], asked))
        if name is not None and points and (unit in _OTHERS or _CURRENCY.fullmatch(unit)):
            found[name].append(Counter(unit, points))
    return found


def _namespace(labels: Mapping[str, str], own: str) -> str | None:
    exported = labels.get("exported_namespace")
    if exported is None:
        return labels.get("namespace")
    return exported if labels.get("namespace") == own else None


def _points(values: Iterable[Any], asked: Asked) -> Iterable[Point]:
    for at, text in values:
        value = Decimal(text)
        if value.is_finite() and value >= 0:
            # On the grid that was asked for, whatever the float has become.
            offset = datetime.fromtimestamp(float(at), UTC) - asked.since
            yield Point(asked.since + round(offset / asked.step) * asked.step, value)
