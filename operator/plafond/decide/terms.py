"""
What a policy set rests on, and which part of a change of it was accepted.

A policy or a price sheet can be mistyped, and what follows from it is carried out within seconds.
So a change is compared with what was accepted before, until somebody confirms it or its time has
passed: the brake needs to know what would have been decided without it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from plafond.account.account import SetAccount
from plafond.account.rates import Pricing, RateCard
from plafond.model.capacity import PriceSheet
from plafond.model.memory import Memory, Terms
from plafond.model.policy import CostPolicy
from plafond.model.snapshot import Namespace, Snapshot


@dataclass(frozen=True, slots=True)
class Change:
    """
    From what was accepted to what is said now.

    Attributes:
        settled: what was accepted before, with everything that is confirmed.
        current: what is said now.
        unconfirmed: how to confirm each object that is not as it was accepted.
        new_prices: the currencies whose sheet is another than the accepted one.

    """

    settled: Terms
    current: Terms
    unconfirmed: tuple[str, ...]
    new_prices: frozenset[str]

    @property
    def is_settled(self) -> bool:
        """Nothing differs from what was accepted."""
        return self.settled == self.current


def change_of(
    set_account: SetAccount, pricing: Pricing, snapshot: Snapshot, memory: Memory
) -> Change:
    """Return what is new in an enforced set, against what *memory* holds as accepted."""
    namespace = snapshot.namespaces[set_account.policy_set.namespace]
    said = {policy.name: policy for policy in set_account.policy_set.policies}
    sheets = _sheets(said, pricing)
    before = _accepted(memory, namespace, said, sheets)
    # One that cannot be understood now is not another one: what it said before stands.
    unread = snapshot.unread(namespace.name)
    stands = tuple(p for p in before.policies if p.name in unread)
    current = Terms(
        _ordered((*(p.terms for p in said.values()), *stands)),
        {currency: sheet.edition for currency, sheet in sheets.items()},
    )
    if before == current:
        return Change(before, before, (), frozenset())
    settled = _settled(before, said, sheets)
    changed = [said[p.name] for p in current.policies if p not in settled.policies]
    new_prices = frozenset(
        c for c, edition in current.editions.items() if settled.editions.get(c, edition) != edition
    )
    editions = {**current.editions, **settled.editions}
    return Change(
        replace(settled, editions={c: editions[c] for c in current.editions}),
        current,
        (
            *(policy.how_to_confirm for policy in changed),
            *(sheets[currency].how_to_confirm for currency in sorted(new_prices)),
        ),
        new_prices,
    )


def _accepted(
    memory: Memory,
    namespace: Namespace,
    said: Mapping[str, CostPolicy],
    sheets: Mapping[str, PriceSheet],
) -> Terms:
    if memory.terms is not None:
        return memory.terms
    editions = {currency: sheet.edition for currency, sheet in sheets.items()}
    if namespace.ceilings is None:
        return Terms((), editions)
    # Ceilings stand whose reasons are forgotten: they were brought about by what is said now.
    return Terms(_ordered(policy.terms for policy in said.values()), editions)


def _settled(
    before: Terms,
    said: Mapping[str, CostPolicy],
    sheets: Mapping[str, PriceSheet],
) -> Terms:
    confirmed = {name: policy.terms for name, policy in said.items() if policy.is_confirmed}
    policies = {policy.name: policy for policy in before.policies} | confirmed
    editions = {c: sheet.edition for c, sheet in sheets.items() if sheet.is_confirmed}
    return Terms(_ordered(policies.values()), {**before.editions, **editions})


def _sheets(said: Mapping[str, CostPolicy], pricing: Pricing) -> dict[str, PriceSheet]:
    currencies = {p.currency for p in said.values() if p.currency is not None}
    cards = {currency: pricing.cards.get(currency) for currency in sorted(currencies)}
    return {c: card.sheet for c, card in cards.items() if isinstance(card, RateCard)}


def _ordered(policies: Iterable[CostPolicy]) -> tuple[CostPolicy, ...]:
    return tuple(sorted(policies, key=lambda policy: policy.name))
