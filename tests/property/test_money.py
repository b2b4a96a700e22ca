"""Laws of money: what is granted, what it could cost, and that nothing is left that could serve."""

from collections.abc import Iterable
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from tests.builders import EUR, SETTINGS, money, workload_id
from tests.worlds import worlds

from plafond.decide.evaluate import evaluate
from plafond.decide.judge import Judgement
from plafond.decide.limits import Limit, Room, instantaneous_limits
from plafond.decide.reason import Reason
from plafond.decide.share import Claim, Grant, share
from plafond.model.money import REPLICAS, ZERO, ByUnit, added
from plafond.model.snapshot import Snapshot
from plafond.model.workload import WorkloadClass

MONEY = st.integers(0, 200).map(lambda tenths: Decimal(tenths) / 10)


def room(rate: Decimal) -> Room:
    return Room.under([Limit("launch", EUR, rate, Reason.BUDGET_CEILING)], {})


@st.composite
def claims(draw, price: st.SearchStrategy[Decimal] = MONEY, floors: int = 2) -> tuple[Claim, ...]:
    names = ("a", "b", "c", "d")[: draw(st.integers(1, 4))]
    found = []
    for name in names:
        floor, recommended = draw(st.integers(0, floors)), draw(st.integers(0, 7))
        cost = {EUR: draw(price), REPLICAS: Decimal(1)}
        most = max(floor, draw(st.sampled_from([3, 8, 100])))
        wish = max(floor, min(recommended, most))
        claim_class = draw(st.sampled_from(list(WorkloadClass)))
        found.append(Claim(workload_id(name), claim_class, cost, floor, wish, most))
    return tuple(found)


def naive(claims: Iterable[Claim], rate: Decimal, granted: dict, goal) -> dict:
    """One replica at a time, from the sentence in the design and from nothing else."""
    for each in WorkloadClass:
        of_class = [c for c in claims if c.workload_class is each]
        skipped: set = set()
        while True:
            open_claims = [c for c in of_class if granted[c.id] < goal(c) and c.id not in skipped]
            if not open_claims:
                break
            # Granted / recommended money: the price of a replica cancels out.
            neediest = min(
                open_claims,
                key=lambda c: (Decimal(granted[c.id]) / max(1, c.recommended), c.id),
            )
            spent = sum((granted[c.id] * c.cost[EUR] for c in claims), ZERO)
            if spent + neediest.cost[EUR] > rate and neediest.cost[EUR] > 0:
                skipped.add(neediest.id)
            else:
                granted[neediest.id] += 1
    return granted


@given(claims(), MONEY)
def test_the_share_is_the_one_given_one_replica_at_a_time(claims, rate):
    expected = naive(claims, rate, {c.id: c.floor for c in claims}, lambda c: c.recommended)

    grants = share(claims, room(rate), headroom=False)

    assert {w: grant.replicas for w, grant in grants.items()} == expected
    assert {w: grant.with_headroom for w, grant in grants.items()} == expected


@given(claims(), MONEY)
def test_headroom_is_as_much_again_one_replica_at_a_time(claims, rate):
    granted = naive(claims, rate, {c.id: c.floor for c in claims}, lambda c: c.recommended)
    # A tenth of every limit stays untouched by headroom.
    expected = naive(
        claims,
        rate * Decimal("0.9"),
        dict(granted),
        lambda c: min(c.most, 2 * max(c.recommended, 1)),
    )

    grants = share(claims, room(rate), headroom=True)

    assert {w: grant.with_headroom for w, grant in grants.items()} == expected


@given(claims(), MONEY, MONEY)
def test_more_budget_never_means_less_money_for_a_class_and_those_before_it(claims, rate, more):
    less = share(claims, room(rate), headroom=False)
    rich = share(claims, room(rate + more), headroom=False)

    for last in WorkloadClass:
        until = [c for c in claims if c.workload_class.rank <= last.rank]
        assert money_of(until, rich) >= money_of(until, less)


@given(claims(price=st.just(money("3"))), MONEY, MONEY)
def test_with_a_single_price_more_budget_never_means_fewer_replicas(claims, rate, more):
    less = share(claims, room(rate), headroom=False)
    rich = share(claims, room(rate + more), headroom=False)

    assert all(rich[c.id].replicas >= less[c.id].replicas for c in claims)


@given(claims(), MONEY)
def test_a_share_is_exact_one_more_replica_would_not_fit(claims, rate):
    grants = share(claims, room(rate), headroom=False)

    left = rate - money_of(claims, grants)
    for claim in claims:
        if grants[claim.id].replicas < claim.recommended:
            assert claim.cost[EUR] > left
            assert grants[claim.id].obstacle is not None


@given(worlds())
def test_what_ceilings_could_cost_fits_the_carried_rate_or_the_funded_floors(world: Snapshot):
    for judgement in evaluate(world, SETTINGS).judgements:
        could_cost, floors = costs(judgement)
        for limit in judgement.pace.limits:
            most = max(limit.rate, floors.get(limit.unit, ZERO))
            assert could_cost.get(limit.unit, ZERO) <= most, limit.name


@given(worlds())
def test_what_ceilings_could_take_up_fits_the_instantaneous_ceilings(world: Snapshot):
    for judgement in evaluate(world, SETTINGS).judgements:
        could_cost, _ = costs(judgement)
        for limit in instantaneous_limits(judgement.account):
            # What is not ours to scale may pass a ceiling by itself.
            most = max(limit.rate, judgement.account.unmanaged.get(limit.unit, ZERO))
            assert could_cost.get(limit.unit, ZERO) <= most, limit.name


def money_of(claims: Iterable[Claim], grants: dict[object, Grant]) -> Decimal:
    return sum((grants[c.id].replicas * c.cost[EUR] for c in claims), ZERO)


def costs(judgement: Judgement) -> tuple[ByUnit, ByUnit]:
    """What the namespace could cost under its ceilings, and what its funded floors cost."""
    could_cost = floors = judgement.account.unmanaged
    for target in judgement.account.targets:
        cost = target.cost
        could_cost = added(could_cost, cost, judgement.ceilings.get(target.id, 0))
        floors = added(floors, cost, judgement.memory[target.id].funded_floor or 0)
    return could_cost, floors
