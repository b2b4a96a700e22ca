"""Floors: which are promised, which are kept, and when a dropped one returns."""

from dataclasses import replace

import pytest
from tests.builders import (
    DAY,
    EUR,
    GPU,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    SETTINGS,
    budget,
    class_rule,
    fixed,
    money,
    pod,
    policy,
    quantities,
    workload,
)
from tests.unit.decide.support import counts, decided, remembering, running

from plafond.decide.evaluate import evaluate
from plafond.model.budget import OnExhausted
from plafond.model.labels import LabelSelector
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.model.memory import NamespaceRecord, WorkloadMemory
from plafond.model.money import Amount
from plafond.model.policy import Ceilings
from plafond.model.workload import WorkloadClass

ALL = LabelSelector()


def floors(world):
    return {w.name: m.funded_floor for w, m in decided(world)[1].memory.items()}


def classes(hot=0, warm=0, cold=0):
    return tuple(class_rule(c, n) for c, n in zip(WorkloadClass, (hot, warm, cold), strict=True))


def hourly(rate, **more):
    """A budget that has ten hours left and carries *rate* an hour."""
    return budget(money(rate) * 10, window=fixed(NOW, 10 * HOUR), **more)


def spent(amount, *, until=NOW):
    """A ledger in which the window before *until* cost *amount*."""
    series = {SeriesKey(Fact.SPEND, EUR): (Bucket(NOW, SECOND, money(amount)),)}
    return {"team-a": NamespaceRecord(Ledger(until, series))}


# A replica costs 4.00 an hour.
@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        pytest.param("24", {"a": 2, "b": 2, "c": 2}, id="all of them"),
        pytest.param("23.99", {"a": 2, "b": 2, "c": 1}, id="the last one does not fit"),
        pytest.param("16", {"a": 2, "b": 2, "c": 0}, id="the last class gets nothing"),
        pytest.param("12", {"a": 2, "b": 1, "c": 0}, id="replica by replica"),
        pytest.param("3.99", {"a": 0, "b": 0, "c": 0}, id="none"),
    ],
)
def test_floors_are_funded_in_the_order_of_classes(rate, expected):
    world = running(
        workload("c", tier="cold", replicas=0, is_count_ours=True),
        workload("b", tier="warm", replicas=0, is_count_ours=True),
        workload("a", tier="hot", replicas=0, is_count_ours=True),
        policies=(policy(budgets=(hourly(rate),), classes=classes(2, 2, 2)),),
    )

    assert floors(world) == expected


def test_inside_a_class_the_oldest_comes_first_and_then_the_name():
    world = running(
        workload("a", created_at=NOW - HOUR),
        workload("c", created_at=NOW - 3 * HOUR),
        workload("b", created_at=NOW - 3 * HOUR),
        policies=(policy(budgets=(hourly("8"),)),),
    )

    assert floors(world) == {"a": 0, "b": 1, "c": 1}


def test_funding_stops_at_the_first_that_does_not_fit():
    # 4.00 would still carry the cold one, but the warm one before it needs 8.00.
    world = running(
        workload("hot", tier="hot"),
        workload("warm", tier="warm", requests=quantities(gpu=2)),
        workload("cold", tier="cold"),
        policies=(policy(budgets=(hourly("8"),), classes=classes(1, 1, 1)),),
    )

    assert floors(world) == {"hot": 1, "warm": 0, "cold": 0}


def test_what_is_unmanaged_is_reserved_first():
    world = running(
        workload(replicas=2),
        pods=(pod("notebook", None),),
        policies=(policy(budgets=(hourly("8"),), classes=(class_rule(floor=2, selector=ALL),)),),
    )

    assert floors(world) == {"llm": 1}  # 8.00 - 4.00 for the notebook


@pytest.mark.parametrize(
    ("on_exhausted", "expected"),
    [
        pytest.param(OnExhausted.KEEP_FLOORS, 2, id="KeepFloors keeps them"),
        pytest.param(OnExhausted.STOP_ALL, 0, id="StopAll goes to zero"),
    ],
)
def test_an_exhausted_budget_means_what_the_policy_says(on_exhausted, expected):
    limits = policy(
        budgets=(hourly("8", on_exhausted=on_exhausted),),
        classes=(class_rule(floor=2, selector=ALL),),
    )
    world = running(workload(replicas=3), policies=(limits,), records=spent("80"))
    world = remembering(world, llm=WorkloadMemory(funded_floor=2))

    _, _, decisions = decided(world)

    assert floors(world) == {"llm": expected}
    assert decisions["llm"].desired_replicas == expected


PROMISED = {"llm": WorkloadMemory(funded_floor=2, floor_until=NOW)}
YEAR = budget("100000", name="year", window=fixed(NOW - DAY, 9 * DAY))
# Two replicas cost 8.00 an hour, of which the new window carries 6.00.
TIGHT = policy(budgets=(hourly("6"), YEAR), classes=(class_rule(floor=2, selector=ALL),))


def test_of_a_window_that_goes_on_a_promise_stays_one():
    promised = WorkloadMemory(funded_floor=2, floor_until=NOW + 10 * HOUR)
    world = running(workload(replicas=2), policies=(TIGHT,))

    assert floors(remembering(world, llm=promised)) == {"llm": 2}


def test_a_promise_of_the_window_before_is_none():
    world = remembering(running(workload(replicas=2), policies=(TIGHT,)), **PROMISED)

    _, judged, _ = decided(world)

    (memory,) = judged.memory.values()
    assert (memory.funded_floor, memory.floor_until) == (1, NOW + 10 * HOUR)


