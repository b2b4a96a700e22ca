"""When another limit begins to bind is told once; a count that was written tells it already."""

from dataclasses import replace

from tests.builders import LLM, SETTINGS
from tests.unit.decide.test_rationale import busy, ten_hours

from plafond.decide.evaluate import evaluate
from plafond.decide.reason import Reason
from plafond.model.policy import Mode
from plafond.report.turning_points import TurningPoints


def decided(limit="9000", **limits):
    return evaluate(busy(ten_hours(limit), **limits), SETTINGS)


def told(points, evaluation, written=()):
    return [(w.id, d.reason, d.limit) for w, d in points.new(evaluation, written)]


def test_a_limit_that_begins_to_bind_is_told_once():
    points = TurningPoints()

    assert told(points, decided()) == []
    assert told(points, decided("200")) == [(LLM, Reason.BUDGET_CEILING, "limits/launch")]
    assert told(points, decided("200")) == []


def test_another_limit_is_told_and_one_that_lets_go_is_not():
    points = TurningPoints()
    told(points, decided("200"))

    assert told(points, decided(replicas=4)) == [
        (LLM, Reason.REPLICA_CEILING, "limits/ceilings.replicas")
    ]
    assert told(points, decided()) == []


def test_what_was_told_with_its_count_is_not_told_again():
    points = TurningPoints()
    told(points, decided())

    assert told(points, decided("200"), written={LLM}) == []
    assert told(points, decided("200")) == []


def test_after_a_restart_what_binds_already_is_not_told_again():
    assert told(TurningPoints(), decided("200")) == []


def test_what_observes_tells_nothing_of_workloads():
    points, world = TurningPoints(), busy(ten_hours("200"))
    told(points, decided())
    seen = replace(world, policies=tuple(replace(p, mode=Mode.OBSERVE) for p in world.policies))

    assert told(points, evaluate(seen, SETTINGS)) == []
