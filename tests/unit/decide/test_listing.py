"""More ceilings than an annotation holds: what runs most is listed, and the rest is said."""

from dataclasses import replace

from tests.builders import SETTINGS, TEAM, concurrency, policy, workload
from tests.unit.decide.support import decided, running

from plafond.api.annotations import MAX_CEILINGS_BYTES, encode_ceilings
from plafond.decide.evaluate import evaluate
from plafond.decide.plan import ScaleTo, SetCeilings
from plafond.model.policy import Ceilings

EIGHT = policy(ceilings=Ceilings(replicas=8))


def crowded(*more, limits=EIGHT):
    """A hundred and forty workloads of nothing, with very long names."""
    idle = (workload(f"{number:03}-{'x' * 220}", 0) for number in range(140))
    return running(*idle, *more, policies=(limits,))


def test_what_runs_most_is_listed_and_lowered():
    world = crowded(workload("big", 50), workload("small", 3))

    _, judgement, decisions = decided(world)

    listed = {each.name for each in judgement.ceilings}
    assert {"big", "small"} <= listed
    assert decisions["big"].desired_replicas <= 8
    assert len(encode_ceilings(judgement.ceilings)) <= MAX_CEILINGS_BYTES


def test_how_many_are_left_out_is_said():
    _, judgement, _ = decided(crowded())

    assert judgement.left_out == 140 - len(judgement.ceilings) > 0


def test_what_is_not_listed_is_not_written_either():
    actions = [a for p in evaluate(crowded(), SETTINGS).plan.parts for a in p.actions]

    (ceilings,) = (a for a in actions if isinstance(a, SetCeilings))
    scaled = {a.workload for a in actions if isinstance(a, ScaleTo)}
    assert ceilings.namespace == TEAM
    assert scaled <= set(ceilings.ceilings)


def test_what_is_left_out_is_not_listed_as_unlimited_where_counts_follow_demand():
    following = replace(EIGHT, scaling=concurrency())
    actions = [
        a for p in evaluate(crowded(limits=following), SETTINGS).plan.parts for a in p.actions
    ]

    (ceilings,) = (a for a in actions if isinstance(a, SetCeilings))
    assert isinstance(encode_ceilings(ceilings.ceilings), str)


def test_what_fits_is_listed_whole():
    _, judgement, _ = decided(running(workload("chat", 3), policies=(EIGHT,)))

    assert judgement.left_out == 0


def test_what_is_left_out_is_remembered_as_it_runs():
    # A hundred and forty run one each, of eight that are allowed: what is not listed keeps its own.
    many = (workload(f"{number:03}-{'x' * 220}", 1) for number in range(140))

    _, judgement, decisions = decided(running(*many, policies=(EIGHT,)))

    unlisted = [w for w in judgement.memory if w not in judgement.ceilings]
    assert {judgement.memory[w].rationale.desired for w in unlisted} == {1}
    assert {d.desired_replicas for d in decisions.values()} == {0, 1}
