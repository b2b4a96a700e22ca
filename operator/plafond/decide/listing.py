"""
How many ceilings a namespace can list.

All of them stand in one annotation, whose length is bounded. Were it all or nothing, whoever may
create workloads could fill it with long names until nobody has a ceiling. So what runs most is
listed first, and it is said how many are left out.
"""

from collections.abc import Mapping
from dataclasses import replace

from plafond.decide.judge import Judgement
from plafond.decide.rationale import redecided
from plafond.model.snapshot import MOST_CEILING_BYTES
from plafond.model.workload import WorkloadId


def fitted(judgement: Judgement) -> Judgement:
    """Return *judgement* with as many ceilings as can be listed; the others are not enforced."""
    if _size(judgement.ceilings) <= MOST_CEILING_BYTES:
        return judgement
    counts = {d.workload: d.observed_replicas for d in judgement.decisions}
    listed: dict[WorkloadId, int] = {}
    room = MOST_CEILING_BYTES + 1
    for workload in sorted(judgement.ceilings, key=lambda w: (-counts.get(w, 0), w)):
        room -= _length(workload, judgement.ceilings[workload])
        if room < 0:
            break
        listed[workload] = judgement.ceilings[workload]
    # Admission lets nobody of us scale what is not listed.
    decisions = tuple(
        decision
        if decision.ceiling is None or decision.workload in listed
        else decision._replace(desired_replicas=decision.observed_replicas, ceiling=None, moves=())
        for decision in judgement.decisions
    )
    memory = {d.workload: redecided(judgement.memory[d.workload], d) for d in decisions}
    left_out = len(judgement.ceilings) - len(listed)
    return replace(
        judgement, ceilings=listed, decisions=decisions, memory=memory, left_out=left_out
    )


def _size(ceilings: Mapping[WorkloadId, int]) -> int:
    return sum(_length(workload, count) for workload, count in ceilings.items()) - 1


def _length(workload: WorkloadId, count: int) -> int:
    # The entry and its comma; names are ASCII.
    return len(f"{workload}={count},")
