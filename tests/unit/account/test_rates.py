"""Prices: what a pod costs on its node, what a replica would cost, and when a price is a gap."""

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.builders import (
    DAY,
    EUR,
    HOUR,
    NOW,
    SETTINGS,
    money,
    node,
    node_price,
    quantities,
    requires,
    sheet,
)

from plafond.account.rates import Pricing, is_plausible, plausible, rate_cards
from plafond.model.gap import Gap

GIB = 2**30
SPOT = node_price("spot", {"capacity": "spot"}, gpu="1.90", cpu="0.03", memoryGiB="0.004")
ANY = node_price("any", gpu="4.10", cpu="0.03", memoryGiB="0.004")


def pricing(*sheets):
    return Pricing(rate_cards(sheets or (sheet(SPOT, ANY),), NOW), SETTINGS)


@pytest.mark.parametrize(
    ("requests", "labels", "rate"),
    [
        pytest.param(quantities(gpu=2), {}, "8.20", id="two GPUs"),  # 2 x 4.10
        pytest.param(quantities(gpu=2), {"capacity": "spot"}, "3.80", id="the first match"),
        # 1 x 4.10 + 4 x 0.03 + 8 GiB x 0.004
        pytest.param(quantities(gpu=1, cpu=4, memory=8 * GIB), {}, "4.252", id="everything"),
        # Half a core and 512 MiB: 0.5 x 0.03 + 0.5 x 0.004
        pytest.param(quantities(cpu="0.5", memory=GIB // 2), {}, "0.017", id="fractions"),
        pytest.param({"pods/slots": Decimal(3)}, {}, "0", id="an unpriced resource is free"),
        pytest.param({}, {}, "0", id="nothing"),
    ],
)
def test_a_pod_costs_its_requests_at_the_prices_of_its_node(requests, labels, rate):
    assert pricing().on_node(requests, node(**labels))[EUR] == money(rate)


def test_gpu_hours_are_counted_whatever_the_prices_are():
    requests = {"nvidia.com/gpu": Decimal(2), "nvidia.com/mig-1g.10gb": Decimal(1)}

    assert pricing().on_node(requests, None)["gpuHours"] == 3


@pytest.mark.parametrize(
    ("entry", "where"),
    [
        pytest.param(node_price("cpus", cpu="0.03"), node(), id="an accelerator without a price"),
        pytest.param(SPOT, node(), id="no entry selects the node"),
        pytest.param(ANY, None, id="the node is not known"),
    ],
)
def test_what_has_no_price_is_a_gap_and_not_free(entry, where):
    found = pricing(sheet(entry)).on_node(quantities(gpu=1, cpu=1), where)[EUR]

    assert isinstance(found, Gap)


def test_an_accelerator_that_is_not_requested_needs_no_price():
    entry = node_price("cpus", cpu="0.03")

    assert pricing(sheet(entry)).on_node(quantities(gpu=0, cpu=1), node())[EUR] == money("0.03")


def test_the_sheet_with_the_latest_start_that_has_begun_counts():
    old = sheet(node_price(gpu="1"), name="old", valid_from=NOW - DAY)
    current = sheet(node_price(gpu="2"), name="current", valid_from=NOW)
    future = sheet(node_price(gpu="3"), name="future", valid_from=NOW + HOUR)

    assert pricing(future, old, current).on_node(quantities(gpu=1), node())[EUR] == 2


def test_before_the_first_sheet_is_valid_there_are_no_prices():
    card = rate_cards((sheet(valid_from=NOW + HOUR),), NOW)[EUR]

    assert card == Gap("no price sheet in EUR is valid yet")


def test_two_sheets_valid_from_the_same_moment_are_no_prices_in_either_order():
    sheets = (sheet(name="b"), sheet(name="a"))
    said = Gap("price sheets a and b are both valid from 2026-08-18T12:00:00Z")

    assert rate_cards(sheets, NOW)[EUR] == said
    assert rate_cards(sheets[::-1], NOW)[EUR] == said


def test_two_sheets_that_were_equal_once_do_not_matter_after_a_later_one():
    later = sheet(node_price(gpu="5"), name="later", valid_from=NOW - HOUR)

    found = pricing(sheet(name="a"), sheet(name="b"), later).on_node(quantities(gpu=1), node())

    assert found[EUR] == 5


def test_each_currency_has_its_own_card():
    dollars = sheet(node_price(gpu="9"), name="dollars", currency="USD")

    found = pricing(sheet(), dollars).on_node(quantities(gpu=1), node())

    assert found == {"gpuHours": 1, EUR: 4, "USD": 9}


@pytest.mark.parametrize(
    ("required", "rate"),
    [
        pytest.param((), "4.10", id="anywhere"),
        pytest.param((requires("capacity", "spot"),), "4.10", id="the other may also be spot"),
        pytest.param((requires("gpu", "h100"),), "4.10", id="a label that no entry names"),
    ],
)
def test_a_replica_without_pods_costs_the_dearest_that_is_allowed(required, rate):
    assert pricing().anywhere(quantities(gpu=1), required)[EUR] == money(rate)


def test_an_entry_that_contradicts_what_a_replica_requires_is_not_allowed():
    both = sheet(
        SPOT,
        replace(
            ANY, node_selector=replace(ANY.node_selector, match_labels={"capacity": "on-demand"})
        ),
    )

    found = pricing(both).anywhere(quantities(gpu=1), (requires("capacity", "spot"),))

    assert found[EUR] == money("1.90")


@pytest.mark.parametrize(
    ("price", "last", "is_believed"),
    [
        pytest.param("4", None, True, id="the first one"),
        pytest.param("400", "4", True, id="a hundred times"),
        pytest.param("400.01", "4", False, id="more than that"),
        pytest.param("0.04", "4", True, id="a hundredth"),
        pytest.param("0.0399", "4", False, id="less than that"),
        pytest.param("0", "4", False, id="free all at once"),
        pytest.param("-1", None, False, id="negative"),
        pytest.param("NaN", None, False, id="not a number"),
        pytest.param("Infinity", None, False, id="infinite"),
    ],
)
def test_a_price_is_believed_within_a_factor_of_a_hundred(price, last, is_believed):
    assert is_plausible(money(price), None if last is None else money(last)) is is_believed


def test_an_implausible_price_holds_the_last_one_and_says_so():
    prices, gaps = plausible({EUR: money("0.01")}, {EUR: money("4")}, {})

    assert prices == {EUR: 4}
    assert gaps == {EUR: Gap("a price of 0.01 EUR an hour is not plausible, the last was 4")}


def test_a_gap_holds_the_last_price_if_there_is_one():
    gone = {EUR: Gap("its node is not known")}

    assert plausible(gone, {EUR: money("4")}, {}) == ({EUR: 4}, gone)
    assert plausible(gone, {}, {}) == ({}, gone)
