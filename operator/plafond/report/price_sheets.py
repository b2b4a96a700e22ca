"""The conditions of a price sheet: whether its prices are the ones in force."""

from datetime import datetime

from plafond.account.rates import RateCard, rate_cards
from plafond.model.capacity import PriceSheet
from plafond.report.conditions import Condition, Truth


def sheet_conditions(
    sheet: PriceSheet, sheets: tuple[PriceSheet, ...], now: datetime
) -> tuple[Condition, ...]:
    """Return the conditions of *sheet* among all *sheets*."""
    if sheet.valid_from > now:
        message = f"its prices apply from {sheet.valid_from:%Y-%m-%dT%H:%M:%SZ}"
        return (Condition("Ready", Truth.TRUE, "NotValidYet", message),)
    same = tuple(s for s in sheets if s.currency == sheet.currency)
    latest = max(s.valid_from for s in same if s.valid_from <= now)
    if sheet.valid_from < latest:
        message = f"a later sheet in {sheet.currency} applies"
        return (Condition("Ready", Truth.TRUE, "Superseded", message),)
    card = rate_cards(same, now)[sheet.currency]
    if isinstance(card, RateCard):
        message = f"its prices apply to everything in {sheet.currency}"
        return (Condition("Ready", Truth.TRUE, "InForce", message),)
    return (
        Condition("Ready", Truth.FALSE, "Ambiguous", card.why),
        Condition("Stalled", Truth.TRUE, "Ambiguous", card.why),
    )
