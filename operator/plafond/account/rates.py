"""
What things cost per hour: the rate card in force, a pod on its node, a replica to come.

A price that is missing is a `Gap`, never zero; the one exception is a resource that a matching
entry does not name: whoever prices GPUs alone has said that the rest is included, unless the
resource is an accelerator.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from plafond.model.capacity import Node, NodePrice, PriceSheet
from plafond.model.gap import Gap
from plafond.model.labels import Requirement
from plafond.model.money import GPU_HOURS, ZERO, ByUnit
from plafond.model.settings import Settings

BYTES_PER_GIB = 2**30
# How far a price may move at once and still be believed.
PLAUSIBLE_FACTOR = 100


@dataclass(frozen=True, slots=True)
class RateCard:
    """The prices in force at one instant, in one currency."""

    currency: str
    sheet: PriceSheet

    @property
    def entries(self) -> tuple[NodePrice, ...]:
        """The sheet's entries."""
        return self.sheet.nodes

    def entry_for(self, node: Node) -> NodePrice | None:
        """Return the first entry that selects *node*."""
        return next((e for e in self.entries if e.node_selector.matches(node.labels)), None)


def rate_cards(sheets: tuple[PriceSheet, ...], now: datetime) -> dict[str, RateCard | Gap]:
    """Return the card in force at *now* of every currency that has a sheet."""
    return {currency: _card(sheets, currency, now) for currency in {s.currency for s in sheets}}


def _card(sheets: tuple[PriceSheet, ...], currency: str, now: datetime) -> RateCard | Gap:
    valid = [s for s in sheets if s.currency == currency and s.valid_from <= now]
    if not valid:
        return Gap(f"no price sheet in {currency} is valid yet")
    latest = max(s.valid_from for s in valid)
    current = sorted((s for s in valid if s.valid_from == latest), key=lambda s: s.name)
    if len(current) > 1:
        names = " and ".join(s.name for s in current)
        return Gap(f"price sheets {names} are both valid from {latest:%Y-%m-%dT%H:%M:%SZ}")
    return RateCard(currency, current[0])


# By the identities of requests and node, with both: as long as they are here they are no others'.
_Known = dict[tuple[int, int], tuple[Mapping[str, Decimal], Node | None, dict[str, Decimal | Gap]]]


@dataclass(frozen=True, slots=True)
class Pricing:
    """Rate cards and settings together: everything that turns requests into hourly rates."""

    cards: Mapping[str, RateCard | Gap]
    settings: Settings
    _known: _Known = field(default_factory=dict, init=False, repr=False, compare=False)

    def on_node(
        self, requests: Mapping[str, Decimal], node: Node | None
    ) -> Mapping[str, Decimal | Gap]:
        """Return what *requests* cost per hour on *node*, by unit."""
        # Pods that share one mapping of requests cost the same on the same node.
        shared = id(requests), id(node)
        known = self._known.get(shared)
        if known is None:
            known = self._known[shared] = (requests, node, self._rates_on(requests, node))
        return known[-1]

    def _rates_on(
        self, requests: Mapping[str, Decimal], node: Node | None
    ) -> dict[str, Decimal | Gap]:
        rates: dict[str, Decimal | Gap] = {GPU_HOURS: self.accelerators(requests)}
        for currency, card in self.cards.items():
            rates[currency] = card if isinstance(card, Gap) else self._on_node(requests, node, card)
        return rates

    def anywhere(
        self, requests: Mapping[str, Decimal], required: tuple[Requirement, ...]
    ) -> dict[str, Decimal | Gap]:
        """Return the dearest that *requests* could cost on a node that meets *required*."""
        rates: dict[str, Decimal | Gap] = {GPU_HOURS: self.accelerators(requests)}
        for currency, card in self.cards.items():
            rates[currency] = (
                card if isinstance(card, Gap) else self._dearest(requests, required, card)
            )
        return rates

    def accelerators(self, requests: Mapping[str, Decimal]) -> Decimal:
        """Return how many accelerators *requests* ask for."""
        return sum((n for r, n in requests.items() if self.settings.is_accelerator(r)), ZERO)

    def _on_node(
        self, requests: Mapping[str, Decimal], node: Node | None, card: RateCard
    ) -> Decimal | Gap:
        if node is None:
            return Gap("its node is not known")
        entry = card.entry_for(node)
        if entry is None:
            return Gap(f"no entry of the {card.currency} price sheet selects node {node.name}")
        return self._total(requests, entry)

    def _dearest(
        self, requests: Mapping[str, Decimal], required: tuple[Requirement, ...], card: RateCard
    ) -> Decimal | Gap:
        allowed = [e for e in card.entries if e.node_selector.could_match(required)]
        rates = [rate for e in allowed if isinstance(rate := self._total(requests, e), Decimal)]
        if not rates:
            return Gap(f"no entry of the {card.currency} price sheet prices a replica")
        return max(rates)

    def _total(self, requests: Mapping[str, Decimal], entry: NodePrice) -> Decimal | Gap:
        total = ZERO
        for resource, amount in requests.items():
            price = entry.prices.get("memoryGiB" if resource == "memory" else resource)
            if price is not None:
                total += amount * price / (BYTES_PER_GIB if resource == "memory" else 1)
            elif amount and self.settings.is_accelerator(resource):
                return Gap(f"entry {entry.name} does not price {resource}")
        return total


def is_plausible(price: Decimal, last: Decimal | None) -> bool:
    """Say whether *price* may follow *last*: within a factor of a hundred, up or down."""
    if not price.is_finite() or price < 0:
        return False
    if last is None or last == 0:
        return True
    return last <= price * PLAUSIBLE_FACTOR and price <= last * PLAUSIBLE_FACTOR


def plausible(
    rates: Mapping[str, Decimal | Gap], last: ByUnit, cards: Mapping[str, RateCard | Gap]
) -> tuple[dict[str, Decimal], dict[str, Gap]]:
    """
    Return what to reckon with, and what is wrong; the last price holds where none will do.

    A price of a sheet that somebody has confirmed may follow any other.
    """
    if rates == last:
        return dict(last), {}
    sheets = {unit: card.sheet for unit, card in cards.items() if isinstance(card, RateCard)}
    prices: dict[str, Decimal] = {}
    gaps: dict[str, Gap] = {}
    for unit, rate in rates.items():
        if isinstance(rate, Gap):
            gaps[unit] = rate
        elif is_plausible(rate, None if _is_confirmed(sheets.get(unit)) else last.get(unit)):
            prices[unit] = rate
        else:
            gaps[unit] = _implausible(rate, unit, last.get(unit), sheets.get(unit))
        if unit in gaps and unit in last:
            prices[unit] = last[unit]
    return prices, gaps


def _is_confirmed(sheet: PriceSheet | None) -> bool:
    return sheet is not None and sheet.is_confirmed


def _implausible(rate: Decimal, unit: str, last: Decimal | None, sheet: PriceSheet | None) -> Gap:
    why = f"a price of {rate} {unit} an hour is not plausible, the last was {last}"
    if sheet is None or last is None:
        return Gap(why)
    return Gap(f"{why} and still holds; if the new one is meant: {sheet.how_to_confirm}")
