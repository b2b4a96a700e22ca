"""Laws of latency: late requests never cost replicas, and what is not known raises nothing."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st
from tests.builders import SETTINGS, in_time
from tests.worlds import Bounds, worlds

from plafond.decide.decision import Decision
from plafond.decide.evaluate import evaluate
from plafond.model.gap import Gap
from plafond.model.meters import Meter, MeterReading
from plafond.model.policy import Scaling
from plafond.model.snapshot import Snapshot

# An autoscaler follows its own metrics.
SCALED_BY_US = Bounds(autoscalers=False)
P95 = Meter.LATENCY_P95


def decided(world: Snapshot) -> dict[str, Decision]:
    (judgement,) = evaluate(world, SETTINGS).judgements
    return {each.workload.name: each for each in judgement.decisions}


def following(world: Snapshot, scaling: Scaling | None) -> Snapshot:
    (policy,) = world.policies
    return replace(world, policies=(replace(policy, scaling=scaling),))


def measured(world: Snapshot, reading: MeterReading) -> Snapshot:
    return replace(world, meters={**world.meters, P95: reading})


# Of one workload: what another one takes in time it may take from this one.
@given(worlds(SCALED_BY_US), st.data())
def test_more_latency_never_means_fewer_replicas(world: Snapshot, data):
    assume(len(world.workloads) == 1)
    world = following(world, in_time(2, world.policies[0].scaling))
    reading = world.meters[P95]
    later = {pod: s + data.draw(st.integers(0, 9)) / 2 for pod, s in reading.values.items()}

    before, after = decided(world), decided(measured(world, MeterReading(later)))

    for name, decision in after.items():
        assert decision.desired_replicas >= before[name].desired_replicas
        assert decision.recommended_replicas >= before[name].recommended_replicas


@given(worlds(SCALED_BY_US), st.booleans())
def test_a_latency_that_is_not_known_raises_nothing(world: Snapshot, fails: bool):  # noqa: FBT001 - drawn
    scaling = world.policies[0].scaling
    without = decided(following(world, None if scaling is None else replace(scaling, latency=None)))
    unknown = MeterReading(gap=Gap("no answer")) if fails else MeterReading()

    found = decided(measured(following(world, in_time(2, scaling)), unknown))

    for name, decision in found.items():
        most = max(without[name].recommended_replicas, decision.observed_replicas)
        assert decision.recommended_replicas <= most
