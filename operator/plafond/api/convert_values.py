"""Strings of a resource as values of the model; what a pattern cannot refuse is refused here."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeVar
from zoneinfo import available_timezones

from pydantic import BaseModel, ValidationError

from plafond.api.errors import InvalidResource
from plafond.api.selector import LabelSelector as SelectorField
from plafond.model.labels import LabelSelector, Operator, Requirement

Part = TypeVar("Part", bound=BaseModel)

# So much can be reckoned with in 28 digits, as a rate of microseconds and in parts of a millionth.
MOST: Final = 10**18
_SUFFIXES: Final = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS: Final = {
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}


def parsed(model: type[Part], raw: object, root: str) -> Part:
    """Return *raw* as a *model*, or say which field under *root* it fails on."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise InvalidResource(_field(root, first["loc"]), first["msg"]) from error


def _field(root: str, location: tuple[int | str, ...]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return root + "".join(steps)


def positive(text: str, field: str) -> Decimal:
    """Return the amount that *text* holds, which CEL has seen to be above zero."""
    value = Decimal(text)
    if value <= 0:
        raise InvalidResource(field, "it must be greater than zero")
    return value


def quantity(text: str, field: str) -> Decimal:
    """Return the whole quantity that *text* holds, such as 12k."""
    digits = text.rstrip("kMGT")
    value = positive(digits, field) * _SUFFIXES[text[len(digits) :]]
    if value > MOST:
        sentence = f"{text} is more than {MOST:,}, which limits nothing: leave it out"
        raise InvalidResource(field, sentence)
    return value


def duration(text: str) -> timedelta:
    """Return the GEP-2257 duration that *text* holds; repeated units add up, as in Go."""
    parts = re.findall(r"([0-9]+)(ms|h|m|s)", text)
    return sum((int(count) * _UNITS[unit] for count, unit in parts), timedelta())


def instant(text: str, field: str) -> datetime:
    """Return the RFC 3339 moment that *text* holds, in UTC."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidResource(field, f"{text} is not a moment in RFC 3339") from error


def time_zone(name: str, field: str) -> str:
    """Return *name* if it is a zone of the IANA time zone database."""
    if name not in _zones():
        raise InvalidResource(field, f"{name} is not an IANA time zone such as Europe/Berlin")
    return name


@cache
def _zones() -> frozenset[str]:
    # Listing the database reads hundreds of files; it does not change while the process lives.
    # `localtime` is whatever the machine says, and the same facts must decide the same elsewhere.
    return frozenset(available_timezones() - {"localtime"})


def selector(written: SelectorField) -> LabelSelector:
    """Return the selector that was *written*."""
    requirements = tuple(
        Requirement(each.key, Operator(each.operator), frozenset(each.values or ()))
        for each in written.match_expressions or ()
    )
    return LabelSelector(dict(written.match_labels or {}), requirements)


def spec_of(raw: Mapping[str, Any]) -> object:
    """Return the spec of *raw*; an object without one is as good as an empty one."""
    return raw.get("spec", {})
