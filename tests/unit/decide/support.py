"""What tests of deciding share: a target on its way, and a whole world decided."""

from dataclasses import replace

from tests.builders import (
    EUR,
    SETTINGS,
    class_rule,
    concurrency,
    money,
    pods_of,
    snapshot,
    workload,
)

from plafond.account.account import WorkloadAccount
from plafond.account.targets import TargetedWorkload
from plafond.decide.evaluate import evaluate
from plafond.model.memory import NamespaceRecord, WorkloadMemory
from plafond.model.snapshot import Snapshot


def target_of(of=None, scaling=None, pods=None, rule=None, price="4", **memory):
    """A target that follows ten requests per replica, all of whose replicas are ready."""
    of = of or workload()
    return WorkloadAccount.of(
        TargetedWorkload(of, rule or class_rule(), scaling or concurrency(), ("limits",)),
        pods_of(of) if pods is None else pods,
        {EUR: money(price), "gpuHours": money(1)},
        {},
        WorkloadMemory(**memory),
    )


def decided(world: Snapshot):
    """The evaluation of *world*, its first judgement, and its decisions by name."""
    evaluation = evaluate(world, SETTINGS)
    judgement = evaluation.judgements[0]
    return evaluation, judgement, {d.workload.name: d for d in judgement.decisions}


def counts(world: Snapshot) -> dict[str, int]:
    """The desired count of every target by name."""
    return {name: d.desired_replicas for name, d in decided(world)[2].items()}


def ceilings(world: Snapshot) -> dict[str, int]:
    """The ceiling of every target that has one, by name."""
    return {each.name: most for each, most in decided(world)[1].ceilings.items()}


def running(*workloads, policies, **more) -> Snapshot:
    """A world in which each of *workloads* has a ready pod per replica."""
    pods = tuple(p for each in workloads for p in pods_of(each))
    return snapshot(
        workloads=workloads, pods=pods + more.pop("pods", ()), policies=policies, **more
    )


def remembering(world: Snapshot, **memory: WorkloadMemory) -> Snapshot:
    """*world*, with memories of its workloads by name, of the enforced set."""
    ids = {w.id.name: w.id for w in world.workloads}
    record = next(iter(world.records.values()), None) or NamespaceRecord()
    sets = {"Enforce": {ids[name]: each for name, each in memory.items()}}
    return replace(
        world, records={"team-a": replace(record, memory=replace(record.memory, sets=sets))}
    )
