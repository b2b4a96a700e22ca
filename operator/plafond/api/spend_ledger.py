"""`SpendLedger`: what a namespace has spent and what the operator remembers; only it writes it."""

from typing import Annotated, Final

from pydantic import Field

from plafond.api.fields import Instant, Model

MAX_MEMORY: Final = 700_000


class SpendLedgerSpec(Model):
    """Facts about the namespace, and the operator's memory of its last decisions."""

    as_of: Instant
    """Up to when everything below is counted."""
    memory: Annotated[str, Field(max_length=MAX_MEMORY)]
    """The operator's memory, as compact JSON."""
