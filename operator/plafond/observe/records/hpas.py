"""HorizontalPodAutoscalers: whom they scale, what they say, and what they measured."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from plafond.model.autoscaler import (
    DEFAULT_MEMORY,
    DEFAULT_TOLERANCE,
    Autoscaler,
    Basis,
    MetricReading,
)
from plafond.model.workload import WorkloadId
from plafond.observe.records.fields import Raw, condition, metadata, part, parts
from plafond.observe.records.requests import quantity

_KIND: Final = "HorizontalPodAutoscaler"
# Where each type of metric keeps its fields, and what an average of it is divided by.
_SOURCES: Final = {
    "External": ("external", Basis.REPLICA),
    "Object": ("object", Basis.REPLICA),
    "Pods": ("pods", Basis.READY_POD),
    "Resource": ("resource", Basis.READY_POD),
    "ContainerResource": ("containerResource", Basis.READY_POD),
}


@dataclass(frozen=True, slots=True)
class HpaRecord:
    """An autoscaler and its scale target."""

    target: WorkloadId
    autoscaler: Autoscaler


def parse(raw: Raw) -> HpaRecord:
    """Return the autoscaler that *raw* describes."""
    spec, status = part(raw, "spec"), part(raw, "status")
    reference = spec["scaleTargetRef"]
    group, slash, _ = str(reference.get("apiVersion", "")).partition("/")
    target = WorkloadId(
        namespace=metadata(raw)["namespace"],
        kind=reference["kind"],
        name=reference["name"],
        group=group if slash else "",
    )
    up, down = (part(part(spec, "behavior"), name) for name in ("scaleUp", "scaleDown"))
    autoscaler = Autoscaler(
        _KIND,
        metadata(raw)["name"],
        desired=_desired(raw),
        is_limited=_is_limited(raw),
        seen=int(status.get("currentReplicas") or 0),
        readings=_readings(raw),
        least=1 if spec.get("minReplicas") is None else int(spec["minReplicas"]),
        most=int(spec["maxReplicas"]),
        rise_tolerance=_tolerance(up),
        fall_tolerance=_tolerance(down),
        remembers_for=_remembers_for(down),
        is_refused=_is_refused(raw),
    )
    return HpaRecord(target, autoscaler)


def joined(first: Autoscaler, second: Autoscaler) -> Autoscaler:
    """Return two autoscalers of one workload as one that nobody can believe: they fight."""
    return Autoscaler(first.kind, f"{first.name}, {second.name}")


def _desired(raw: Raw) -> int | None:
    """
    Return `status.desiredReplicas` where it is of now.

    Zero means "switched off" or "not yet computed". An autoscaler that cannot scale, or whose
    metrics are lost, keeps what it said before.
    """
    if not _has_looked(raw):
        return None
    return int(part(raw, "status").get("desiredReplicas") or 0) or None


def _has_looked(raw: Raw) -> bool:
    if condition(raw, "ScalingActive").get("status") == "False":
        return False
    return condition(raw, "AbleToScale").get("status") != "False" or _is_refused(raw)


def _is_refused(raw: Raw) -> bool:
    able = condition(raw, "AbleToScale")
    return able.get("status") == "False" and able.get("reason") == "FailedUpdateScale"


def _is_limited(raw: Raw) -> bool:
    """
    Say whether its scale-up policy limits what it says, or its write was refused.

    The limit grows from what runs, and so from our own ceiling: at a ceiling of 4 a true wish of 20
    was seen as 8. After a refusal the status keeps what was said before it.
    """
    limited = condition(raw, "ScalingLimited")
    by_policy = limited.get("status") == "True" and limited.get("reason") == "ScaleUpLimit"
    return by_policy or _is_refused(raw)


def _readings(raw: Raw) -> tuple[MetricReading, ...]:
    """Return what was measured of each metric, in order; none if it did not look."""
    measured = parts(part(raw, "status"), "currentMetrics")
    if not measured or not _has_looked(raw):
        return ()
    wanted = parts(part(raw, "spec"), "metrics")
    return tuple(
        _reading(each, measured[index] if index < len(measured) else {})
        for index, each in enumerate(wanted)
    )


def _reading(wanted: Raw, measured: Raw) -> MetricReading:
    if wanted["type"] not in _SOURCES:
        return MetricReading(Basis.WORKLOAD, None, Decimal(1))
    name, basis = _SOURCES[wanted["type"]]
    source, found = part(wanted, name), part(measured, name)
    target, current = part(source, "target"), part(found, "current")
    # A metric that could not be read leaves an empty entry; an edited one, that of before.
    is_same = _identity(source) == _identity(found)
    for field in ("averageUtilization", "averageValue", "value"):
        if target.get(field) is not None:
            return MetricReading(
                Basis.WORKLOAD if field == "value" else basis,
                _number(current.get(field)) if is_same else None,
                _number(target[field]) or Decimal(0),
                is_percent=field == "averageUtilization",
            )
    return MetricReading(basis, None, Decimal(1))


def _identity(source: Raw) -> tuple[object, ...]:
    metric = part(source, "metric")
    own = (source.get("name"), source.get("container"), source.get("describedObject"))
    return (metric.get("name"), metric.get("selector"), *own)


def _number(value: object) -> Decimal | None:
    try:
        return None if value is None else quantity(str(value))
    except ValueError:
        return None


def _tolerance(rules: Raw) -> Decimal:
    found = _number(rules.get("tolerance"))
    return DEFAULT_TOLERANCE if found is None else found


def _remembers_for(rules: Raw) -> timedelta:
    seconds = rules.get("stabilizationWindowSeconds")
    return DEFAULT_MEMORY if seconds is None else timedelta(seconds=int(seconds))
