"""The pages of `docs/reference` about our kinds, from the same schema as the CRDs."""

from collections.abc import Iterator
from typing import Any, Final

from plafond.api import constants
from plafond.api.crd import definition
from plafond.api.kinds import Kind

HEADER: Final = "<!-- Generated from operator/plafond/api by `make crds`. -->\n"
_HEADINGS: Final = "| field | holds | means |\n|---|---|---|\n"
_BOUNDS: Final = {
    "minimum": "≥ {}",
    "maximum": "≤ {}",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
    "maxProperties": "at most {} entries",
    "maxLength": "at most {} characters",
}


def page(kind: Kind) -> str:
    """Return the page about *kind*: every field, what may stand in it, and every rule."""
    schema = definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    parts = [part for part in ("spec", "status") if part in schema["properties"]]
    sections = [_section(part, schema["properties"][part]) for part in parts]
    return "\n".join([HEADER, *_opening(kind), *sections])


def _opening(kind: Kind) -> list[str]:
    return [
        f"# {kind.name}\n",
        f"{kind.description}\n",
        f"`{constants.API_VERSION}`, {kind.scope.lower()}; `kubectl get {kind.short_name}`.\n",
    ]


def _section(name: str, schema: dict[str, Any]) -> str:
    rows = "\n".join(_rows(name, schema, frozenset(schema.get("required", ()))))
    table = f"## {name}\n\n{schema['description']}\n\n{_HEADINGS}{rows}\n"
    rules = "\n".join(f"- `{path}`: {message}" for path, message in _rules(name, schema))
    return f"{table}\nRefused otherwise:\n\n{rules}\n" if rules else table


def _rows(path: str, schema: dict[str, Any], required: frozenset[str]) -> Iterator[str]:
    for name, child in schema.get("properties", {}).items():
        here = f"{path}.{name}"
        must = ", **required**" if name in required else ""
        yield f"| `{here}` | {_holds(child)}{must} | {_cell(child['description'])} |"
        inner = child.get("items") or child.get("additionalProperties") or child
        nested = f"{here}[]" if inner is not child else here
        yield from _rows(nested, inner, frozenset(inner.get("required", ())))


def _holds(schema: dict[str, Any]) -> str:
    choices = [f"`{choice}`" for choice in schema.get("enum", ())]
    if choices:
        words = [" \\| ".join(choices)]
    else:
        kind = "map" if "additionalProperties" in schema else schema["type"]
        words = [
            kind,
            *(text.format(schema[key]) for key, text in _BOUNDS.items() if key in schema),
        ]
    if "default" in schema:
        words.append(f"default `{schema['default']}`")
    return ", ".join(words)


def _rules(path: str, schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for found in schema.get("x-kubernetes-validations", ()):
        yield path, found["message"]
    for name, child in schema.get("properties", {}).items():
        yield from _rules(f"{path}.{name}", child)
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from _rules(f"{path}[]", schema[key])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
