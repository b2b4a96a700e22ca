"""
The whole pure part of a pass: from a snapshot to what shall be written and remembered.

The same snapshot gives the same evaluation, to the byte. Whether anybody listens is not known here.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from plafond.account.account import Account, account
from plafond.account.counting import Counted
from plafond.account.ledger import Charge, grid_for, recorded
from plafond.account.positions import spans_in_force
from plafond.decide.judge import Judgement, judge
from plafond.decide.plan import Plan, PlanPart
from plafond.decide.planning import ENFORCED, Governed
from plafond.model.ledger import Fact, Ledger, SeriesKey
from plafond.model.memory import Memory, NamespaceRecord
from plafond.model.money import ByUnit
from plafond.model.settings import Settings
from plafond.model.snapshot import Namespace, Snapshot
from plafond.model.window import Span


@dataclass(frozen=True, slots=True)
class Evaluation:
    """
    What a pass came to.

    Attributes:
        records: every namespace's ledger and memory, up to now.
        must_be_kept: namespaces whose record has to be written before the plan is carried out.

    """

    account: Account
    judgements: tuple[Judgement, ...]
    plan: Plan
    records: Mapping[str, NamespaceRecord]
    must_be_kept: frozenset[str]


def evaluate(snapshot: Snapshot, settings: Settings) -> Evaluation:
    """Account, decide and plan."""
    counted = account(snapshot, settings)
    judgements = tuple(judge(set_account, snapshot, settings) for set_account in counted.sets)
    by_namespace: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in judgements:
        by_namespace[judgement.account.policy_set.namespace].append(judgement)
    workloads = {workload.id: workload for workload in snapshot.workloads}
    records: dict[str, NamespaceRecord] = {}
    parts: list[PlanPart] = []
    for name, of_namespace in counted.counted.items():
        judged = tuple(by_namespace[name])
        namespace = snapshot.namespaces.get(name, Namespace(name, is_terminating=True))
        in_doubt = snapshot.is_in_doubt(name)
        governed = Governed(namespace, workloads, judged, of_namespace.record.memory, in_doubt)
        own = governed.parts()
        parts += own
        ledger = _with_demand(of_namespace, judged, snapshot, settings)
        records[name] = NamespaceRecord(ledger, governed.remembered(own))
    return Evaluation(
        counted,
        judgements,
        Plan(tuple(part for part in parts if part.actions)),
        records,
        frozenset(name for name in records if _is_first_wanted(name, snapshot, records)),
    )


def _with_demand(
    counted: Counted, judgements: Iterable[Judgement], snapshot: Snapshot, settings: Settings
) -> Ledger:
    """Return the ledger with what the recommendations would have cost since its last entry."""
    judgements = tuple(judgements)
    ledger, since = counted.record.ledger, counted.since
    if not judgements or since is None or since >= snapshot.now:
        return ledger
    demand: ByUnit = judgements[0].demand
    span = Span(since, snapshot.now)
    charges = [Charge(SeriesKey(Fact.DEMAND, unit), span, rate) for unit, rate in demand.items()]
    policies = [p for j in judgements for p in j.account.policy_set.policies]
    grid = grid_for(spans_in_force(policies, snapshot.now), settings.timing.evaluation_period)
    return recorded(ledger, charges, snapshot.now, grid)


def _is_first_wanted(name: str, snapshot: Snapshot, records: Mapping[str, NamespaceRecord]) -> bool:
    before = snapshot.records.get(name, NamespaceRecord()).memory
    return bool(_wanted(records[name].memory) - _wanted(before))


def _wanted(memory: Memory) -> set[str]:
    of_set = memory.sets.get(ENFORCED, {})
    return {str(workload) for workload, m in of_set.items() if m.wanted_replicas is not None}
