"""The conditions of a price sheet: whether its prices are the ones in force."""

from datetime import datetime

from plafond.account.rates import RateCard, rate_cards
from plafond.model.capacity import PriceSheet
from plafond.report.condition_reason import ConditionReason
from plafond.report.conditions import Condition, Truth


def sheet_conditions(
    sheet: PriceSheet, sheets: tuple[PriceSheet, ...], now: datetime
) -> tuple[Condition, ...]:
    """Return the conditions of *sheet* among all *sheets*."""
    if sheet.valid_from > now:
        message = f"its prices apply from {sheet.valid_from:%Y-%m-%dT%H:%M:%SZ}"
        return (Condition("Ready", Truth.TRUE, ConditionReason.NOT_VALID_YET, message),)
    same = tuple(s for s in sheets if s.currency == sheet.currency)
    latest = max(s.valid_from for s in same if s.valid_from <= now)
    if sheet.valid_from < latest:
        message = f"a later sheet in {sheet.currency} applies"
        return (Condition("Ready", Truth.TRUE, ConditionReason.SUPERSEDED, message),)
    card = rate_cards(same, now)[sheet.currency]
    if isinstance(card, RateCard):
        message = f"its prices apply to everything in {sheet.currency}"
        return (Condition("Ready", Truth.TRUE, ConditionReason.IN_FORCE, message),)
    return (
        Condition("Ready", Truth.FALSE, ConditionReason.AMBIGUOUS, card.why),
        Condition("Stalled", Truth.TRUE, ConditionReason.AMBIGUOUS, card.why),
    )
