"""CEL rules of a structural schema, evaluated the way the API server walks an object."""

import copy
from collections.abc import Iterator
from typing import Any

import cel

NOTHING = object()


def defaulted(schema: dict[str, Any], value: Any) -> Any:
    """Return *value* with the schema's defaults filled in."""
    if isinstance(value, dict) and "properties" in schema:
        result = {k: defaulted(schema["properties"].get(k, {}), v) for k, v in value.items()}
        for name, child in schema["properties"].items():
            if name not in result and "default" in child:
                result[name] = copy.deepcopy(child["default"])
        return result
    if isinstance(value, list):
        return [defaulted(schema.get("items", {}), each) for each in value]
    return value


def rules_in(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every rule of *schema* as path and message."""
    for found in schema.get("x-kubernetes-validations", ()):
        yield path, found["message"]
    for name, child in schema.get("properties", {}).items():
        yield from rules_in(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from rules_in(schema[key], f"{path}[]")


def verdicts(
    schema: dict[str, Any], value: Any, old: Any = NOTHING, path: str = ""
) -> Iterator[tuple[tuple[str, str], bool]]:
    """Yield every rule that applies to a part of *value*, and whether it holds."""
    for found in schema.get("x-kubernetes-validations", ()):
        if "oldSelf" not in found["rule"] or old is not NOTHING:
            known = {"self": value} if old is NOTHING else {"self": value, "oldSelf": old}
            holds = cel.evaluate(found["rule"], known)
            yield (path, found["message"]), holds
    for name, child in schema.get("properties", {}).items():
        if isinstance(value, dict) and name in value:
            before = old.get(name, NOTHING) if isinstance(old, dict) else NOTHING
            yield from verdicts(child, value[name], before, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema and isinstance(value, (dict, list)):
            for each in value.values() if isinstance(value, dict) else value:
                yield from verdicts(schema[key], each, path=f"{path}[]")
