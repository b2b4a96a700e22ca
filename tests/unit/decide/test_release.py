"""From shares to ceilings: lowered at once, raised with care, left alone where they do not bind."""

import pytest
from tests.builders import EUR, HOUR, MINUTE, NOW, SECOND, SETTINGS, money, workload_id

from plafond.decide.limits import Limit, Room
from plafond.decide.reason import Reason
from plafond.decide.release import Moment, release
from plafond.decide.share import Claim, Grant
from plafond.model.money import REPLICAS
from plafond.model.workload import WorkloadClass

LIMIT = Limit("launch", EUR, money(0), Reason.BUDGET_CEILING)


def room(replicas):
    return Room((LIMIT,), (money(replicas),))


def holding(name="llm", recommended=4, grant=None, headroom=None, **more):
    """A replica costs 1.00 an hour. Without more words everything recommended is granted."""
    granted = recommended if grant is None else grant
    floor, most = more.pop("floor", 0), more.pop("most", 100)
    cost = {EUR: money(1), REPLICAS: money(1)}
    claim = Claim(workload_id(name), WorkloadClass.WARM, cost, floor, recommended, most, **more)
    return claim, Grant(granted, granted if headroom is None else headroom, None)


def ceilings(*holdings, under, **moment):
    """The ceilings of what holds, and is granted, so much."""
    grants = {claim.id: grant for claim, grant in holdings}
    moment = Moment(NOW, SETTINGS.timing, **moment)
    return release([claim for claim, _ in holdings], grants, under, moment)


def released(*holdings, left=100, **moment):
    found = ceilings(*holdings, under=room(left), **moment)
    return {each.name: ceiling.replicas for each, ceiling in found.items()}


def one(*, left=100, time_left=None, is_tight=False, **more):
    found = released(holding(**more), left=left, time_left=time_left, is_tight=is_tight)
    return found["llm"]


@pytest.mark.parametrize(
    ("case", "ceiling"),
    [
        pytest.param({"recommended": 4, "headroom": 8}, 8, id="the first one has headroom"),
        pytest.param({"recommended": 4, "grant": 2}, 2, id="the first one binds"),
        pytest.param({"recommended": 4, "grant": 2, "in_force": 9}, 2, id="lowered at once"),
        pytest.param({"recommended": 4, "headroom": 8, "in_force": 6}, 6, id="it fits: left alone"),
        pytest.param({"recommended": 4, "headroom": 8, "in_force": 3}, 8, id="too low: raised"),
        pytest.param(
            {"recommended": 4, "headroom": 6, "in_force": 9, "most": 6},
            6,
            id="its class allows less",
        ),
        pytest.param(
            {"recommended": 4, "grant": 0, "floor": 2, "in_force": 1}, 2, id="a funded floor"
        ),
    ],
)
def test_a_ceiling_is_what_was_granted(case, ceiling):
    assert one(**case) == ceiling


def test_headroom_is_taken_back_where_others_need_it():
    # a holds 9 and needs 2; b needs 6 of the 10 that there are.
    idle = holding("a", recommended=2, headroom=4, in_force=9, running=2)
    busy = holding("b", recommended=6, in_force=1, running=1)

    assert released(idle, busy, left=10) == {"a": 4, "b": 6}


def test_a_workload_grows_only_by_what_others_have_released():
    # a is lowered from 6 to 2, but its six replicas still run: of 10, b may have 4.
    lowered = holding("a", recommended=2, in_force=6, running=6)
    growing = holding("b", recommended=8, in_force=1, running=1)

    assert released(lowered, growing, left=10) == {"a": 2, "b": 4}
    gone = holding("a", recommended=2, in_force=2, running=2)
    assert released(gone, growing, left=10) == {"a": 2, "b": 8}


def test_pods_that_are_ending_or_surge_are_not_released_yet():
    ending = holding("a", recommended=2, in_force=2, running=2, beyond=4)
    growing = holding("b", recommended=8, in_force=1, running=1)

    assert released(ending, growing, left=10) == {"a": 2, "b": 4}


