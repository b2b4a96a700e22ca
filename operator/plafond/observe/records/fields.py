"""What the parsers share: reading Kubernetes' JSON field by field."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Raw = Mapping[str, Any]


def metadata(raw: Raw) -> Raw:
    """Return the object's metadata."""
    found: Raw = raw["metadata"]
    return found


def part(raw: Raw, name: str) -> Raw:
    """Return an object inside *raw*; absent and null are empty, as Kubernetes means them."""
    found: Raw = raw.get(name) or {}
    return found


def parts(raw: Raw, name: str) -> tuple[Raw, ...]:
    """Return a list of objects inside *raw*; absent and null are empty."""
    return tuple(raw.get(name) or ())


def instant(text: str) -> datetime:
    """Return the instant that RFC 3339 *text* names."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        msg = f"{text} names no time zone"
        raise ValueError(msg)
    return found.astimezone(UTC)


def optional_instant(text: str | None) -> datetime | None:
    """Return the instant that *text* names, if there is one."""
    return instant(text) if text else None


def is_terminating(raw: Raw) -> bool:
    """Say whether deletion of the object was asked for."""
    return bool(metadata(raw).get("deletionTimestamp"))


def controller(raw: Raw, kind: str) -> Raw | None:
    """Return the owner reference to the controller of the object, if it is of *kind*."""
    for reference in parts(metadata(raw), "ownerReferences"):
        if reference.get("controller") and reference.get("kind") == kind:
            return reference
    return None


def condition(raw: Raw, kind: str) -> Raw:
    """Return the condition of type *kind* in the object's status, empty when it is absent."""
    for found in parts(part(raw, "status"), "conditions"):
        if found.get("type") == kind:
            return found
    return {}
