"""SpendLedgers: what the operator wrote down, and the version that its next write replaces."""

from dataclasses import dataclass

from plafond.api.convert_ledger import parse_ledger
from plafond.api.errors import InvalidResource
from plafond.model.memory import NamespaceRecord
from plafond.observe.records.fields import Raw, metadata


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """The ledger's object and what it holds."""

    namespace: str
    name: str
    resource_version: str
    record: NamespaceRecord


def parse(raw: Raw) -> LedgerRecord:
    """Return the ledger that *raw* describes."""
    meta = metadata(raw)
    try:
        record = parse_ledger(raw)
    except InvalidResource as invalid:
        raise ValueError(str(invalid)) from invalid
    return LedgerRecord(meta["namespace"], meta["name"], meta["resourceVersion"], record)


def is_relevant(before: LedgerRecord | None, after: LedgerRecord | None) -> bool:
    """Say whether a ledger came or went; our own writes to it must not wake us again."""
    return (before is None) is not (after is None)