@pytest.mark.parametrize(
    "unknown",
    [
        pytest.param({"sheets": ()}, id="no price sheet"),
        pytest.param({"nodes": {}}, id="no node"),
    ],
)
def test_a_promise_of_the_window_before_is_none_also_where_prices_come_late(unknown):
    world = remembering(running(workload(replicas=2), policies=(TIGHT,)), **PROMISED)

    first = evaluate(replace(world, **unknown), SETTINGS)

    assert floors(replace(world, now=NOW + SECOND, records=first.records)) == {"llm": 1}


def test_a_window_that_begins_ends_no_promise_of_another_budget():
    # The year is spent, and keeps what it promised; the new day could carry that easily.
    spare = policy(
        budgets=(hourly("100"), replace(YEAR, limit=Amount(money("10"), EUR))),
        classes=(class_rule(floor=2, selector=ALL),),
    )
    world = running(workload(replicas=2), policies=(spare,), records=spent("20"))

    assert floors(remembering(world, **PROMISED)) == {"llm": 2}


def test_stop_all_beats_keep_floors():
    limits = policy(
        budgets=(
            hourly("8", name="kept"),
            hourly("8", name="stopped", on_exhausted=OnExhausted.STOP_ALL),
        )
    )
    world = running(workload(replicas=3), policies=(limits,), records=spent("80"))
    world = remembering(world, llm=WorkloadMemory(funded_floor=1))

    assert floors(world) == {"llm": 0}


def test_a_funded_floor_is_kept_when_the_world_grew_dearer():
    # Two were promised; now 7.99 an hour carry one.
    limits = policy(budgets=(hourly("7.99"),), classes=(class_rule(floor=2, selector=ALL),))
    world = running(workload(replicas=2), policies=(limits,))

    assert floors(remembering(world, llm=WorkloadMemory(funded_floor=2))) == {"llm": 2}
    assert floors(world) == {"llm": 1}


@pytest.mark.parametrize(
    "ceilings",
    [
        pytest.param(Ceilings(replicas=3), id="replicas"),
        pytest.param(Ceilings(resources={GPU: money(3)}), id="resources"),
        pytest.param(Ceilings(cost_per_hour=money("15.99")), id="cost per hour"),
    ],
)
def test_ceilings_outrank_floors_also_those_promised_to_several(ceilings):
    limits = policy(ceilings=ceilings, classes=(class_rule(floor=2, selector=ALL),))
    world = running(workload("a", replicas=2), workload("b", replicas=2), policies=(limits,))
    promised = WorkloadMemory(funded_floor=2)

    assert floors(world) == {"a": 2, "b": 1}
    assert floors(remembering(world, a=promised, b=promised)) == {"a": 2, "b": 1}


class TestSwitchedOff:
    """What somebody has switched off is not switched on for a floor's sake."""

    LIMITS = policy(budgets=(hourly("100"),), classes=classes(2, 2, 2))

    def test_a_count_of_zero_that_was_there_before_us_promises_nothing(self):
        world = running(workload(replicas=0, tier="hot"), policies=(self.LIMITS,))

        assert floors(world) == {"llm": 0}
        assert counts(world) == {"llm": 0}

    def test_so_does_one_that_somebody_chose_later(self):
        world = running(workload(replicas=0, tier="hot"), policies=(self.LIMITS,))
        world = remembering(world, llm=WorkloadMemory(wanted_replicas=5, ceiling=6, funded_floor=2))

        assert floors(world) == {"llm": 0}
        assert counts(world) == {"llm": 0}

    def test_what_we_have_brought_to_zero_gets_its_floor_back(self):
        off = workload(replicas=0, tier="hot", is_count_ours=True)
        world = running(off, policies=(self.LIMITS,))
        world = remembering(world, llm=WorkloadMemory(wanted_replicas=5, ceiling=0))

        assert floors(world) == {"llm": 2}

    def test_and_what_the_ceiling_has_cut_to_zero(self):
        # Somebody asked for five meanwhile, and the API server made none of them.
        world = running(workload(replicas=0, tier="hot"), policies=(self.LIMITS,))
        world = remembering(world, llm=WorkloadMemory(wanted_replicas=5, ceiling=0))

        assert floors(world) == {"llm": 2}


class TestReturning:
    def world(self, rate, dropped_at):
        limits = policy(budgets=(hourly(rate),), classes=(class_rule(floor=1, selector=ALL),))
        world = running(workload(replicas=0, is_count_ours=True), policies=(limits,))
        return remembering(world, llm=WorkloadMemory(funded_floor=0, floor_dropped_at=dropped_at))

    @pytest.mark.parametrize(
        ("rate", "ago", "expected"),
        [
            # 4.00 and 5 % of the rate: 4.22 - 0.211 carry it, 4.21 - 0.2105 do not.
            pytest.param("4.22", 10 * MINUTE, 1, id="after ten minutes and with 5 % to spare"),
            pytest.param("4.21", 10 * MINUTE, 0, id="without 5 % to spare"),
            pytest.param("100", 10 * MINUTE - SECOND, 0, id="before ten minutes have passed"),
        ],
    )
    def test_a_dropped_floor_returns_late_and_only_with_something_to_spare(
        self, rate, ago, expected
    ):
        assert floors(self.world(rate, NOW - ago)) == {"llm": expected}

    def test_a_floor_that_is_dropped_now_is_remembered_as_such(self):
        limits = policy(budgets=(hourly("3.99"),), classes=(class_rule(floor=1, selector=ALL),))

        (memory,) = decided(running(workload(), policies=(limits,)))[1].memory.values()

        assert (memory.funded_floor, memory.floor_dropped_at) == (0, NOW)
