"""A small world for what is reported: two workloads, what runs, and what is decided about it."""

from tests.builders import SETTINGS, budget, pods_of, policy, snapshot, workload

from plafond.decide.evaluate import Evaluation, evaluate
from plafond.model.snapshot import Snapshot
from plafond.report.part import PolicyPart

CHAT, EMBEDDER = workload("chat", 2), workload("embedder", 1)


def world(*policies, **more) -> Snapshot:
    """Three replicas have run for an hour at 4.00 EUR each, so 12.00 EUR are spent."""
    workloads = more.pop("workloads", (CHAT, EMBEDDER))
    defaults = {
        "policies": policies or (policy(budgets=(budget(),)),),
        "workloads": workloads,
        "pods": tuple(pod for each in workloads for pod in pods_of(each)),
    }
    return snapshot(**{**defaults, **more})


def decided(*policies, **more) -> Evaluation:
    return evaluate(world(*policies, **more), SETTINGS)


def part_of(*policies, name="limits", **more) -> PolicyPart:
    """The part of the policy *name*."""
    for judgement in decided(*policies, **more).judgements:
        for policy_ in judgement.account.policy_set.policies:
            if policy_.name == name:
                return PolicyPart(policy_, judgement)
    msg = f"{name} was not judged"
    raise LookupError(msg)
