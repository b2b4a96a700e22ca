"""What an API server says it serves, as far as the operator asks."""

from typing import Any

Raw = dict[str, Any]

OURS = ("CostPolicy", "PriceSheet", "SpendLedger")
VERBS = ["get", "list", "watch", "create", "update", "patch", "delete"]


def documents(*, ours: tuple[str, ...] = OURS) -> dict[str, Raw]:
    """Return every document of discovery by its path; *ours* are the kinds that are installed."""
    groups = {
        "apiextensions.k8s.io": ("v1", [_resource("CustomResourceDefinition", namespaced=False)]),
        "plafond.dev": (
            "v1alpha1",
            [_resource(kind, namespaced=kind != "PriceSheet") for kind in ours],
        ),
    }
    served = {name: found for name, found in groups.items() if found[1]}
    return {
        "/api": {"versions": ["v1"]},
        "/api/v1": _list("v1", [_resource("Namespace", namespaced=False), _resource("Event")]),
        "/apis": {"groups": [_group(name, version) for name, (version, _) in served.items()]},
        **{
            f"/apis/{name}/{version}": _list(f"{name}/{version}", found)
            for name, (version, found) in served.items()
        },
    }


def _group(name: str, version: str) -> Raw:
    preferred = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [preferred], "preferredVersion": preferred}


def _list(version: str, found: list[Raw]) -> Raw:
    return {"kind": "APIResourceList", "groupVersion": version, "resources": found}


def _resource(kind: str, *, namespaced: bool = True) -> Raw:
    singular = kind.lower()
    plural = f"{singular[:-1]}ies" if singular.endswith("y") else f"{singular}s"
    return {
        "name": plural,
        "singularName": singular,
        "kind": kind,
        "namespaced": namespaced,
        "verbs": VERBS,
    }
