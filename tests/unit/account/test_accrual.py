"""Charges: each pod from its own start to its own end, once, however often and late we look."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from tests.builders import EUR, HOUR, MINUTE, NOW, money, pod

from plafond.account.accrual import Stretch, accrue
from plafond.model.ledger import Fact
from plafond.model.memory import OpenPod
from plafond.model.money import ZERO, accrued
from plafond.model.window import Span


def priced(rate="6", *, is_managed=True):
    """Six an hour is a tenth a minute."""
    rates = {} if rate is None else {EUR: money(rate)}
    lacks = frozenset() if rates else frozenset({EUR})
    return lambda _pod, _before: OpenPod(rates, is_managed, lacks=lacks)


def total(accrual, fact=Fact.SPEND) -> Decimal:
    charges = [c for c in accrual.charges if c.key == (fact, EUR, "")]
    return sum((accrued(c.rate, c.span.length) for c in charges), ZERO)


def passes(pods_at, times, price=None):
    """Count at each of *times*; return what each pass charged."""
    open_pods, as_of, charged = {}, None, []
    for now in times:
        found = accrue(pods_at(now), open_pods, Stretch(as_of, now), price or priced())
        open_pods, as_of = found.open_pods, now
        charged.append(total(found))
    return charged


def alive(one):
    """What is observed of *one* pod at a time: its end is not known before it comes."""
    unknown = {"ended_at": None}

    def at(now):
        if one.scheduled_at > now:
            return ()
        return (one if one.ended_at and one.ended_at <= now else replace(one, **unknown),)

    return at


def test_the_first_pass_charges_a_pod_from_its_own_start():
    one = pod(scheduled_at=NOW - 90 * MINUTE, ready_at=None)

    assert passes(alive(one), [NOW]) == [9]  # 90 minutes at 0.10


def test_later_passes_charge_what_came_since():
    one = pod(scheduled_at=NOW - HOUR)

    assert passes(alive(one), [NOW, NOW + MINUTE, NOW + 3 * MINUTE]) == [
        6,
        money("0.1"),
        money("0.2"),
    ]


def test_a_pod_that_starts_between_two_passes_is_charged_from_its_start():
    one = pod(scheduled_at=NOW + 20 * MINUTE, ready_at=None)

    assert passes(alive(one), [NOW, NOW + 30 * MINUTE]) == [0, 1]  # 10 minutes


def test_a_pod_that_ended_is_charged_to_its_end_and_never_again():
    one = pod(scheduled_at=NOW - HOUR, ended_at=NOW + MINUTE)
    times = [NOW, NOW + 2 * MINUTE, NOW + 3 * MINUTE, NOW + HOUR]

    assert passes(alive(one), times) == [6, money("0.1"), 0, 0]


def test_a_pod_that_lived_between_two_passes_is_charged_in_full_once():
    one = pod(scheduled_at=NOW + MINUTE, ready_at=None, ended_at=NOW + 11 * MINUTE)
    times = [NOW, NOW + 20 * MINUTE, NOW + 40 * MINUTE]

    assert passes(alive(one), times) == [0, 1, 0]


def test_an_end_that_lies_ahead_by_another_clock_is_charged_once():
    one = pod(scheduled_at=NOW - HOUR, ended_at=NOW + MINUTE)

    def at_once(_):
        return (one,)

    assert passes(at_once, [NOW, NOW + 2 * MINUTE, NOW + 3 * MINUTE]) == [6, money("0.1"), 0]


def test_a_start_that_lies_ahead_by_another_clock_is_where_charging_begins():
    one = pod(scheduled_at=NOW + MINUTE, ready_at=None)

    def at_once(_):
        return (one,)

    assert passes(at_once, [NOW, NOW + 2 * MINUTE]) == [0, money("0.1")]


def test_a_pod_that_got_lost_is_charged_until_its_absence_was_found():
    def gone_later(now):
        return (pod(scheduled_at=NOW - HOUR),) if now == NOW else ()

    assert passes(gone_later, [NOW, NOW + 10 * MINUTE, NOW + 20 * MINUTE]) == [6, 1, 0]


def test_a_terminating_pod_costs_until_it_is_gone():
    one = pod(scheduled_at=NOW - HOUR, is_terminating=True)

    assert passes(alive(one), [NOW, NOW + MINUTE]) == [6, money("0.1")]


def test_a_pod_that_was_never_scheduled_costs_nothing():
    def pending(_):
        return (pod(scheduled_at=None, ready_at=None, node=None),)

    assert passes(pending, [NOW, NOW + HOUR]) == [0, 0]


def test_what_had_no_price_is_charged_from_the_start_when_it_gets_one():
    one = pod(scheduled_at=NOW - HOUR)
    before = accrue((one,), {}, Stretch(None, NOW), priced(None))
    assert total(before) == 0

    after = accrue((one,), before.open_pods, Stretch(NOW, NOW + HOUR), priced())

    assert total(after) == 12  # two hours


def job(name="job", ended_at=NOW - HOUR):
    """A pod that ran for half an hour and has ended, and whose object is still there."""
    return pod(name, scheduled_at=ended_at - 30 * MINUTE, ready_at=None, ended_at=ended_at)


def test_a_pod_that_began_and_ended_in_an_outage_is_charged_from_its_own_timestamps():
    found = accrue((job(),), {}, Stretch(NOW - 2 * HOUR, NOW), priced())

    assert total(found) == 3
    assert {c.span for c in found.charges} == {Span(NOW - HOUR - 30 * MINUTE, NOW - HOUR)}
    assert found.open_pods == {}


def test_a_pod_that_ended_without_a_price_is_charged_once_when_it_gets_one():
    before = accrue((job(),), {}, Stretch(NOW - 2 * HOUR, NOW), priced(None))
    later = accrue((job(),), before.open_pods, Stretch(NOW, NOW + HOUR), priced())
    last = accrue((job(),), later.open_pods, Stretch(NOW + HOUR, NOW + 2 * HOUR), priced())

    assert (total(before), total(later), total(last)) == (0, 3, 0)
    assert (set(before.open_pods), set(later.open_pods)) == ({"uid-job"}, set())


def test_a_pod_that_ended_without_a_price_and_is_gone_is_let_go_of():
    before = accrue((job(),), {}, Stretch(NOW - 2 * HOUR, NOW), priced(None))

    after = accrue((), before.open_pods, Stretch(NOW, NOW + HOUR), priced())

    assert (total(after), after.open_pods) == (0, {})


def test_of_pods_that_ended_without_a_price_the_latest_are_remembered(monkeypatch):
    monkeypatch.setattr("plafond.account.accrual.MOST_OWING", 2)
    jobs = tuple(job(f"job-{n}", NOW - HOUR + n * MINUTE) for n in range(4))

    found = accrue(jobs, {}, Stretch(NOW - 2 * HOUR, NOW), priced(None))

    assert set(found.open_pods) == {"uid-job-2", "uid-job-3"}


def test_a_price_that_gets_lost_goes_on_as_it_was():
    one = pod(scheduled_at=NOW - HOUR)
    before = accrue((one,), {}, Stretch(None, NOW), priced())

    after = accrue((one,), before.open_pods, Stretch(NOW, NOW + HOUR), priced(None))

    assert total(after) == 6


def test_past_spend_is_never_priced_again():
    one = pod(scheduled_at=NOW - HOUR)
    before = accrue((one,), {}, Stretch(None, NOW), priced("6"))

    after = accrue((one,), before.open_pods, Stretch(NOW, NOW + HOUR), priced("60"))

    assert total(after) == 60  # one hour at the new price


@pytest.mark.parametrize(("is_managed", "unmanaged"), [(True, 0), (False, 6)])
def test_what_no_policy_scales_is_counted_as_unmanaged_too(is_managed, unmanaged):
    found = accrue((pod(),), {}, Stretch(None, NOW), priced(is_managed=is_managed))

    assert (total(found), total(found, Fact.UNMANAGED)) == (6, unmanaged)


def test_after_a_restart_from_an_old_ledger_nothing_is_missing_or_twice():
    # Counted up to an hour ago; since then `old` went on, `new` came, `brief` came and went, and
    # `gone` got lost. 60 + 30 + 10 + 60 minutes at 0.10.
    as_of = NOW - HOUR
    known = {name: OpenPod({EUR: money("6")}, is_managed=True) for name in ("uid-old", "uid-gone")}
    pods = (
        pod("old", scheduled_at=NOW - 5 * HOUR, ready_at=None),
        pod("new", scheduled_at=NOW - 30 * MINUTE, ready_at=None),
        pod(
            "brief",
            scheduled_at=NOW - 40 * MINUTE,
            ready_at=None,
            ended_at=NOW - 30 * MINUTE,
        ),
        pod("long-ago", scheduled_at=NOW - 9 * HOUR, ready_at=None, ended_at=as_of),
    )

    found = accrue(pods, known, Stretch(as_of, NOW), priced())

    assert total(found) == 16
    assert set(found.open_pods) == {"uid-old", "uid-new"}


def test_a_second_of_the_cheapest_pod_is_not_rounded_away():
    one = pod(scheduled_at=NOW - timedelta(seconds=1), ready_at=None)

    found = accrue((one,), {}, Stretch(None, NOW), priced("0.0036"))

    assert total(found) == money("0.000001")


def test_what_was_lost_is_charged_in_the_order_in_which_it_was_known():
    # Sums are rounded in their last digit, so that the order must not hang on hashes.
    lost = {
        f"uid-{i}": OpenPod({EUR: money(i + 1)}, is_managed=False, workload=f"w{i:02}")
        for i in range(12)
    }

    found = accrue((), lost, Stretch(NOW - MINUTE, NOW), priced())

    named = [charge.key.workload for charge in found.charges if charge.key.workload]
    assert named == [f"w{i:02}" for i in range(12)]
