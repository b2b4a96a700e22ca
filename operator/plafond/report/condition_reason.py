"""
Why a condition is as it is, and what an Event tells beside a move: one code each, and one sentence.

The codes appear unchanged in conditions, Events and metric labels; the sentences are true wherever
the code appears, and the message of a condition adds what is true of this object alone.
"""

from enum import StrEnum


class ConditionReason(StrEnum):
    """Everything that a condition of our kinds can give as its reason."""

    EVALUATED = "Evaluated"
    INVALID_SPEC = "InvalidSpec"
    NAMESPACE_EXCLUDED = "NamespaceExcluded"
    PRICE_MISSING = "PriceMissing"
    PRICE_UNKNOWN = "PriceUnknown"
    MEASURING_TOKENS = "MeasuringTokens"
    WITHIN_BUDGET = "WithinBudget"
    NO_BUDGET = "NoBudget"
    NO_OPEN_BUDGET = "NoOpenBudget"
    BUDGET_EXHAUSTED = "BudgetExhausted"
    HISTORY_MISSING = "HistoryMissing"
    ENFORCING = "Enforcing"
    REFUSING = "Refusing"
    CEILINGS_LEFT_OUT = "CeilingsLeftOut"
    NOT_PROTECTED = "NotProtected"
    OBSERVE_MODE = "ObserveMode"
    BRAKED = "Braked"
    WRITE_FAILED = "WriteFailed"
    METRICS_READ = "MetricsRead"
    NOT_NEEDED = "NotNeeded"
    METRICS_UNAVAILABLE = "MetricsUnavailable"
    IN_FORCE = "InForce"
    NOT_VALID_YET = "NotValidYet"
    SUPERSEDED = "Superseded"
    AMBIGUOUS = "Ambiguous"

    @property
    def sentence(self) -> str:
        """What it means, in words that need no code."""
        return CONDITION_SENTENCES[self]


class EventReason(StrEnum):
    """What an Event tells that is neither a move nor a condition."""

    RESTORED = "Restored"
    BELOW_DISRUPTION_BUDGET = "BelowDisruptionBudget"

    @property
    def sentence(self) -> str:
        """What it means, in words that need no code."""
        return EVENT_SENTENCES[self]


CONDITION_SENTENCES: dict[ConditionReason, str] = {
    ConditionReason.EVALUATED: "every target is evaluated",
    ConditionReason.INVALID_SPEC: "the spec, or the namespace's ledger, cannot be understood",
    ConditionReason.NAMESPACE_EXCLUDED: "the namespace is never governed",
    ConditionReason.PRICE_MISSING: "the currency has no price sheet in force",
    ConditionReason.PRICE_UNKNOWN: "something that runs has no usable price",
    ConditionReason.MEASURING_TOKENS: "how many tokens a replica processes is not known yet",
    ConditionReason.WITHIN_BUDGET: "something remains of every budget",
    ConditionReason.NO_BUDGET: "the policy has no budget",
    ConditionReason.NO_OPEN_BUDGET: "no budget's window is open",
    ConditionReason.BUDGET_EXHAUSTED: "nothing remains of a budget",
    ConditionReason.HISTORY_MISSING: "what was spent before it was counted cannot be read",
    ConditionReason.ENFORCING: "ceilings are in force",
    ConditionReason.REFUSING: "ceilings are in force; writes above them are refused, because "
    "nothing cuts them",
    ConditionReason.CEILINGS_LEFT_OUT: "more ceilings are decided than the annotation can list",
    ConditionReason.NOT_PROTECTED: "an API server lets through what admission should forbid",
    ConditionReason.OBSERVE_MODE: "decisions are only reported",
    ConditionReason.BRAKED: "a change that nobody has confirmed acts step by step",
    ConditionReason.WRITE_FAILED: "the API server did not take a write",
    ConditionReason.METRICS_READ: "every meter that it scales by answers",
    ConditionReason.NOT_NEEDED: "the policy scales by no metric",
    ConditionReason.METRICS_UNAVAILABLE: "metrics that it scales by have been missing for a while",
    ConditionReason.IN_FORCE: "the prices of this sheet apply",
    ConditionReason.NOT_VALID_YET: "the prices of this sheet will apply later",
    ConditionReason.SUPERSEDED: "a later sheet of its currency applies",
    ConditionReason.AMBIGUOUS: "another sheet of its currency is valid from the same moment",
}

EVENT_SENTENCES: dict[EventReason, str] = {
    EventReason.RESTORED: "no policy governs it any more, so the count before is restored",
    EventReason.BELOW_DISRUPTION_BUDGET: "ceilings allow fewer pods than a PodDisruptionBudget "
    "demands, so none of them can be evicted",
}
