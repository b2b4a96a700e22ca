"""Replica counts: one PATCH of `/scale`, if the workload is still as it was decided on."""

from urllib.parse import quote

from plafond.api.writer import ApiWriter, Result, Written
from plafond.decide.plan import ScaleTo
from plafond.enforce.outcome import Outcome
from plafond.model.workload import WorkloadId


async def scale_to(writer: ApiWriter, action: ScaleTo) -> Outcome:
    """Set the replicas of a workload, if neither it nor its spec changed since it was observed."""
    patch = {
        "metadata": {"uid": action.uid, "resourceVersion": action.resource_version},
        "spec": {"replicas": action.after},
    }
    return _outcome(action, await writer.merge(_path(action.workload), patch))


def _path(workload: WorkloadId) -> str:
    resource = f"{workload.kind.lower()}s"
    name = quote(workload.name, safe="")
    return f"/apis/{workload.group}/v1/namespaces/{workload.namespace}/{resource}/{name}/scale"


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
