"""Instants and ages in words."""

from datetime import datetime, timedelta

_UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)))


def stamp(at: datetime) -> str:
    """Return *at* as Kubernetes writes it."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def span(length: timedelta) -> str:
    """Return *length* as kubectl writes ages: its two largest units."""
    for index, (name, unit) in enumerate(_UNITS):
        if length >= unit:
            whole, rest = divmod(length, unit)
            below, smaller = _UNITS[index + 1] if index + 1 < len(_UNITS) else ("s", SECOND)
            part = rest // smaller
            return f"{whole}{name}{part}{below}" if part else f"{whole}{name}"
    return f"{max(length, timedelta(0)) // SECOND}s"


def age(at: datetime | None, now: datetime) -> str:
    """Return how old something of *at* is."""
    return "" if at is None else f"{span(now - at)} ago"


def until(at: datetime | None, now: datetime) -> str:
    """Return when *at* is, seen from *now*."""
    if at is None:
        return "now"
    if at <= now:
        return f"due since {stamp(at)}"
    return f"in {span(at - now)}, {stamp(at)}"


SECOND = timedelta(seconds=1)
