"""Pure: ledgers find what they continue, and become one record for each namespace."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from plafond.account.closing import joined, without_past
from plafond.api.constants import LEDGER_NAME, PAST_PREFIX
from plafond.model.gap import Gap
from plafond.observe.records.ledgers import ClosedRecord, LedgerRecord
from plafond.observe.store import Unread

Found = LedgerRecord | ClosedRecord
_Pasts = Mapping[str, ClosedRecord]


@dataclass(frozen=True, slots=True)
class _Parts:
    head: LedgerRecord
    pasts: _Pasts

    @property
    def past(self) -> ClosedRecord | None:
        """What the head continues, where that is there."""
        return self.pasts.get(self.head.continues_name)

    def is_same(self, other: "_Parts") -> bool:
        """Say whether both are of the very same objects."""
        uids = [{name: past.uid for name, past in each.pasts.items()} for each in (self, other)]
        return self.head is other.head and self.past is other.past and uids[0] == uids[1]


class Ledgers:
    """The ledgers of all namespaces; what was joined once is not joined again."""

    def __init__(self) -> None:
        self._joined: dict[str, tuple[_Parts, LedgerRecord]] = {}

    def whole(self, found: Iterable[Found], unread: Iterable[Unread]) -> Mapping[str, LedgerRecord]:
        """
        Return each namespace's ledger, joined with what it continues.

        One whose past is there and cannot be read is not among them. A past that is not there
        was deleted, and is lost.
        """
        found, unread = tuple(found), tuple(unread)
        lacking = unreadable(found, unread)
        parts = {name: each for name, each in _parts(found).items() if name not in lacking}
        self._joined = {name: self._one(name, each) for name, each in parts.items()}
        return {name: record for name, (_, record) in self._joined.items()}

    def _one(self, namespace: str, parts: _Parts) -> tuple[_Parts, LedgerRecord]:
        before = self._joined.get(namespace)
        if before is not None and before[0].is_same(parts):
            return before
        return parts, _joined(parts)


def unreadable(found: Iterable[Found], unread: Iterable[Unread]) -> Mapping[str, Gap]:
    """Return the namespaces whose ledger, or its past, exists and was never understood."""
    parts = _parts(found)
    return {each.namespace: each.gap for each in unread if _is_missed(each, parts)}


def _is_missed(unread: Unread, parts: Mapping[str, _Parts]) -> bool:
    known = parts.get(unread.namespace)
    if known is None:
        return unread.name == LEDGER_NAME
    return known.past is None and known.head.continues_name == unread.name


def _joined(parts: _Parts) -> LedgerRecord:
    head, past = parts.head, parts.past
    record = head.record
    if past is not None:
        record = replace(record, ledger=joined(past.ledger, record.ledger))
    elif head.continues is not None:
        record = without_past(record, head.continues.until)
    pasts = {name: each.uid for name, each in sorted(parts.pasts.items())}
    return replace(head, record=record, pasts=pasts)


def _parts(found: Iterable[Found]) -> Mapping[str, _Parts]:
    heads: dict[str, LedgerRecord] = {}
    pasts: dict[str, dict[str, ClosedRecord]] = defaultdict(dict)
    for each in found:
        if isinstance(each, LedgerRecord):
            heads[each.namespace] = each
        elif each.name.startswith(PAST_PREFIX):
            pasts[each.namespace][each.name] = each
    return {name: _Parts(head, pasts.get(name, {})) for name, head in heads.items()}
