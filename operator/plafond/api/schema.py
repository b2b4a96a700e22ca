"""
From pydantic's JSON schema to the structural schema that the API server accepts.

Every rule here answers something that pydantic emits and the API server refuses or misreads. What
is not on the allow-list, not bounded or not described stops the generation: a schema that installs
but promises less than the model is worse than none.
"""

from typing import Any, Final

from pydantic import BaseModel

Schema = dict[str, Any]

DROPPED: Final = frozenset({"title", "examples", "$defs"})
ALLOWED: Final[tuple[str, ...]] = (
    "description",
    "type",
    "format",
    "enum",
    "default",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "required",
    "properties",
    "additionalProperties",
    "items",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-validations",
)


class SchemaError(Exception):
    """A model says something that a structural schema cannot, or leaves something open."""


def structural(model: type[BaseModel]) -> Schema:
    """Return *model* as a structural schema: inlined, bounded, and described in every field."""
    source = model.model_json_schema(by_alias=True, mode="validation")
    return _converted(source, source.get("$defs", {}), model.__name__)


def _converted(node: Schema, definitions: dict[str, Schema], path: str) -> Schema:
    flat = _flattened(node, definitions, path)
    result: Schema = {key: flat[key] for key in ALLOWED if key in flat}
    if "properties" in result:
        result["properties"] = {
            name: _described(_converted(child, definitions, f"{path}.{name}"), f"{path}.{name}")
            for name, child in result["properties"].items()
        }
    for key in ("items", "additionalProperties"):
        if key in result:
            result[key] = _converted(result[key], definitions, f"{path}[]")
    _require_bounds(result, path)
    return result


def _flattened(node: Schema, definitions: dict[str, Schema], path: str) -> Schema:
    """Return *node* without references, null alternatives and pydantic's noise."""
    flat = {key: value for key, value in node.items() if key not in DROPPED}
    while "$ref" in flat or "anyOf" in flat:
        inner = _only_alternative(flat.pop("anyOf"), path) if "anyOf" in flat else {}
        if "$ref" in flat:
            inner = definitions[flat.pop("$ref").rsplit("/", 1)[1]]
        # What the field says wins over what its type says: a description, a list type.
        flat = {**{key: value for key, value in inner.items() if key not in DROPPED}, **flat}
    if "description" in flat:
        flat["description"] = " ".join(flat["description"].split())
    if flat.get("default", ...) is None:
        del flat["default"]
    if flat.get("additionalProperties") is False:
        # Exclusive with `properties`; the API server prunes, and kubectl refuses, what is unknown.
        del flat["additionalProperties"]
    if "const" in flat:
        flat["enum"] = [flat.pop("const")]
    _refuse_unknown_keys(flat, path)
    return flat


def _only_alternative(alternatives: list[Schema], path: str) -> Schema:
    """Return the one alternative of an optional field; the API server knows no `null`."""
    real = [each for each in alternatives if each.get("type") != "null"]
    if len(real) != 1:
        msg = f"{path}: a field has one type, write a flat union with a `type` and a CEL rule"
        raise SchemaError(msg)
    return real[0]


def _refuse_unknown_keys(flat: Schema, path: str) -> None:
    unknown = sorted(set(flat) - set(ALLOWED))
    if unknown:
        msg = f"{path}: a structural schema has no {', '.join(unknown)}"
        raise SchemaError(msg)


def _described(schema: Schema, path: str) -> Schema:
    if not schema.get("description"):
        msg = f"{path}: kubectl explain needs a sentence here; write a docstring under the field"
        raise SchemaError(msg)
    return schema


def _require_bounds(schema: Schema, path: str) -> None:
    """Refuse what has no bound: it has no CEL cost estimate, and no limit in etcd."""
    kind = schema.get("type")
    wanted: tuple[str, ...] = {
        "string": ("enum",) if "enum" in schema else ("maxLength",),
        "integer": ("minimum", "maximum"),
        "array": ("maxItems", "x-kubernetes-list-type"),
        "object": ("maxProperties",) if "additionalProperties" in schema else ("properties",),
    }.get(str(kind), ())
    missing = [key for key in wanted if key not in schema]
    if missing or not wanted:
        msg = (
            f"{path}: type {kind} is not bounded, it has no {', '.join(missing) or 'allowed type'}"
        )
        raise SchemaError(msg)
