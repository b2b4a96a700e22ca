"""ResourceQuotas that bear our name: their bounds, and whether we made them."""

from dataclasses import dataclass

from plafond.api.constants import MANAGED_BY, OURS
from plafond.model.snapshot import Quota
from plafond.observe.records.fields import Raw, metadata, part
from plafond.observe.records.requests import quantities


@dataclass(frozen=True, slots=True)
class QuotaRecord:
    """A quota and where it is."""

    namespace: str
    name: str
    quota: Quota


def parse(raw: Raw) -> QuotaRecord:
    """Return the quota that *raw* describes."""
    meta, spec = metadata(raw), part(raw, "spec")
    is_ours = part(meta, "labels").get(MANAGED_BY) == OURS
    # Scopes cannot be changed, so a quota that has any will never count every pod.
    counts_all = not spec.get("scopes") and not spec.get("scopeSelector")
    quota = Quota(meta["uid"], quantities(part(spec, "hard")), is_ours and counts_all)
    return QuotaRecord(meta["namespace"], meta["name"], quota)
