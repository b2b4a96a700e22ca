"""Laws of the price of a lone workload."""

from hypothesis import given
from hypothesis import strategies as st
from tests.builders import (
    DAY,
    EUR,
    HOUR,
    NOW,
    budget,
    class_rule,
    concurrency,
    fixed,
    node_price,
    pods_of,
    policy,
    readings,
    sheet,
    workload,
)
from tests.unit.decide.support import decided, running

from plafond.model.labels import LabelSelector

PRICES = st.integers(1, 400).map(lambda cents: f"{cents / 10:.1f}")


def world(price: str, limit: str, floor: int, busy: int):
    """Six replicas at *price*, a budget, and a ceiling on money per hour."""
    llm = workload(replicas=6)
    limits = policy(
        budgets=(budget(limit, unit=EUR, window=fixed(NOW - HOUR, 2 * DAY)),),
        classes=(class_rule(floor=floor, selector=LabelSelector()),),
        scaling=concurrency(10),
        cost_per_hour="60",
    )
    return running(
        llm,
        policies=(limits,),
        sheets=(sheet(node_price(gpu=price)),),
        meters=readings(pods_of(llm), running=float(busy), waiting=0),
    )


@given(
    prices=st.tuples(PRICES, PRICES).map(lambda pair: sorted(pair, key=float)),
    limit=st.sampled_from(["10", "100", "400", "1500", "9000"]),
    floor=st.integers(0, 3),
    busy=st.integers(0, 30),
)
def test_a_higher_price_never_means_more_of_a_lone_workload(prices, limit, floor, busy):
    cheap, dear = (decided(world(each, limit, floor, busy)) for each in prices)

    for of in (lambda found: found[2]["llm"].desired_replicas, lambda f: f[2]["llm"].ceiling):
        assert of(dear) <= of(cheap)
