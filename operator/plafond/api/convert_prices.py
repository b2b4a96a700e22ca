"""A `PriceSheet` as the API server has it, to the model's price sheet."""

from collections.abc import Mapping
from typing import Any

from plafond.api import price_sheet as written
from plafond.api.annotations import is_confirmed
from plafond.api.convert_values import instant, parsed, positive, selector, spec_of
from plafond.model.capacity import CapacityType, NodePrice, PriceSheet


def parse_price_sheet(raw: Mapping[str, Any]) -> PriceSheet:
    """Return the sheet that *raw* means; raise `InvalidResource` where it means nothing."""
    spec = parsed(written.PriceSheetSpec, spec_of(raw), "spec")
    nodes = tuple(_node(node, f"spec.nodes[{index}]") for index, node in enumerate(spec.nodes))
    valid_from = instant(spec.valid_from, "spec.validFrom")
    metadata = raw["metadata"]
    return PriceSheet(
        metadata["name"],
        spec.currency,
        valid_from,
        nodes,
        metadata.get("generation", 0),
        metadata.get("uid", ""),
        is_confirmed(metadata),
    )


def _node(node: written.NodePrice, field: str) -> NodePrice:
    prices = {
        name: positive(price, f"{field}.prices[{name}]") for name, price in node.prices.items()
    }
    return NodePrice(
        node.name, selector(node.node_selector), CapacityType(node.capacity_type), prices
    )
