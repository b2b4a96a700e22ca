"""HorizontalPodAutoscalers: whom they scale, and what they wish when that can be believed."""

from dataclasses import dataclass

from plafond.model.workload import Autoscaler, WorkloadId
from plafond.observe.records.fields import Raw, condition, metadata, part

_KIND = "HorizontalPodAutoscaler"


@dataclass(frozen=True, slots=True)
class HpaRecord:
    """An autoscaler and its scale target."""

    target: WorkloadId
    autoscaler: Autoscaler


def parse(raw: Raw) -> HpaRecord:
    """Return the autoscaler that *raw* describes."""
    reference = part(raw, "spec")["scaleTargetRef"]
    group, slash, _ = str(reference.get("apiVersion", "")).partition("/")
    target = WorkloadId(
        namespace=metadata(raw)["namespace"],
        kind=reference["kind"],
        name=reference["name"],
        group=group if slash else "",
    )
    return HpaRecord(target, Autoscaler(_KIND, metadata(raw)["name"], _wish(raw)))


def joined(first: Autoscaler, second: Autoscaler) -> Autoscaler:
    """Return two autoscalers of one workload as one that nobody can believe: they fight."""
    return Autoscaler(first.kind, f"{first.name}, {second.name}", None)


def _wish(raw: Raw) -> int | None:
    """
    Return `status.desiredReplicas` if it says what demand asks for.

    Zero means "switched off" or "not yet computed". An autoscaler that cannot scale does not
    compute. While its scale-up policy limits it, it shows the limit, which grows from what runs
    and so from our own ceiling: at a ceiling of 4 a true wish of 20 was seen as 8.
    """
    desired = part(raw, "status").get("desiredReplicas")
    if not desired or condition(raw, "AbleToScale").get("status") == "False":
        return None
    limited = condition(raw, "ScalingLimited")
    if limited.get("status") == "True" and limited.get("reason") == "ScaleUpLimit":
        return None
    return int(desired)
