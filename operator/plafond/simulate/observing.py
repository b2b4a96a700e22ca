"""How demand can be seen."""

from enum import StrEnum


class Observe(StrEnum):
    """Where demand is measured."""

    OFFERED = "offered"  # at a gateway, before anything is refused
    SERVED = "served"  # at the replicas, which cannot serve more than they can
