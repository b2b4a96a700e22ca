"""Laws of caution: what missing facts may not do, and what has to be free before anything grows."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from tests.builders import SETTINGS, TEAM, node_price, policy, sheet
from tests.worlds import Bounds, worlds

from plafond.account.account import WorkloadAccount
from plafond.decide.evaluate import evaluate
from plafond.decide.judge import Judgement
from plafond.decide.limits import Limit
from plafond.model.money import ZERO
from plafond.model.snapshot import Snapshot

SETTLED = Bounds(above_ceilings=False)


def judged(world: Snapshot) -> Judgement:
    (judgement,) = evaluate(world, SETTINGS).judgements
    return judgement


def in_force(world: Snapshot) -> dict:
    return dict(world.namespaces[TEAM].ceilings or {})


@given(worlds(SETTLED))
def test_a_demand_gap_never_raises_a_ceiling_or_a_count_above_its_funded_floor(world: Snapshot):
    world = replace(world, meters={})

    judgement, before = judged(world), in_force(world)

    for decision in judgement.decisions:
        if decision.workload in judgement.gaps:
            floor = judgement.memory[decision.workload].funded_floor or 0
            assert decision.desired_replicas <= max(decision.observed_replicas, floor)
            # Where nothing but a class bounds it, the policy says the ceiling, and no fact of now.
            if decision.workload in before and judgement.limits:
                assert decision.ceiling <= before[decision.workload]


@given(worlds(SETTLED))
def test_a_demand_gap_never_scales_to_zero_what_money_carries(world: Snapshot):
    judgement = judged(replace(world, meters={}))

    for decision in judgement.decisions:
        if decision.workload in judgement.gaps and decision.observed_replicas > 0:
            assert decision.desired_replicas > 0 or decision.ceiling == 0


@given(worlds(SETTLED))
def test_a_price_gap_keeps_what_runs_and_grows_nothing(world: Snapshot):
    nowhere = sheet(node_price("elsewhere", {"pool": "elsewhere"}, gpu="1"))
    world = replace(world, sheets=(nowhere,), policies=(policy(cost_per_hour="20"),))

    judgement, before = judged(world), in_force(world)

    for decision in judgement.decisions:
        # Without pods, the dearest entry is the price; with pods, their nodes have none.
        if judgement.account.targets and has_pods(judgement, decision.workload):
            assert decision.desired_replicas == decision.observed_replicas
            assert decision.ceiling <= before.get(decision.workload, decision.observed_replicas)


def has_pods(judgement: Judgement, workload: object) -> bool:
    return any(target.id == workload and target.pods for target in judgement.account.targets)


# Without floors: those are granted whatever others hold.
@given(worlds(Bounds(above_ceilings=False, floors=False)))
def test_nothing_is_raised_unless_everything_that_could_run_fits(world: Snapshot):
    judgement, before = judged(world), in_force(world)

    raised = [
        target
        for target in judgement.account.targets
        if judgement.ceilings.get(target.id, 0)
        > max(before.get(target.id, 0), target.workload.replicas)
    ]
    for target in raised:
        cost = target.cost
        for limit in judgement.limits:
            if cost.get(limit.unit, ZERO) > 0:
                assert could_cost(judgement, limit) <= limit.rate, limit.name


def could_cost(judgement: Judgement, limit: Limit) -> Decimal:
    """What may run under the ceilings, or still runs above them, or is on its way out."""
    total = judgement.account.unmanaged.get(limit.unit, ZERO)
    for target in judgement.account.targets:
        total += target.cost.get(limit.unit, ZERO) * replicas(judgement, target)
    return total


def replicas(judgement: Judgement, target: WorkloadAccount) -> int:
    ceiling = judgement.ceilings.get(target.id, 0)
    return max(ceiling, target.workload.replicas) + target.pods_beyond_replicas


@given(worlds())
def test_what_loses_its_volumes_is_never_lowered(world: Snapshot):
    first, *others = world.workloads
    world = replace(world, workloads=(replace(first, loses_volumes=True), *others))

    for decision in judged(world).decisions:
        if decision.workload == first.id:
            assert decision.desired_replicas >= first.replicas
            assert decision.ceiling is None or decision.ceiling >= first.replicas
