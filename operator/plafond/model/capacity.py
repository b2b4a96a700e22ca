"""Nodes, and the sheets that say what a resource-hour on them costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from plafond.model.confirm import confirm_command
from plafond.model.labels import LabelSelector


class CapacityType(StrEnum):
    """Whether capacity may be taken away."""

    SPOT = "Spot"
    ON_DEMAND = "OnDemand"


@dataclass(frozen=True, slots=True)
class Node:
    """A node: its labels decide its price, *allocatable* what of it can be left unallocated."""

    name: str
    labels: Mapping[str, str]
    allocatable: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class NodePrice:
    """One entry of a sheet: hourly prices per resource for the nodes that it selects."""

    name: str
    node_selector: LabelSelector
    capacity_type: CapacityType
    prices: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class PriceSheet:
    """
    What resource-hours cost in one currency from an instant on; the first match counts.

    *is_confirmed* says that somebody has confirmed this very generation, however implausible.
    """

    name: str
    currency: str
    valid_from: datetime
    nodes: tuple[NodePrice, ...]
    generation: int = 0
    uid: str = ""
    is_confirmed: bool = False

    @property
    def edition(self) -> str:
        """Which prices these are: another edition may price everything anew."""
        return f"{self.name} {self.uid} {self.generation}"

    @property
    def how_to_confirm(self) -> str:
        """The command by which somebody says that these prices are meant."""
        return confirm_command(f"pricesheet/{self.name}", self.generation)
