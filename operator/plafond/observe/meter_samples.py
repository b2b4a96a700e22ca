"""Pure: the rows of one answer into a reading; a row that makes no sense is a gap, not a number."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from plafond.model.gap import Gap
from plafond.model.meters import MeterReading, PodKey

# Prometheus evaluates at its own clock; further apart than this, "now" means two things.
MAX_SKEW: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class SampleLabels:
    """Which labels of a series name the pod that it is about."""

    namespace: str = "namespace"
    pod: str = "pod"


@dataclass(frozen=True, slots=True)
class Answer:
    """What Prometheus returned: rows as they came, and what it warned of."""

    rows: Sequence[Any]
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Tally:
    values: dict[PodKey, float] = field(default_factory=dict)
    unnamed: int = 0
    doubled: int = 0


def reading_of(answer: Answer, labels: SampleLabels, now: datetime) -> MeterReading:
    """Return the reading that *answer* is, at *now*."""
    tally = _Tally()
    for row in answer.rows:
        try:
            key, value, at = _sample(row, labels)
        except (KeyError, TypeError, ValueError, ArithmeticError):
            msg = "the answer is not a vector of samples; try the query in Prometheus' own page"
            return MeterReading(gap=Gap(msg))
        # Not a number is no clock either, and compares as false.
        if not abs(at - now.timestamp()) <= MAX_SKEW.total_seconds():
            msg = f"Prometheus' clock is {at - now.timestamp():+.0f} s off; set the clocks"
            return MeterReading(gap=Gap(msg))
        _count(tally, key, value)
    return MeterReading(tally.values, _gap(answer, tally))


def _sample(row: Any, labels: SampleLabels) -> tuple[PodKey | None, float, float]:  # noqa: ANN401 - whatever came
    names: Mapping[str, str] = row["metric"]
    at, text = row["value"]
    if not isinstance(text, str) or not isinstance(names, dict):
        msg = "a sample's value comes as text, and its labels by name"
        raise TypeError(msg)
    named = (names.get(labels.namespace), names.get(labels.pod))
    key = PodKey(*map(str, named)) if all(named) else None
    return key, float(text), float(at)


def _count(tally: _Tally, key: PodKey | None, value: float) -> None:
    if key is None:
        tally.unnamed += 1
        return
    # Neither NaN nor infinity nor a negative number (-0 is one) says how busy a pod is.
    if not math.isfinite(value) or math.copysign(1, value) < 0:
        return
    if key in tally.values:
        tally.doubled += 1
    tally.values[key] = max(value, tally.values.get(key, 0.0))


def _gap(answer: Answer, tally: _Tally) -> Gap | None:
    found = list(answer.warnings)
    if tally.unnamed:
        found.append(f"{tally.unnamed} series name no pod; check namespaceLabel and podLabel")
    if tally.doubled:
        found.append(f"{tally.doubled} series are doubled, and the larger counts; aggregate by pod")
    return Gap("; ".join(found)) if found else None
