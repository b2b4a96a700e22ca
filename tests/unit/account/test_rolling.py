"""What a rolling window holds, and when it lets go of it."""

from tests.builders import DAY, EUR, HOUR, MINUTE, NOW, PASS, SECOND, budget, money, policy, rolling

from plafond.account.ledger import Charge, recorded
from plafond.account.positions import grid_in_force, positions
from plafond.account.rolling import MOST_STEPS, rolled
from plafond.model.budget import Bound, FallsOut
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.model.window import RollingWindow, Span

SPEND = SeriesKey(Fact.SPEND, EUR)


def spending(*buckets):
    """A ledger of buckets, each as how long ago it began, how long it is, and what it holds."""
    found = tuple(Bucket(NOW - ago, length, money(value)) for ago, length, value in buckets)
    return Ledger(NOW, {SPEND: found})


def standing(ledger, limit="100", lasts=HOUR, now=NOW):
    """Where a rolling budget of *limit* stands."""
    limits = policy(budgets=(budget(limit, window=rolling(lasts)),))
    (position,) = positions((limits,), ledger, now)
    return position


def test_what_was_spent_counts_until_it_is_older_than_the_window():
    found = standing(spending((2 * HOUR, HOUR, 30), (50 * MINUTE, MINUTE, 8), (MINUTE, MINUTE, 2)))

    assert (found.spend.value, found.remaining.value, found.used_percent) == (10, 90, 10)
    assert (found.span, found.ends_at) == (Span(NOW - HOUR, NOW), None)
    assert found.time_left == HOUR


def test_a_bucket_only_partly_inside_counts_whole_until_the_last_of_it_is_out():
    # It began 70 minutes ago, and its last minute was 50 minutes ago: that falls out in ten.
    found = standing(spending((70 * MINUTE, 20 * MINUTE, 5)))

    assert found.spend.value == 5
    assert found.falls_out == (FallsOut(10 * MINUTE, money(5)),)


def test_every_moment_before_something_falls_out_bounds_what_may_be_spent_by_then():
    found = standing(
        spending((50 * MINUTE, MINUTE, 60), (30 * MINUTE, MINUTE, 30), (10 * SECOND, MINUTE, 4))
    )

    # 94 of 100 are spent. The 60 leave when 49 minutes have become 60, and so on; what is in the
    # bucket of now stays for the whole hour.
    assert found.bounds == (
        Bound(11 * MINUTE, money(6)),
        Bound(31 * MINUTE, money(66)),
        Bound(HOUR, money(96)),
    )


def test_with_nothing_inside_all_of_the_limit_is_for_the_whole_window():
    assert standing(Ledger()).bounds == (Bound(HOUR, money(100)),)


def test_a_limit_that_was_passed_leaves_less_than_nothing_until_something_falls_out():
    found = standing(spending((30 * MINUTE, MINUTE, 130)))

    assert found.is_exhausted
    assert [bound.value for bound in found.bounds] == [-30, 100]


def test_what_a_clock_that_steps_back_finds_ahead_of_it_counts_too():
    found = standing(spending((MINUTE, MINUTE, 7)), now=NOW - 5 * MINUTE)

    assert (found.spend.value, found.falls_out) == (7, ())


def test_many_buckets_fall_out_in_few_steps_and_none_of_them_too_early():
    buckets = tuple(Bucket(NOW - DAY + n * 5 * MINUTE, 5 * MINUTE, money(1)) for n in range(288))

    value, found = rolled(buckets, Span(NOW - DAY, NOW))

    assert value == 288
    # The last bucket ends now, so it stays for a day.
    assert sum(each.value for each in found) == 287
    assert len(found) <= MOST_STEPS + 1
    for each in found:
        out = sum(1 for bucket in buckets if bucket.end - (NOW - DAY) <= each.after)
        assert sum(step.value for step in found if step.after <= each.after) <= out


def test_the_grain_is_that_of_the_shortest_window_and_no_bucket_is_cut_by_a_rolling_one():
    limits = policy(
        budgets=(budget(name="a", window=rolling(2 * HOUR)), budget(name="b", window=rolling(DAY)))
    )

    grid = grid_in_force((limits,), NOW, PASS)

    # 7200 s / 300; both windows begin and end in every pass somewhere else.
    assert (grid.grain, grid.edges, grid.fine_for) == (24 * SECOND, (), 4 * HOUR)


def test_a_namespace_that_spends_all_the_time_holds_a_window_s_worth_and_a_bucket_at_most():
    window = RollingWindow(HOUR)
    limits = policy(budgets=(budget("100", window=window),))
    ledger, now = Ledger(NOW - 3 * HOUR), NOW - 3 * HOUR
    while now < NOW:
        now += 20 * SECOND
        charges = [Charge(SPEND, Span(now - 20 * SECOND, now), money(36))]
        ledger = recorded(ledger, charges, now, grid_in_force((limits,), now, 15 * SECOND))
        (position,) = positions((limits,), ledger, now)
        spent = min(36, 36 * ((now - (NOW - 3 * HOUR)) / HOUR))

        # A bucket of 15 s at 36 an hour is 0.15.
        assert spent - 1e-9 <= float(position.spend.value) <= spent + 0.1501
