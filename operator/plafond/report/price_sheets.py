"""What can be said of a price sheet: whether its prices are the ones in force."""

from datetime import datetime

from plafond.account.rates import RateCard, rate_cards
from plafond.api.constants import GROUP, PRICE_SHEETS, VERSION
from plafond.model.capacity import PriceSheet
from plafond.report.conditions import Condition, Truth
from plafond.report.status import Subject


def sheet_subject(sheet: PriceSheet) -> Subject:
    """Return *sheet* as the subject of a status."""
    path = f"/apis/{GROUP}/{VERSION}/{PRICE_SHEETS}/{sheet.name}/status"
    return Subject(path, "", sheet.generation)


def sheet_conditions(
    sheet: PriceSheet, sheets: tuple[PriceSheet, ...], now: datetime
) -> list[Condition]:
    """Return the conditions of *sheet* among all *sheets*."""
    if sheet.valid_from > now:
        message = f"its prices apply from {sheet.valid_from:%Y-%m-%dT%H:%M:%SZ}"
        return [Condition("Ready", Truth.TRUE, "NotValidYet", message)]
    same = [s for s in sheets if s.currency == sheet.currency]
    latest = max(s.valid_from for s in same if s.valid_from <= now)
    if sheet.valid_from < latest:
        message = f"a later sheet in {sheet.currency} applies"
        return [Condition("Ready", Truth.TRUE, "Superseded", message)]
    card = rate_cards(tuple(same), now)[sheet.currency]
    if isinstance(card, RateCard):
        message = f"its prices apply to everything in {sheet.currency}"
        return [Condition("Ready", Truth.TRUE, "InForce", message)]
    return [
        Condition("Ready", Truth.FALSE, "Ambiguous", card.why),
        Condition("Stalled", Truth.TRUE, "Ambiguous", card.why),
    ]
