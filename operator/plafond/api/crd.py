"""A kind as a CustomResourceDefinition, and as the text that is committed in `crds/`."""

from typing import Any, Final

import yaml

from plafond.api import constants
from plafond.api.kinds import Column, Kind
from plafond.api.schema import structural

HEADER: Final = "# Generated from operator/plafond/api by `make crds`; change the models instead.\n"
_API_VERSION: Final = {
    "type": "string",
    "maxLength": 64,
    "description": "The version of this schema, plafond.dev/v1alpha1.",
}


def definition(kind: Kind) -> dict[str, Any]:
    """Return the CustomResourceDefinition of *kind*."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{kind.plural}.{constants.GROUP}",
            "labels": {"app.kubernetes.io/name": "plafond", "app.kubernetes.io/part-of": "plafond"},
        },
        "spec": {
            "group": constants.GROUP,
            "scope": kind.scope,
            "names": _names(kind),
            "versions": [_version(kind)],
        },
    }


def text(kind: Kind) -> str:
    """Return the committed form of *kind*'s definition."""
    document = yaml.dump(
        definition(kind), Dumper=_WithoutAliases, sort_keys=False, allow_unicode=True, width=120
    )
    return HEADER + document


class _WithoutAliases(yaml.SafeDumper):
    """People read this file: a repeated value is written again, not as an anchor."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True


def _names(kind: Kind) -> dict[str, Any]:
    names = {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.singular,
        "categories": [constants.CATEGORY],
    }
    # A short name that repeats the singular would be refused as a conflict with itself.
    return names if kind.short_name == kind.singular else {**names, "shortNames": [kind.short_name]}


def _version(kind: Kind) -> dict[str, Any]:
    version: dict[str, Any] = {
        "name": constants.VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [_column(column) for column in kind.columns],
        "schema": {"openAPIV3Schema": _root(kind)},
    }
    return version if kind.status is None else {**version, "subresources": {"status": {}}}


def _column(column: Column) -> dict[str, Any]:
    printed = {"name": column.name, "type": column.type, "jsonPath": column.path}
    # Priority 0 is always shown; anything above needs `-o wide`.
    return {**printed, "priority": 1} if column.is_wide else printed


def _root(kind: Kind) -> dict[str, Any]:
    properties = {
        "apiVersion": _API_VERSION,
        "kind": {"type": "string", "maxLength": 64, "description": f"The kind, {kind.name}."},
        # The API server knows metadata itself, and refuses so much as a description here.
        "metadata": {"type": "object"},
        "spec": structural(kind.spec),
    }
    if kind.status is not None:
        properties["status"] = structural(kind.status)
    return {
        "type": "object",
        "description": kind.description,
        "required": ["spec"],
        "properties": properties,
    }
