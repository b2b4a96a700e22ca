"""What an autoscaler would ask for if nothing cut it, recomputed from what it measured."""

from decimal import Decimal

import pytest
from tests.builders import pod, pods_of, workload

from plafond.forecast.autoscaled import asked
from plafond.forecast.demand import DemandSample
from plafond.model.autoscaler import Autoscaler, Basis, MetricReading


def reading(current, target="6", basis=Basis.REPLICA, **more):
    now = None if current is None else Decimal(current)
    return MetricReading(basis, now, Decimal(target), **more)


def hpa(*readings, seen=4, **more):
    return Autoscaler("HorizontalPodAutoscaler", "scaler", seen=seen, readings=readings, **more)


def wish(autoscaler, replicas=4, ready=None, **more):
    of = workload(replicas=replicas, autoscaler=autoscaler)
    found = asked(of, more.get("pods", pods_of(of, ready)))
    return None if found is None else found.replicas


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        # 30 x 4 / 6 = 20, where its status would say 8.
        pytest.param("30", 20, id="far above the ceiling"),
        pytest.param("6.6", 4, id="within the upper tolerance"),
        # 6.75 x 4 = 27, less three thousandths: 4.5 replicas.
        pytest.param("6.75", 5, id="beyond it"),
        pytest.param("5.5", 4, id="within the lower tolerance"),
        pytest.param("4", 3, id="below it"),
        pytest.param("0", 1, id="never below its own minimum"),
    ],
)
def test_a_total_is_shared_by_as_many_as_the_target_asks_for(current, expected):
    assert wish(hpa(reading(current))) == expected


def test_the_rounding_of_an_average_asks_for_no_replica():
    # 12 / 7 = 1.7142..., shown as 1.715; 1.715 x 7 = 12.005, which is no more than 3 x 4.
    assert wish(hpa(reading("1.715", "4"), seen=7), 7) == 3


def test_until_it_looks_again_the_total_belongs_to_the_count_that_it_saw():
    # It measured 10 x 12; since then 12 were lowered to 4.
    assert wish(hpa(reading("10"), seen=12), 4) == 20


def test_a_rollout_s_surge_shares_the_total_too():
    # 10 are asked for and 13 exist: 5 x 13 / 6 = 10.8.
    of = workload(replicas=10, autoscaler=hpa(reading("5"), seen=10))

    assert asked(of, pods_of(of, 13)).replicas == 11


def test_pods_that_are_ending_share_nothing():
    of = workload(replicas=4, autoscaler=hpa(reading("30")))
    ending = pod("llm-9", of.id, is_terminating=True)

    assert asked(of, (*pods_of(of), ending)).replicas == 20


@pytest.mark.parametrize(
    ("basis", "current", "ready", "expected"),
    [
        pytest.param(Basis.WORKLOAD, "18", 4, 12, id="a value: ratio x ready"),
        pytest.param(Basis.WORKLOAD, "18", 2, 6, id="a value, while two of four start"),
        pytest.param(Basis.READY_POD, "18", 4, 12, id="a mean: ratio x ready"),
        pytest.param(Basis.READY_POD, "3", 4, 2, id="a mean below its target"),
        # Two ready need one; the two that are not seen may carry their target.
        pytest.param(Basis.READY_POD, "3", 2, 3, id="what is not seen never lowers"),
        pytest.param(Basis.READY_POD, "18", 0, None, id="nobody is ready"),
        pytest.param(Basis.WORKLOAD, "18", 0, None, id="nobody is ready, a value"),
    ],
)
def test_a_ratio_is_of_what_is_ready(basis, current, ready, expected):
    assert wish(hpa(reading(current, basis=basis)), ready=ready) == expected


def test_the_highest_metric_wins():
    assert wish(hpa(reading("3"), reading("12"), reading("6"))) == 8


@pytest.mark.parametrize(
    ("seen_one", "expected"),
    [
        pytest.param("3", None, id="it might ask for more than what would be lowered"),
        pytest.param("12", 8, id="at least what the other asks for"),
    ],
)
def test_a_missing_metric_never_lowers(seen_one, expected):
    assert wish(hpa(reading(seen_one), reading(None))) == expected


@pytest.mark.parametrize(
    "autoscaler",
    [
        pytest.param(hpa(), id="no metrics"),
        pytest.param(hpa(reading(None)), id="none was read"),
        pytest.param(hpa(reading("6"), seen=0), id="switched off at zero"),
        pytest.param(hpa(reading("6", "0")), id="a target of nothing"),
        pytest.param(None, id="no autoscaler"),
    ],
)
def test_what_was_not_measured_is_unknown(autoscaler):
    assert wish(autoscaler) is None


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(2, 3, id="below its minimum"),
        pytest.param(40, 20, id="above its maximum"),
    ],
)
def test_outside_its_own_bounds_it_asks_for_the_nearest_without_looking(seen, expected):
    assert wish(hpa(seen=seen, least=3, most=20), seen) == expected


def test_its_own_bounds_hold():
    assert wish(hpa(reading("60"), most=20)) == 20
    assert wish(hpa(reading("1"), least=3)) == 3


def test_its_own_tolerances_hold():
    assert wish(hpa(reading("6.3"), rise_tolerance=Decimal(0))) == 5
    assert wish(hpa(reading("5"), fall_tolerance=Decimal("0.25"))) == 4


@pytest.mark.parametrize(
    ("autoscaler", "sample"),
    [
        # 30 x 4, less three thousandths, / 6.
        pytest.param(hpa(reading("30")), (119.997 / 6, 70, True), id="a target is met at 70 %"),
        pytest.param(
            hpa(reading("90", "60", Basis.READY_POD, is_percent=True)),
            (6.0, 60, False),
            id="a percentage",
        ),
        pytest.param(
            hpa(reading("60"), most=20), (20.0, 70, True), id="never more than its maximum"
        ),
        pytest.param(hpa(reading("30"), reading(None)), None, id="not everything was read"),
    ],
)
def test_the_demand_behind_it_can_be_carried_fuller(autoscaler, sample):
    of = workload(replicas=4, autoscaler=autoscaler)

    found = asked(of, pods_of(of)).sample

    expected = sample and DemandSample(
        sample[0], sample[1], "HorizontalPodAutoscaler", is_offered=sample[2]
    )
    assert found == expected


def test_a_total_is_measured_before_the_pods_also_where_it_is_within_tolerance():
    of = workload(replicas=4, autoscaler=hpa(reading("6")))

    assert asked(of, pods_of(of)).sample.is_offered
