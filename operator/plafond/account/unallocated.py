"""
What belongs to nobody: the part of each node pool's price that no pod accounts for.

A node pool is what one entry of the price sheet selects. Namespaces and unallocated together come
to node-hours times price.
"""

from collections import defaultdict
from decimal import Decimal

from plafond.account.account import Account
from plafond.account.rates import RateCard
from plafond.model.snapshot import Snapshot


def unallocated(snapshot: Snapshot, account: Account) -> dict[tuple[str, str], Decimal]:
    """Return what is unallocated per hour, by node pool and currency."""
    left: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    pools: dict[tuple[str, str], str] = {}
    for currency, card in account.pricing.cards.items():
        if not isinstance(card, RateCard):
            continue
        for node in snapshot.nodes.values():
            entry = card.entry_for(node)
            price = account.pricing.on_node(node.allocatable, node)[currency]
            if entry is not None and isinstance(price, Decimal):
                pools[node.name, currency] = entry.name
                left[entry.name, currency] += price
    for pod in snapshot.pods:
        rates = account.counted[pod.namespace].rates.get(pod.uid, {})
        for unit, rate in rates.items():
            pool = pools.get((pod.node or "", unit))
            if pool is not None:
                left[pool, unit] -= rate
    return dict(left)
