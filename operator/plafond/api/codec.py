"""
Frozen values of the model to and from compact JSON, lossless, by their type annotations.

A field that holds its default is left out, a field that is missing takes its default, and one that
is unknown is passed over: an operator can read what an older or a newer one remembered.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from plafond.model.money import elapsed_microseconds
from plafond.model.workload import WorkloadId

_SEPARATOR: Final = "/"


def dump(value: object) -> object:
    """Return *value* as what `json.dumps` takes."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    leaf = _DUMPS.get(type(value))
    if leaf is not None:
        return leaf(value)
    if isinstance(value, Mapping):
        return {dump(key): dump(each) for key, each in value.items()}
    if not isinstance(value, type) and _has_fields(type(value)):
        return _dump_fields(value)
    if isinstance(value, tuple):
        return [dump(each) for each in value]
    if isinstance(value, frozenset):
        return [dump(each) for each in sorted(value)]
    msg = f"{type(value).__name__} has no form in JSON here"
    raise TypeError(msg)


def load(kind: Any, raw: object) -> Any:  # noqa: ANN401 - *kind* is any annotation
    """Return the value of type *kind* that *raw* holds; raise ValueError or TypeError if none."""
    if get_origin(kind) in (UnionType, Union):
        return None if raw is None else load(_alternative(kind, raw), raw)
    origin = get_origin(kind) or kind
    if origin in _LOADS:
        return _LOADS[origin](_checked(str, raw))
    if issubclass(origin, Mapping):
        key, each = get_args(kind)
        return {load(key, k): load(each, v) for k, v in _checked(dict, raw).items()}
    if issubclass(origin, (tuple, frozenset)) and not _has_fields(origin):
        return origin(load(get_args(kind)[0], each) for each in _checked(list, raw))
    return _load_value(origin, raw)


def _alternative(kind: Any, raw: object) -> Any:  # noqa: ANN401 - *kind* is any annotation
    """Return the member of a union that *raw* is of: the one whose fields it has most of."""
    real = [each for each in get_args(kind) if each is not NoneType]
    if len(real) == 1:
        return real[0]
    given = set(_checked(dict, raw))
    fitting = [each for each in real if _required(each) <= given]
    if not fitting:
        msg = f"the fields {sorted(given)} belong to nothing that is known"
        raise ValueError(msg)
    return max(fitting, key=lambda each: len(_required(each)))


def _required(kind: type) -> set[str]:
    return {name for name, default in _defaults(kind).items() if default is MISSING}


def _load_value(kind: type, raw: object) -> object:
    if _has_fields(kind):
        known = _checked(dict, raw)
        hints = _hints(kind)
        return kind(**{name: load(hints[name], known[name]) for name in hints if name in known})
    if issubclass(kind, StrEnum):
        return kind(_checked(str, raw))
    return _checked(kind, raw)


def _checked(kind: type, raw: object) -> Any:  # noqa: ANN401 - a value that was parsed from JSON
    # True is an int to Python, and is not one here.
    if not isinstance(raw, kind) or (kind is int and isinstance(raw, bool)):
        msg = f"expected {kind.__name__}, found {type(raw).__name__}"
        raise TypeError(msg)
    return raw


@cache
def _hints(kind: type) -> dict[str, Any]:
    known = get_type_hints(kind)
    return {name: known[name] for name in _defaults(kind)}


def _has_fields(kind: type) -> bool:
    return is_dataclass(kind) or hasattr(kind, "_field_defaults")


def _dump_fields(value: Any) -> dict[str, object]:  # noqa: ANN401 - as of `_defaults`
    defaults = _defaults(value.__class__)
    held = {name: (getattr(value, name), default) for name, default in defaults.items()}
    return {name: dump(now) for name, (now, default) in held.items() if now != default}


@cache
def _defaults(kind: Any) -> dict[str, object]:  # noqa: ANN401 - any dataclass or named tuple
    """Return the default of each field of *kind*, in their order; MISSING where it has none."""
    if is_dataclass(kind):
        # What a value settles by itself follows from the others.
        return {each.name: _default(each) for each in fields(kind) if each.init}
    return {name: kind._field_defaults.get(name, MISSING) for name in kind._fields}


def _default(declared: "Field[Any]") -> object:
    if declared.default_factory is not MISSING:
        return declared.default_factory()
    return declared.default


def _dump_workload(workload: WorkloadId) -> str:
    return _SEPARATOR.join((workload.namespace, workload.group, workload.kind, workload.name))


def _load_workload(text: str) -> WorkloadId:
    namespace, group, kind, name = text.split(_SEPARATOR)
    return WorkloadId(namespace, kind, name, group)


def _load_decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError as error:
        msg = f"{text!r} is not a number"
        raise ValueError(msg) from error


_DUMPS: Final[dict[type, Callable[[Any], str]]] = {
    datetime: datetime.isoformat,
    timedelta: lambda length: str(elapsed_microseconds(length)),
    Decimal: str,
    WorkloadId: _dump_workload,
}
_LOADS: Final[dict[type, Callable[[str], object]]] = {
    datetime: datetime.fromisoformat,
    timedelta: lambda text: timedelta(microseconds=int(text)),
    Decimal: _load_decimal,
    WorkloadId: _load_workload,
}
