"""Frozen values with changes. Most of the world stands still, and what does stays itself."""

from dataclasses import fields
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar


class _Value(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


Value = TypeVar("Value", bound=_Value)


def changed(value: Value, **changes: Any) -> Value:  # noqa: ANN401 - what its fields may hold
    """Return *value* with *changes*; *value* itself where it says so already."""
    for name, new in changes.items():
        old = getattr(value, name)
        if old is not new and old != new:
            held = {each: getattr(value, each) for each in _fields(type(value))}
            return type(value)(**{**held, **changes})
    return value


# `dataclasses.replace` looks at the class's fields anew for every value.
@cache
def _fields(kind: type[_Value]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind) if each.init)
