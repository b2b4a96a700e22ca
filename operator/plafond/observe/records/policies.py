"""CostPolicies; one that means nothing is a record too, so that its author is told."""

from plafond.api.convert_policy import parse_cost_policy
from plafond.model.policy import CostPolicy, InvalidPolicy
from plafond.observe.records.fields import Raw


def parse(raw: Raw) -> CostPolicy | InvalidPolicy:
    """Return the policy that *raw* means, or what is wrong with it."""
    return parse_cost_policy(raw)
