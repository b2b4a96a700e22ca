"""Installing Plafond into a rig: its custom resources, RBAC and admission policies."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from e2e.rig.kubectl import Kubectl, as_text

REPOSITORY = Path(__file__).parents[2]
SHIPPED = ("crds", "manifests")
NAMESPACE = "plafond-system"
SERVICE_ACCOUNT = "plafond"
FIRST = ("CustomResourceDefinition", "Namespace")
# The rig runs the operator as a process of the checkout, not as the image that is shipped.
LEFT_OUT = ("Deployment", "PodDisruptionBudget")


def install(kubectl: Kubectl, leave_out: Collection[str] = ()) -> frozenset[str]:
    """Apply what the repository ships, and return the kinds that the API server does not serve.

    Args:
        kubectl: the administrator's.
        leave_out: further kinds that are not to be applied.
    """
    unserved = frozenset(_unserved(kubectl, shipped()))
    objects = [each for each in shipped() if each["kind"] not in {*leave_out, *unserved}]
    first = [each for each in objects if each["kind"] in FIRST]
    rest = [each for each in objects if each["kind"] not in FIRST]
    for part in (first, rest):
        if part:
            kubectl.check("apply", "--server-side", "-f", "-", stdin=as_text(part))
        if part is first and any(each["kind"] == FIRST[0] for each in part):
            kubectl.check("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
    return unserved


def _unserved(kubectl: Kubectl, objects: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the kinds that an older API server does not know, as its discovery says."""
    kinds = {(each["apiVersion"], each["kind"]) for each in objects}
    for version in sorted({version for version, _ in kinds}):
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        found = json.loads(kubectl.check("get", "--raw", path))
        served = {resource["kind"] for resource in found["resources"]}
        yield from (kind for of, kind in kinds if of == version and kind not in served)


def shipped() -> Iterator[Mapping[str, Any]]:
    """Yield every object of the repository's CRDs and manifests that a rig takes."""
    for folder in SHIPPED:
        for file in sorted((REPOSITORY / folder).glob("*.yaml")):
            for each in yaml.safe_load_all(file.read_text()):
                if each and each["kind"] not in LEFT_OUT:
                    yield each
