"""
What is remembered of a decision only so that somebody can be told why.

It outlives the operator and Prometheus in the ledger's object. Nothing in it moves while the world
stands still: what follows from the time alone is reckoned by whoever reads it.
"""

from plafond.account.account import SetAccount, WorkloadAccount
from plafond.decide.decision import Decision
from plafond.model.gap import Gap
from plafond.model.memory import Rationale, WorkloadMemory

# The ledger is small: a sentence of others is remembered as far as it helps.
LONGEST_GAP = 256


def rationale(
    decision: Decision, target: WorkloadAccount, set_account: SetAccount, gap: Gap | None
) -> Rationale:
    """Return what *decision* about *target* rested on; *gap* is what could not be read of it."""
    rule, price_gap = target.targeted.class_rule, None
    if target.gaps:
        # A sheet in a currency that nobody here reckons in may well not price these nodes.
        units = set_account.policy_set.units
        price_gap = next((gap for unit, gap in target.gaps.items() if unit in units), None)
    return Rationale(
        decision.workload_class,
        decision.recommended_replicas,
        decision.desired_replicas,
        rule.min_replicas,
        rule.max_replicas,
        decision.limit,
        None if gap is None or gap in target.gaps.values() else gap.why[:LONGEST_GAP],
        None if price_gap is None else price_gap.why[:LONGEST_GAP],
    )


def redecided(memory: WorkloadMemory, decision: Decision) -> WorkloadMemory:
    """Return *memory* with another count than the one it was made for."""
    if memory.rationale is None:
        return memory
    desired = memory.rationale._replace(desired=decision.desired_replicas)
    return memory._replace(rationale=desired)
