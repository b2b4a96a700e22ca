"""Installing Plafond into a rig: its custom resources, RBAC and admission policies."""

from collections.abc import Collection, Iterator, Mapping
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


def install(kubectl: Kubectl, leave_out: Collection[str] = ()) -> None:
    """Apply what the repository ships, as the administrator, and wait for its resources.

    Args:
        kubectl: the administrator's.
        leave_out: kinds that the API server does not know, such as an emulated older one.
    """
    objects = [each for each in shipped() if each["kind"] not in leave_out]
    first = [each for each in objects if each["kind"] in FIRST]
    rest = [each for each in objects if each["kind"] not in FIRST]
    for part in (first, rest):
        if part:
            kubectl.check("apply", "--server-side", "-f", "-", stdin=as_text(part))
        if part is first and any(each["kind"] == FIRST[0] for each in part):
            kubectl.check("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")


def shipped() -> Iterator[Mapping[str, Any]]:
    """Yield every object of the repository's CRDs and manifests that a rig takes."""
    for folder in SHIPPED:
        for file in sorted((REPOSITORY / folder).glob("*.yaml")):
            for each in yaml.safe_load_all(file.read_text()):
                if each and each["kind"] not in LEFT_OUT:
                    yield each
