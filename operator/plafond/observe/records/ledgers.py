"""
SpendLedgers: what the operator wrote down, and the version that its next write replaces.

What it counts on is in one of them, or in that and the closed one that it continues.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from plafond.api.constants import LEDGER_NAME
from plafond.api.convert_closed import parse_closed
from plafond.api.convert_ledger import Continued, continued, parse_ledger
from plafond.api.errors import InvalidResource
from plafond.model.ledger import Ledger
from plafond.model.memory import NamespaceRecord
from plafond.observe.records.fields import Raw, metadata


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """
    The ledger's object and what it holds.

    Attributes:
        continues: the closed ledger that holds what is older; None where there is none.
        pasts: the closed ledgers of that kind that are there, by name, with their uids.

    """

    namespace: str
    name: str
    resource_version: str
    record: NamespaceRecord
    continues: Continued | None = None
    pasts: Mapping[str, str] = field(default_factory=dict)

    @property
    def continues_name(self) -> str:
        """What the closed ledger is called that this one continues; empty where it does not."""
        return "" if self.continues is None else self.continues.name


@dataclass(frozen=True, slots=True)
class ClosedRecord:
    """A closed ledger's object and what it holds."""

    namespace: str
    name: str
    uid: str
    ledger: Ledger


def parse(raw: Raw) -> LedgerRecord | ClosedRecord:
    """Return the ledger that *raw* describes."""
    meta = metadata(raw)
    try:
        if meta["name"] != LEDGER_NAME:
            found = parse_closed(raw).ledger
            return ClosedRecord(meta["namespace"], meta["name"], meta["uid"], found)
        record, continues = parse_ledger(raw), continued(raw)
    except InvalidResource as invalid:
        raise ValueError(str(invalid)) from invalid
    version = meta["resourceVersion"]
    return LedgerRecord(meta["namespace"], meta["name"], version, record, continues)


def is_relevant(
    before: LedgerRecord | ClosedRecord | None, after: LedgerRecord | ClosedRecord | None
) -> bool:
    """Say whether a ledger came or went; our own writes must not wake us again."""
    if isinstance(before, ClosedRecord) or isinstance(after, ClosedRecord):
        return False
    return (before is None) is not (after is None)
