"""Where the API server has what we write."""

from urllib.parse import quote

from plafond.model.workload import WorkloadId


def namespace_path(namespace: str) -> str:
    """Return the path of a namespace."""
    return f"/api/v1/namespaces/{quote(namespace, safe='')}"


def scale_path(workload: WorkloadId) -> str:
    """Return the path of a workload's scale."""
    resource, name = f"{workload.kind.lower()}s", quote(workload.name, safe="")
    namespace = quote(workload.namespace, safe="")
    return f"/apis/{workload.group}/v1/namespaces/{namespace}/{resource}/{name}/scale"
