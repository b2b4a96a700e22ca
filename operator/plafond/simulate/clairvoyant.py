"""The bound: the most tokens that money buys for whoever knows all demand and has no lag."""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from plafond.simulate.world import SECONDS_PER_HOUR, Model, Window


class Offer(NamedTuple):
    """So many replicas, each for one bin: what each costs, and the tokens that it serves."""

    tokens_per_money: float
    tokens: float
    replicas: int
    cost: Decimal


def clairvoyant_tokens(window: Window, model: Model, budget: Decimal) -> float:
    """
    Return the tokens that *budget* buys in whole replicas per bin, the best first.

    A replica that is busy for the whole of its bin serves as much as any; in each bin one more
    serves the rest.
    """
    left, served = budget, 0.0
    for offer in sorted(_offers(window, model), reverse=True):
        bought = min(offer.replicas, int(left / offer.cost))
        served += bought * offer.tokens
        left -= bought * offer.cost
    return served


def _offers(window: Window, model: Model) -> Iterator[Offer]:
    for index in range(window.last - window.first):
        offset = index * window.bin_s
        demand = window.demand(offset)
        cost = model.price_at(offset) * window.bin_s / SECONDS_PER_HOUR
        busy = int(demand // model.tokens_per_s)
        rest = demand - busy * model.tokens_per_s
        for rate, replicas in ((model.tokens_per_s, busy), (rest, 1)):
            tokens = rate * window.bin_s
            yield Offer(tokens / float(cost), tokens, replicas, cost)
