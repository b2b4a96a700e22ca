"""Budgets of money and of tokens at once: the tighter one paces, and nobody goes dark."""

import time
from datetime import datetime, timedelta

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.world import (
    CHAT,
    FOLLOW_CONCURRENCY,
    Watched,
    deployment,
    fixed_budget,
    operator,
    policy,
    price_sheet,
    status,
    truth,
    utc_now,
)

# Nine replicas follow this demand: 27 requests a second, two seconds each, six at once per replica.
DEMAND_PER_SECOND = 27.0
NEEDED_REPLICAS = 9
# A full replica serves four requests a second, of 500 tokens in and 200 out.
TOKENS_PER_REQUEST = int(CHAT.prompt_tokens + CHAT.generation_tokens)
TOKENS_PER_REPLICA_SECOND = 4 * TOKENS_PER_REQUEST
TOKENS_AFFORD = 3
MONEY_AFFORDS = 6
# Three stretches of twenty passes show what a replica processes.
LEARNING = timedelta(seconds=75)
LASTS = timedelta(minutes=4)


@pytest.mark.timeout(900)
@pytest.mark.lasts(6)
def test_tokens_are_spent_to_the_end_of_their_window_and_money_is_left(
    rig: Rig, namespace: str, tmp_path, record_property
):
    seconds = LASTS // timedelta(seconds=1)
    tokens = TOKENS_PER_REPLICA_SECOND * TOKENS_AFFORD * seconds
    money = 0.001 * MONEY_AFFORDS * seconds
    with operator(rig, tmp_path):
        start = begin(rig, namespace, tokens, f"{money:.3f}")
        poll(lambda: utc_now() >= start, 120)
        before = processed(rig, namespace)
        least, binding = watch(rig, namespace, start + LASTS)
        share = (processed(rig, namespace) - before) / tokens
        counted = {each["name"]: each for each in status(rig, namespace).get("budgets", [])}
    cost = float(truth(rig, namespace, start, start + LASTS)) / money
    record_property("tokens of the limit", f"{share:.3%}")
    record_property("money of the limit", f"{cost:.3%}")
    record_property("as counted", {name: each["usedPercent"] for name, each in counted.items()})
    assert 0.95 <= share <= 1.005
    assert cost < 1
    assert least >= 1
    assert binding == {"ceiling/tokens"}


def begin(rig: Rig, namespace: str, tokens: int, money: str) -> datetime:
    """Run demand worth three times the tokens; return when both windows start."""
    rig.apply(price_sheet("story-eur", "EUR"))
    rig.apply(deployment(namespace, "chat", NEEDED_REPLICAS))
    rig.fleet.set_profile(f"{namespace}/chat", CHAT)
    rig.fleet.set_demand(f"{namespace}/chat", DEMAND_PER_SECOND)
    Watched(rig, namespace, "chat").comes_to(NEEDED_REPLICAS)
    start = utc_now().replace(microsecond=0) + LEARNING
    of_money = fixed_budget(money, start, LASTS)
    of_tokens = {**of_money, "name": "tokens", "limit": {"tokens": str(tokens)}}
    rig.apply(
        policy(
            namespace,
            currency="EUR",
            budgets=[of_money, of_tokens],
            scaling=FOLLOW_CONCURRENCY,
        )
    )
    return start


def processed(rig: Rig, namespace: str) -> float:
    """Return the tokens that were really processed so far, whoever counted them."""
    return rig.fleet.served()[f"{namespace}/chat"].served * TOKENS_PER_REQUEST


def watch(rig: Rig, namespace: str, end: datetime) -> tuple[int, set[str]]:
    """Look until *end*; return the least that served, and the limits that bound at half-time."""
    least, binding, half = NEEDED_REPLICAS, set(), end - LASTS / 2
    while utc_now() < end:
        least = min(least, Watched(rig, namespace, "chat").ready)
        if utc_now() > half:
            found = (each.get("limit") for each in status(rig, namespace).get("targets", []))
            binding |= {limit for limit in found if limit}
        time.sleep(min(0.5, max(0.0, (end - utc_now()).total_seconds())))
    return least, binding
