"""What a pass costs grows with what there is, and no faster."""

from dataclasses import replace

from e2e.bench.core import Size, after, meters, world
from tests.builders import SETTINGS
from tests.calls import calls_of

from plafond.decide.evaluate import evaluate


def calls_of_a_pass(policies):
    """Count what is called in a pass over so many policies, each with one workload."""
    snapshot = world(Size(policies, 1))
    for number in range(2):
        snapshot = replace(snapshot, meters=meters(snapshot.pods, number))
        snapshot = after(snapshot, evaluate(snapshot, SETTINGS))
    return calls_of(lambda: evaluate(snapshot, SETTINGS))


def test_a_policy_costs_the_same_however_many_there_are():
    few, many = calls_of_a_pass(10) / 10, calls_of_a_pass(200) / 200

    # Whatever looked at all policies for each of them would add 190 calls to some hundreds.
    assert many < few * 1.02
