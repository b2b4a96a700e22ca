"""Namespaces: whether they are going, and what our annotations on them say."""

from plafond.api.annotations import CEILINGS, WHY, decode_ceilings
from plafond.model.gap import Gap
from plafond.model.snapshot import Namespace
from plafond.observe.records.fields import Raw, is_terminating, metadata, optional_instant, part


def parse(raw: Raw) -> Namespace:
    """Return the namespace that *raw* describes."""
    name = metadata(raw)["name"]
    annotations = part(metadata(raw), "annotations")
    text = annotations.get(CEILINGS)
    ceilings = None if text is None else decode_ceilings(name, text)
    is_readable = not isinstance(ceilings, Gap)
    return Namespace(
        name=name,
        uid=metadata(raw)["uid"],
        ceilings=None if isinstance(ceilings, Gap) else ceilings,
        why=annotations.get(WHY),
        unreadable=None if is_readable else text,
        is_terminating=is_terminating(raw),
        created_at=optional_instant(metadata(raw).get("creationTimestamp")),
    )
