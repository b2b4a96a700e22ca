"""Frozen values with changes. Most of the world stands still, and what does stays itself."""

from dataclasses import replace
from typing import Any, ClassVar, Protocol, TypeVar


class _Value(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


Value = TypeVar("Value", bound=_Value)


def changed(value: Value, **changes: Any) -> Value:  # noqa: ANN401 - what its fields may hold
    """Return *value* with *changes*; *value* itself where it says so already."""
    for name, new in changes.items():
        old = getattr(value, name)
        if old is not new and old != new:
            return replace(value, **changes)
    return value
