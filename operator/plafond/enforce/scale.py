"""Replica counts: one PATCH of `/scale`, if the workload is still as it was decided on."""

from plafond.api.paths import scale_path
from plafond.api.writer import ApiWriter, Result, Written
from plafond.decide.plan import ScaleTo
from plafond.enforce.outcome import Outcome


async def scale_to(writer: ApiWriter, action: ScaleTo) -> Outcome:
    """Set the replicas of a workload, if neither it nor its spec changed since it was observed."""
    patch = {
        "metadata": {"uid": action.uid, "resourceVersion": action.resource_version},
        "spec": {"replicas": action.after},
    }
    return _outcome(action, await writer.merge(scale_path(action.workload), patch))


def _outcome(action: ScaleTo, written: Written) -> Outcome:
    if written.result is not Result.DONE:
        return Outcome(action, written.result, written.detail)
    replicas = _replicas(written)
    if replicas is None:
        return Outcome(action, Result.DONE, "the API server answered without a replica count")
    detail = "" if replicas == action.after else f"admission made {action.after} {replicas}"
    return Outcome(action, Result.DONE, detail, replicas)


def _replicas(written: Written) -> int | None:
    spec = (written.body or {}).get("spec")
    # A count of zero is left out by the API server.
    found = spec.get("replicas", 0) if isinstance(spec, dict) else None
    return found if isinstance(found, int) else None
