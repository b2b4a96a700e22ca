"""`PriceSheet`: what a resource-hour costs on which nodes, in one currency, from one moment on."""

from typing import Annotated, Final, Literal

from pydantic import Field

from plafond.api.amounts import Price
from plafond.api.fields import (
    RESOURCE_NAME_PATTERN,
    CurrencyCode,
    EntryName,
    Instant,
    Model,
    listed_by,
    rule,
    rules,
)
from plafond.api.selector import LabelSelector
from plafond.api.status import MAX_CONDITIONS, Condition, Generation

MAX_NODE_PRICES: Final = 256


class NodePrice(Model):
    """What the resources of some nodes cost."""

    name: EntryName
    """How this entry is called in reports."""
    node_selector: LabelSelector
    """The labels of the nodes that are meant; empty means every node."""
    capacity_type: Literal["Spot", "OnDemand"]
    """Whether the nodes can be taken away."""
    prices: Annotated[
        dict[str, Price],
        Field(
            min_length=1,
            max_length=16,
            json_schema_extra=rules(
                rule(
                    f"self.all(name, name.matches('{RESOURCE_NAME_PATTERN}'))",
                    "prices must be named by resource, such as nvidia.com/gpu, cpu or memoryGiB",
                )
            ),
        ),
    ]
    """Money per resource-hour by resource name: nvidia.com/gpu, cpu, memoryGiB."""


class PriceSheetSpec(Model):
    """Prices in one currency, from one moment on."""

    currency: CurrencyCode
    """The ISO 4217 code of every price here."""
    valid_from: Instant
    """From when these prices hold, in RFC 3339; of one currency the latest past sheet applies."""
    nodes: Annotated[list[NodePrice], Field(min_length=1, max_length=MAX_NODE_PRICES)] = Field(
        json_schema_extra=listed_by("name")
    )
    """What nodes cost; the first entry that matches a node wins."""


class PriceSheetStatus(Model):
    """Whether the sheet can be used."""

    observed_generation: Generation | None = None
    """The generation of the spec that this status is about."""
    conditions: Annotated[list[Condition] | None, Field(max_length=MAX_CONDITIONS)] = Field(
        default=None, json_schema_extra=listed_by("type")
    )
    """Ready; Stalled only while it is true."""
