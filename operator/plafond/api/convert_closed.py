"""
Closed ledgers: the past that a ledger continues, and its days and months for people.

A past is called by a digest of what is in it. So making it twice is making it once, another
content is another object, and what somebody has changed is not taken for what was written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from plafond.api import spend_ledger as written
from plafond.api.constants import LEDGER_NAME, PAST_PREFIX
from plafond.api.convert_ledger import checked, compact, moment, series_in, series_spec
from plafond.api.convert_values import instant, parsed, spec_of
from plafond.api.errors import InvalidResource
from plafond.model.ledger import Ledger
from plafond.model.window import Span

_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class ClosedLedger:
    """What a ledger that is never changed again holds, and of which stretch of time."""

    name: str
    span: Span
    ledger: Ledger


def closed_spec(ledger: Ledger, span: Span) -> dict[str, Any]:
    """Return the spec that holds *ledger*, which is of *span*; raise where no object can."""
    closed = {"since": moment(span.start), "until": moment(span.end)}
    return checked({**series_spec(ledger), "closed": closed})


def past_name(spec: Mapping[str, Any]) -> str:
    """Return what a past with *spec* is called."""
    return f"{PAST_PREFIX}{sha256(compact(spec).encode()).hexdigest()[:_DIGITS]}"


def day_name(day: Span) -> str:
    """Return what the closed ledger of a *day* is called."""
    return f"{LEDGER_NAME}-{day.start:%Y-%m-%d}"


def month_name(month: Span) -> str:
    """Return what the closed ledger of a *month* is called."""
    return f"{LEDGER_NAME}-{month.start:%Y-%m}"


def parse_closed(raw: Mapping[str, Any]) -> ClosedLedger:
    """Return what the closed ledger *raw* holds; raise `InvalidResource` where it was changed."""
    found = spec_of(raw)
    spec, name = parsed(written.SpendLedgerSpec, found, "spec"), str(raw["metadata"]["name"])
    if spec.closed is None or spec.memory is not None:
        raise InvalidResource(field="spec.closed", sentence=f"{name} is not closed")
    span = Span(
        instant(spec.closed.since, "spec.closed.since"),
        instant(spec.closed.until, "spec.closed.until"),
    )
    ledger = Ledger(None, series_in(spec))
    # As we would write it: what an API server adds or reorders is not a change.
    if name.startswith(PAST_PREFIX) and past_name(closed_spec(ledger, span)) != name:
        raise InvalidResource(field="spec", sentence=f"it is not what was written into {name}")
    return ClosedLedger(name, span, ledger)