def test_what_runs_above_its_ceiling_is_not_paid_twice():
    # Killed between annotation and count: two run at a ceiling of none, and two are granted.
    above = holding(recommended=2, in_force=0, running=2)

    assert released(above, left=2) == {"llm": 2}


BOUND = {"in_force": 4, "running": 4, "bound_at": NOW - 4 * MINUTE}


class TestRaisingWhatHasBound:
    @pytest.mark.parametrize(
        ("recommended", "in_force", "ceiling"),
        [
            pytest.param(20, 2, 6, id="by at least four"),
            pytest.param(20, 8, 16, id="doubled"),
            pytest.param(10, 8, 10, id="never above what demand asks for"),
        ],
    )
    def test_it_is_raised_in_steps(self, recommended, in_force, ceiling):
        case = {**BOUND, "in_force": in_force, "running": in_force}

        assert one(recommended=recommended, headroom=2 * recommended, **case) == ceiling

    @pytest.mark.parametrize(
        ("ago", "ceiling"),
        [
            pytest.param(MINUTE - SECOND, 4, id="not before a minute"),
            pytest.param(MINUTE, 6, id="after a minute"),
        ],
    )
    def test_it_is_raised_at_most_once_a_minute(self, ago, ceiling):
        assert one(recommended=6, raised_at=NOW - ago, **BOUND) == ceiling

    def test_after_five_minutes_it_is_raised_like_any_other(self):
        free = {**BOUND, "bound_at": NOW - 5 * MINUTE, "raised_at": NOW}

        assert one(recommended=6, headroom=12, **free) == 12

    def test_it_has_to_carry_the_end_of_what_it_starts(self):
        # It ends for 6 of the 60 minutes that are left: 1.10 for one more, of which 2.00 carry one.
        ending = {"grace": 6 * MINUTE - SETTINGS.timing.evaluation_period, "time_left": HOUR}
        assert one(recommended=6, left=6, **BOUND) == 6
        assert one(recommended=6, left=6, **ending, **BOUND) == 5

    @pytest.mark.parametrize(
        "reason",
        [Reason.REPLICA_CEILING, Reason.COST_PER_HOUR_CEILING, Reason.RESOURCE_CEILING],
    )
    def test_what_runs_at_one_time_has_to_carry_no_end(self, reason):
        # Six of six: of a limit like this nothing is used up, so the last one is raised as well.
        at_once = Room((LIMIT._replace(reason=reason),), (money(6),))
        raised = holding(recommended=6, grace=6 * MINUTE, **BOUND)

        (ceiling,) = ceilings(raised, under=at_once, time_left=HOUR).values()

        assert ceiling.replicas == 6

    def test_when_it_bound_and_was_raised_is_remembered(self):
        short = holding(recommended=6, grant=5, **BOUND)

        (ceiling,) = ceilings(short, under=room(100)).values()

        assert (ceiling.replicas, ceiling.bound_at, ceiling.raised_at) == (5, NOW, NOW)


class TestHeld:
    @pytest.mark.parametrize(
        ("case", "ceiling"),
        [
            pytest.param({"in_force": 3, "headroom": 8}, 3, id="not raised"),
            pytest.param({"in_force": 6, "headroom": 8}, 6, id="left alone"),
            pytest.param({"in_force": 6, "grant": 2}, 2, id="but lowered where money ends"),
            pytest.param({"in_force": 1, "floor": 3}, 1, id="not even to a funded floor"),
        ],
    )
    def test_facts_that_are_missing_never_raise_a_ceiling(self, case, ceiling):
        assert one(is_held=True, running=case["in_force"], **case) == ceiling


def test_without_headroom_a_ceiling_is_what_is_recommended():
    # Somebody else asks for replicas while money is short: every idle one above is lowered.
    assert one(recommended=4, headroom=8, in_force=9, running=4, is_tight=True) == 4
