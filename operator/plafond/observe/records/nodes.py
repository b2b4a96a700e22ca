"""Nodes: labels decide the price, allocatable resources what can be left unallocated."""

from plafond.model.capacity import Node
from plafond.observe.records.fields import Raw, metadata, part
from plafond.observe.records.requests import quantities


def parse(raw: Raw) -> Node:
    """Return the node that *raw* describes."""
    return Node(
        name=metadata(raw)["name"],
        labels=dict(part(metadata(raw), "labels")),
        allocatable=quantities(part(part(raw, "status"), "allocatable")),
    )
