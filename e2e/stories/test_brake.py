"""A typo empties nothing: what it lowers is braked, and whoever means it confirms it."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.nodes import GPU_NODES, Node
from e2e.rig.polling import poll
from e2e.world import (
    TIMING,
    Watched,
    condition,
    deployment,
    fixed_budget,
    fresh_namespace,
    operator,
    policy,
    price_sheet,
    utc_now,
)

NAMESPACES = 10
REPLICAS = 10
# Eight GPUs each: enough for all of them.
NODES = 13
# Ten seconds stand for ten minutes.
INTERVAL = timedelta(seconds=10)
# Of ten replicas in each interval.
MOST = 3
SLOW = {**TIMING, "brakeInterval": "10s"}
# A day under ten replicas at 3.60 an hour costs 864.
AMPLE, TYPED_TOO_SMALL = "2000", "20"
CURRENCIES = (
    f"X{number:02d}".translate(str.maketrans("0123456789", "ABCDEFGHIJ")) for number in count()
)


@contextmanager
def governed(rig: Rig, directory: Any) -> Iterator[tuple[str, list[Watched]]]:
    """Yield a currency, and ten namespaces that pay in it, each with ten replicas within budget."""
    rig.add_nodes(Node(f"brake-{n}", GPU_NODES[0].labels) for n in range(NODES))
    currency = next(CURRENCIES)
    rig.apply(price_sheet(f"brake-{currency.lower()}", currency))
    chats = [Watched(rig, fresh_namespace(rig, "brake"), "chat") for _ in range(NAMESPACES)]
    for chat in chats:
        rig.apply(deployment(chat.namespace, "chat", REPLICAS))
        rig.apply(budgeted(chat.namespace, currency, AMPLE))
    try:
        with operator(rig, directory, timing=SLOW):
            for chat in chats:
                poll(lambda c=chat: within(c), 60, what=f"{chat.namespace} to be within its budget")
            yield currency, chats
    finally:
        rig.kubectl("delete", "ns", *(chat.namespace for chat in chats), "--wait=false")


def budgeted(namespace: str, currency: str, cost: str) -> dict[str, Any]:
    """Return a policy with one budget for a day."""
    window = fixed_budget(cost, utc_now() - timedelta(minutes=1), timedelta(days=1))
    return policy(namespace, currency=currency, budgets=[window])


def within(chat: Watched) -> bool:
    """Say whether the policy is enforced in full."""
    return condition(chat.rig, chat.namespace, "Enforcing")[0] == "True" and chat.ready == REPLICAS


def is_braked(chat: Watched) -> bool:
    """Say whether the status tells of the brake."""
    return condition(chat.rig, chat.namespace, "Enforcing")[:2] == ("False", "Braked")


def lowered(chat: Watched, since: datetime) -> list[tuple[datetime, int]]:
    """Return when which count was stored, by the audit log."""
    return [
        (write.at, write.response_object["spec"].get("replicas", 0))
        for write in chat.rig.audit.writes()
        if (write.namespace, write.resource, write.subresource)
        == (chat.namespace, "deployments", "scale")
        and write.succeeded
        and write.at >= since
    ]


def fell_no_faster_than_the_brake_allows(chat: Watched, since: datetime) -> bool:
    """Say whether every count that was stored since the typo was still allowed at that time."""
    found = lowered(chat, since)
    assert found, f"{chat.namespace} was not lowered at all"
    begun = found[0][0]
    return all(
        replicas >= REPLICAS - MOST * (1 + (at - begun + timedelta(seconds=2)) // INTERVAL)
        for at, replicas in found
    )


def confirm(rig: Rig, message: str) -> None:
    """Run the command that *message* tells."""
    found = re.search(r"kubectl (annotate [^;]*plafond.dev/confirm=\d+)", message)
    assert found is not None, message
    done = rig.kubectl(*found[1].split())
    assert done.returncode == 0, done.stderr


def all_come_to(chats: list[Watched], replicas: int) -> None:
    for chat in chats:
        poll(lambda c=chat: c.replicas == replicas, 30, what=f"{replicas} in {chat.namespace}")


def type_a_limit_too_small(rig: Rig, currency: str, chats: list[Watched]) -> None:
    for chat in chats:
        rig.apply(budgeted(chat.namespace, currency, TYPED_TOO_SMALL))


def type_a_price_too_high(rig: Rig, currency: str, _: list[Watched]) -> None:
    rig.apply(price_sheet(f"brake-{currency.lower()}", currency, "180.00"))


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "mistake",
    [
        pytest.param(type_a_limit_too_small, id="a limit a hundred times too small"),
        pytest.param(type_a_price_too_high, id="a price fifty times too high"),
    ],
)
def test_a_typo_lowers_ten_namespaces_no_faster_than_the_brake_until_it_is_confirmed(
    rig: Rig,
    tmp_path,
    record_property: Callable[[str, object], None],
    mistake: Callable[[Rig, str, list[Watched]], None],
):
    with governed(rig, tmp_path) as (currency, chats):
        since = utc_now()
        mistake(rig, currency, chats)
        for chat in chats:
            poll(lambda c=chat: is_braked(c), 30, what=f"{chat.namespace} to say that it is braked")
            poll(
                lambda c=chat: len(lowered(c, since)) >= 2,
                40,
                what=f"a second step in {chat.namespace}",
            )
        assert all(fell_no_faster_than_the_brake_allows(chat, since) for chat in chats)
        first = lowered(chats[0], since)[0][0]
        steps = ", ".join(
            f"{replicas} after {(at - first).total_seconds():.0f} s"
            for at, replicas in lowered(chats[0], since)
        )
        record_property("braked, one interval is 10 s", f"{REPLICAS}, then {steps}")
        messages = {condition(rig, chat.namespace, "Enforcing")[2] for chat in chats}
        for message in messages:
            confirm(rig, message)
        all_come_to(chats, 1)
        poll(lambda: not any(map(is_braked, chats)), 30, what="the brake to end everywhere")


@pytest.mark.timeout(180)
def test_a_price_a_thousand_times_too_high_moves_nothing_until_it_is_confirmed(rig: Rig, tmp_path):
    with governed(rig, tmp_path) as (currency, chats):
        since = utc_now()
        rig.apply(price_sheet(f"brake-{currency.lower()}", currency, "3600.00"))
        for chat in chats:
            poll(
                lambda c=chat: condition(rig, c.namespace, "Ready")[1] == "PriceUnknown",
                30,
                what=f"{chat.namespace} to say that the price is not believed",
            )
        poll(lambda: utc_now() - since > 2 * INTERVAL, 30, what="two intervals to pass")
        assert [lowered(chat, since) for chat in chats] == [[]] * NAMESPACES
        confirm(rig, condition(rig, chats[0].namespace, "Ready")[2])
        all_come_to(chats, 1)
