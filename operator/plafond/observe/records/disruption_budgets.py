"""PodDisruptionBudgets: those that demand a number of pods, whatever the replicas are."""

from plafond.model.labels import LabelSelector
from plafond.model.workload import DisruptionBudget
from plafond.observe.records.fields import Raw, metadata, part
from plafond.observe.records.workloads import requirements


def parse(raw: Raw) -> DisruptionBudget | None:
    """
    Return the minimum that *raw* demands, if it demands any.

    Percentages, and `maxUnavailable`, are reckoned from the replicas: they fall with them. Without
    a selector no pod is meant.
    """
    meta, spec = metadata(raw), part(raw, "spec")
    least, selector = spec.get("minAvailable"), spec.get("selector")
    if not isinstance(least, int) or selector is None:
        return None
    chosen = LabelSelector(dict(part(selector, "matchLabels")), requirements(selector))
    return DisruptionBudget(meta["namespace"], meta["name"], chosen, least)
