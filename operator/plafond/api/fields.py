"""
The field types that our custom resources share, and the marks that become `x-kubernetes-*`.

CEL stays inside the core language, so that a test without a cluster can evaluate every rule, and
a rule's message is a sentence that names the field, because kubectl prints it as it stands.
"""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

VALIDATIONS: Final = "x-kubernetes-validations"
MAX_REPLICAS: Final = 1_000_000
MAX_NAME: Final = 253


class Model(BaseModel):
    """A part of a custom resource: frozen, camelCase outside, strict about the unknown."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


def rule(expression: str, message: str, field_path: str | None = None) -> dict[str, str]:
    """Return one CEL rule; *field_path* makes the API server name a child instead of the object."""
    found = {"rule": expression, "message": message}
    return found if field_path is None else {**found, "fieldPath": field_path}


def rules(*found: dict[str, str]) -> dict[str, Any]:
    """Return the mark that carries CEL rules into the schema."""
    return {VALIDATIONS: list(found)}


def listed_by(*keys: str) -> dict[str, Any]:
    """Return the mark of a list whose entries are known by *keys*, so that appliers merge it."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


def listed_whole() -> dict[str, Any]:
    """Return the mark of a list that has one owner and is replaced as a whole."""
    return {"x-kubernetes-list-type": "atomic"}


INSTANT_PATTERN: Final = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
RESOURCE_NAME_PATTERN: Final = (
    r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
)

Instant = Annotated[
    str,
    Field(
        pattern=INSTANT_PATTERN,
        min_length=20,
        max_length=32,
        json_schema_extra={"format": "date-time"},
    ),
]
CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$", min_length=3, max_length=3)]
ObjectName = Annotated[
    str,
    StringConstraints(
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        min_length=1,
        max_length=MAX_NAME,
    ),
]
EntryName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", min_length=1, max_length=63)
]
Replicas = Annotated[int, Field(ge=0, le=MAX_REPLICAS)]
Percent = Annotated[int, Field(ge=1, le=100)]
