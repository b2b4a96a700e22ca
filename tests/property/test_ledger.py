"""Laws of the ledger: whatever the schedule of passes, it holds what pods cost, and where."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tests.builders import (
    DAY,
    EUR,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    SETTINGS,
    budget,
    fixed,
    money,
    pod,
    policy,
    quantities,
    snapshot,
)

from plafond.account.ledger import Charge, Grid, recorded, spent
from plafond.decide.evaluate import evaluate
from plafond.model.ledger import Fact, Ledger, SeriesKey
from plafond.model.money import GPU_HOURS, ZERO
from plafond.model.window import Span

SPEND = SeriesKey(Fact.SPEND, EUR)
WINDOW = Span(NOW - HOUR, NOW + 2 * HOUR)
LIMITED = policy(budgets=(budget("9999", window=fixed(WINDOW.start, WINDOW.length)),))
MINUTES = st.integers(-180, 240).map(lambda n: NOW + n * MINUTE)
# 3.60 an hour are 0.001 a second: sums are exact, so nothing can hide in a rounding.
RATE = money("3.6")


@st.composite
def lives(draw):
    """Pods that start and end somewhen, some of them never."""
    found = []
    for index in range(draw(st.integers(1, 4))):
        start = draw(MINUTES)
        length = draw(st.none() | st.integers(0, 200))
        found.append(
            pod(
                f"pod-{index}",
                None,
                requests=quantities(slots=1),
                scheduled_at=start,
                ready_at=None,
                ended_at=None if length is None else start + length * MINUTE,
            )
        )
    return tuple(found)


@st.composite
def schedules(draw, first=NOW - 2 * HOUR):
    """When passes happen: seconds, minutes or hours after each other."""
    steps = draw(st.lists(st.sampled_from([SECOND, 15 * SECOND, 7 * MINUTE, HOUR]), max_size=12))
    times = [first]
    for step in steps:
        times.append(times[-1] + step)
    return times


def as_observed(pods, now):
    """What of *pods* is known at *now*: nothing of the future."""
    return tuple(
        p if p.ended_at is not None and p.ended_at <= now else replace(p, ended_at=None)
        for p in pods
        if p.scheduled_at <= now
    )


def cost(pods, span, now) -> Decimal:
    """What *pods* cost inside *span* up to *now*, pod by pod and without any ledger."""
    total = ZERO
    for each in pods:
        begin = max(each.scheduled_at, span.start)
        end = min(each.ended_at or now, span.end, now)
        total += RATE * max(0, (end - begin) // SECOND) / 3600
    return total


def run(pods, times):
    """Every pass's evaluation, each with the records of the one before."""
    prices = snapshot().sheets[0]
    sheets = (replace(prices, nodes=(replace(prices.nodes[0], prices={"slots": RATE}),)),)
    records = {}
    for now in times:
        world = snapshot(
            now=now,
            pods=as_observed(pods, now),
            policies=(LIMITED,),
            sheets=sheets,
            records=records,
        )
        evaluation = evaluate(world, SETTINGS)
        records = evaluation.records
        yield now, evaluation


def spend_of(evaluation):
    positions = evaluation.account.sets[0].positions
    return positions[0].spend.value if positions else None


@given(lives(), schedules())
def test_spend_is_what_pods_cost_inside_the_window_whatever_the_schedule(pods, times):
    for now, evaluation in run(pods, times):
        if WINDOW.contains(now):
            assert spend_of(evaluation) == cost(pods, WINDOW, now)


@given(lives(), schedules())
def test_spend_never_decreases_inside_a_window(pods, times):
    spends = [spend_of(evaluation) for _, evaluation in run(pods, times)]

    known = [spend for spend in spends if spend is not None]
    assert known == sorted(known)


@given(lives(), schedules())
def test_what_accrued_adds_up_to_the_whole_ledger(pods, times):
    accrued = ZERO
    for _, evaluation in run(pods, times):
        accrued += evaluation.account.counted["team-a"].accrued.get(EUR, ZERO)
        buckets = evaluation.records["team-a"].ledger.series.get(SPEND, ())
        assert sum((b.value for b in buckets), ZERO) == accrued


@given(lives(), schedules())
def test_workloads_and_what_belongs_to_none_add_up_to_the_whole(pods, times):
    for now, evaluation in run(pods, times):
        ledger = evaluation.records["team-a"].ledger
        day = Span(now - 20 * HOUR, now)
        parts = [spent(ledger, k, day) for k in ledger.series if k.workload and k.unit == EUR]
        # Each charge of each workload is rounded to nine digits.
        error = Decimal("1e-9") * 50 * len(times)
        assert abs(sum(parts, ZERO) - spent(ledger, SPEND, day)) <= error


@st.composite
def charges(draw):
    start = NOW + draw(st.integers(0, 3 * 24 * 60)) * MINUTE
    return Charge(SPEND, Span(start, start + draw(st.integers(1, 120)) * MINUTE), RATE)


@st.composite
def grids(draw):
    grain = draw(st.sampled_from([15 * SECOND, 37 * SECOND, 5 * MINUTE]))
    edges = draw(st.sets(st.integers(0, 3 * 24 * 60), max_size=3))
    return Grid(grain, tuple(NOW + n * MINUTE for n in sorted(edges)))


@given(st.lists(charges(), min_size=1, max_size=6), st.lists(grids(), min_size=1, max_size=3))
def test_buckets_never_overlap_and_keep_the_sum_whatever_the_grid_becomes(charged, grids):
    now = max(c.span.end for c in charged)
    ledger = Ledger()
    for index, each in enumerate(charged):
        grid = grids[index % len(grids)]
        ledger = recorded(ledger, [each], now + index * HOUR, grid)

    buckets = ledger.series[SPEND]
    assert all(before.end <= after.start for before, after in pairwise(buckets))
    assert sum((b.value for b in buckets), ZERO) == sum(
        (RATE * (c.span.length // SECOND) / 3600 for c in charged), ZERO
    )


@given(st.lists(charges(), min_size=1, max_size=6), grids(), st.integers(0, 30))
def test_age_moves_nothing_across_the_edge_of_a_window_in_force(charged, grid, days):
    now = max(c.span.end for c in charged)
    fresh = recorded(Ledger(), charged, now, grid)

    old = recorded(fresh, [], now + days * DAY, grid)

    edges = [NOW - DAY, *grid.edges, NOW + 9 * DAY]
    for start, end in pairwise(edges):
        span = Span(start, end)
        assert spent(old, SPEND, span) == spent(fresh, SPEND, span)


@given(lives())
def test_gpu_hours_are_counted_like_money(pods):
    pods = tuple(replace(p, requests=quantities(gpu=2, slots=0)) for p in pods)
    (*_, (now, evaluation)) = run(pods, [NOW - 2 * HOUR, NOW + HOUR])

    ledger = evaluation.records["team-a"].ledger
    hours = spent(ledger, SeriesKey(Fact.SPEND, GPU_HOURS), WINDOW)
    assert abs(hours - cost(pods, WINDOW, now) / RATE * 2) < Decimal("1e-20")
