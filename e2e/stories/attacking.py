"""Whom the attack table attacks, a limited namespace; and who does, its tenant and GitOps."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from e2e.rig.cluster import Rig
from e2e.rig.kubeconfig import Request
from e2e.rig.web import Answer

from plafond.api.annotations import CEILINGS, WHY

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
PLAIN = "application/json"

# `admin` of her namespace, and she may do everything to the Namespace itself but delete it.
EVE = "eve"
# Bound to cluster-admin, as GitOps controllers are.
GITOPS = "system:serviceaccount:gitops:sync"
BREAK_GLASS = "plafond:break-glass"
OWN_NAMESPACE = "attacked-namespace"
RBAC = "rbac.authorization.k8s.io"

LLM, DB = 4, 2
LATER = "later"
LONG, LONGEST = "l" * 63, ".".join(["l" * 50] * 4 + ["l" * 49])
DOTS = "v1.2.llm"
CEILINGS_OF = {
    **{("deployments", name): LLM for name in ("llm", LATER, LONG, LONGEST, DOTS)},
    ("statefulsets", "db"): DB,
}
LISTED = ",".join(
    sorted(f"{kind}.apps/{name}={most}" for (kind, name), most in CEILINGS_OF.items())
)
OURS = {CEILINGS: LISTED, WHY: "month 82 %, 2130 EUR left until 2026-12-01"}


def engine(kind: str, name: str, replicas: int | None, **spec: Any) -> dict[str, Any]:
    """Return a workload of one GPU per replica; a paused Deployment starts no pods."""
    labels = {"app": name[:63]}
    limits = {"nvidia.com/gpu": "1"}
    pod = {"containers": [{"name": "engine", "image": "engine", "resources": {"limits": limits}}]}
    own: dict[str, Any] = {
        "Deployment": {"paused": True},
        "StatefulSet": {"serviceName": "none", "podManagementPolicy": "Parallel"},
    }.get(kind, {})
    counted = {} if replicas is None else {"replicas": replicas}
    template = {"metadata": {"labels": labels}, "spec": pod}
    whole = {**own, **counted, "selector": {"matchLabels": labels}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": whole}


@dataclass(frozen=True)
class Scene:
    """One namespace with an `llm` of two replicas and a `db` of one, and who attacks it."""

    rig: Rig
    namespace: str
    made: list[str] = field(default_factory=list)

    @property
    def itself(self) -> str:
        """Where the Namespace is served."""
        return f"/api/v1/namespaces/{self.namespace}"

    def at(self, plural: str, name: str = "", sub: str = "") -> str:
        """Return where workloads, one of them, or one's subresource is served."""
        parts = ["/apis/apps/v1/namespaces", self.namespace, plural, name, sub]
        return "/".join(part for part in parts if part)

    def send(
        self, method: str, path: str, body: object = None, how: str = PLAIN, user: str = EVE
    ) -> Answer:
        """Send one request as the tenant, or as *user*."""
        return self.rig.send(method, path, body, Request(how, user))

    def kubectl(self, *args: str, stdin: object = None, user: str = EVE) -> Answer:
        """Run kubectl as the tenant, or as *user*; its success or failure is the answer."""
        text = None if stdin is None else json.dumps(stdin)
        done = self.rig.kubectl("-n", self.namespace, *args, stdin=text, as_user=user)
        return Answer(0 if done.returncode else 200, {"message": done.stderr})

    def find(self, path: str) -> Mapping[str, Any]:
        """Return what is served at *path*; nothing if there is nothing."""
        answer = self.rig.send("GET", path)
        return answer.body if answer.is_done else {}

    def replicas(self, plural: str, name: str) -> str:
        """Return what a workload asks for, in words."""
        found = self.find(self.at(plural, name))
        shown = name if len(name) < 20 else f"{len(name)} letters"
        return f"{shown} {found['spec']['replicas']}" if found else f"{shown} gone"

    def annotations(self) -> dict[str, str]:
        """Return what is under our prefix on the Namespace."""
        metadata = self.find(self.itself).get("metadata", {})
        found = metadata.get("annotations", {})
        return {key: value for key, value in found.items() if key.startswith("plafond.dev/")}


def prepare(rig: Rig) -> None:
    """Say once for all scenes who may do what."""
    verbs = ["get", "patch", "update"]
    resources = ["namespaces", "namespaces/status", "namespaces/finalize"]
    rule = {"apiGroups": [""], "resources": resources, "verbs": verbs}
    rig.apply(
        [
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": "ClusterRole",
                "metadata": {"name": OWN_NAMESPACE},
                "rules": [rule],
            },
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": "attacked-gitops"},
                "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
                "subjects": [{"apiGroup": RBAC, "kind": "User", "name": GITOPS}],
            },
        ]
    )


def scene(rig: Rig) -> Scene:
    """Make a namespace with its workloads and its tenant; nothing is limited yet."""
    made = Scene(rig, f"attack-{secrets.token_hex(4)}")
    _create(made, "/api/v1/namespaces", "v1", "Namespace", made.namespace)
    for role in ("admin", OWN_NAMESPACE):
        _create(
            made,
            f"/apis/{RBAC}/v1/namespaces/{made.namespace}/rolebindings",
            f"{RBAC}/v1",
            "RoleBinding",
            role,
            roleRef={"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
            subjects=[{"apiGroup": RBAC, "kind": "User", "name": EVE}],
        )
    for plural, body in (
        ("deployments", engine("Deployment", "llm", 2)),
        ("statefulsets", engine("StatefulSet", "db", 1)),
    ):
        answer = rig.send("POST", made.at(plural), body)
        assert answer.is_done, answer.message
    return made


def limit(made: Scene) -> Scene:
    """List the ceilings as the operator does."""
    body = {"metadata": {"annotations": OURS}}
    answer = made.rig.send("PATCH", made.itself, body, Request(MERGE))
    assert answer.is_done, answer.message
    return made


def _create(made: Scene, path: str, version: str, kind: str, name: str, **fields: Any) -> None:
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **fields}
    answer = made.rig.send("POST", path, body)
    assert answer.is_done, answer.message
