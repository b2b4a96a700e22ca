"""
The whole pure part of a pass: from a snapshot to what shall be written and remembered.

The same snapshot gives the same evaluation, to the byte. Whether anybody listens is not known here.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from plafond.account.account import NOT_COUNTED_YET, Account, account
from plafond.account.counting import Counted
from plafond.account.ledger import Charge, recorded
from plafond.decide.allowing import allowed
from plafond.decide.brake import Braked, braked
from plafond.decide.collector import resting_collector
from plafond.decide.judge import Judgement, judge
from plafond.decide.listing import fitted
from plafond.decide.plan import Plan, PlanPart
from plafond.decide.planning import ENFORCED, Governed
from plafond.decide.quota import known_accelerators, quota_writes
from plafond.model.changed import changed
from plafond.model.ledger import Fact, Ledger, SeriesKey
from plafond.model.memory import Memory, NamespaceRecord
from plafond.model.settings import Settings
from plafond.model.snapshot import Namespace, Snapshot
from plafond.model.window import Span
from plafond.model.workload import WorkloadId


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


@resting_collector()
def evaluate(snapshot: Snapshot, settings: Settings) -> Evaluation:
    """Account, decide and plan."""
    counted = account(snapshot, settings)
    judgements, agreed = _judged(counted, snapshot, settings)
    by_namespace: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in judgements:
        by_namespace[judgement.account.policy_set.namespace].append(judgement)
    workloads = {workload.id: workload for workload in snapshot.workloads}
    accelerators = known_accelerators(snapshot, settings)
    records: dict[str, NamespaceRecord] = {}
    parts: list[PlanPart] = []
    for name, of_namespace in counted.counted.items():
        here = tuple(by_namespace[name])
        namespace = snapshot.namespaces.get(name) or Namespace(name, is_terminating=True)
        in_doubt = snapshot.is_in_doubt(name)
        memory = of_namespace.record.memory
        enforced = next((j for j in here if j.account.policy_set.is_enforced), None)
        quota = quota_writes(namespace, enforced, counted.facts[name].pods, accelerators)
        governed = Governed(namespace, workloads, here, memory, in_doubt, quota)
        own = governed.parts()
        parts += own
        ledger = _with_demand(of_namespace, here, snapshot)
        memory = _with_terms(
            governed.remembered(own), agreed.get(name), snapshot, in_doubt=in_doubt
        )
        memory = _with_reasons(memory, here, settings)
        records[name] = NamespaceRecord(ledger, memory)
    return Evaluation(
        counted,
        judgements,
        Plan(tuple(part for part in parts if part.actions)),
        records,
        frozenset(name for name in records if _must_be_kept(name, snapshot, records)),
    )


def _with_demand(counted: Counted, judgements: tuple[Judgement, ...], snapshot: Snapshot) -> Ledger:
    """Return the ledger with what the recommendations would have cost since its last entry."""
    ledger, since = counted.record.ledger, counted.since
    if not judgements or since is None or since >= snapshot.now:
        return ledger
    first, span = judgements[0], Span(since, snapshot.now)
    charges = [
        Charge(SeriesKey(fact, unit), span, rate)
        for fact, rates in ((Fact.DEMAND, first.demand), (Fact.CENSORED, first.censored))
        for unit, rate in rates.items()
    ]
    return recorded(ledger, charges, snapshot.now, counted.grid)


def _judged(
    counted: Account, snapshot: Snapshot, settings: Settings
) -> tuple[tuple[Judgement, ...], Mapping[str, Braked]]:
    judged = tuple(judge(set_account, snapshot, settings) for set_account in counted.sets)
    agreed = {
        j.account.policy_set.namespace: braked(j, counted, snapshot, settings)
        for j in judged
        if j.account.policy_set.is_enforced
    }
    return tuple(fitted(_as_agreed(j, agreed)) for j in judged), agreed


def _as_agreed(judgement: Judgement, agreed: Mapping[str, Braked]) -> Judgement:
    policy_set = judgement.account.policy_set
    return agreed[policy_set.namespace].judgement if policy_set.is_enforced else judgement


def _with_terms(
    memory: Memory, agreed: Braked | None, snapshot: Snapshot, *, in_doubt: bool
) -> Memory:
    if agreed is not None:
        enforced = agreed.judgement.account.policy_set.policies
        gone = {p.name for p in enforced if (p.namespace, p.name) not in snapshot.policy_names}
        since = {name: memory.gone_since.get(name, snapshot.now) for name in sorted(gone)}
        return changed(
            memory, enforced=enforced, gone_since=since, terms=agreed.terms, brake=agreed.brake
        )
    # While a policy cannot be understood, nobody has taken back what it said.
    return (
        memory if in_doubt else changed(memory, enforced=(), gone_since={}, terms=None, brake=None)
    )


def _must_be_kept(name: str, snapshot: Snapshot, records: Mapping[str, NamespaceRecord]) -> bool:
    before = snapshot.records.get(name, NOT_COUNTED_YET).memory
    after = records[name].memory
    is_first_wanted = bool(_wanted(after) - _wanted(before))
    is_other_gone = set(before.gone_since) != set(after.gone_since)
    return is_first_wanted or is_other_gone or before.brake != after.brake


def _with_reasons(memory: Memory, judgements: tuple[Judgement, ...], settings: Settings) -> Memory:
    if not judgements:
        return changed(memory, allowed={}, plans={})
    found = {name: each for j in judgements for name, each in allowed(j).items()}
    plans = {b.name: b.plan for j in judgements for b in j.pace.budgets if b.plan is not None}
    return changed(memory, allowed=found, plans=plans, timing=settings.timing)


def _wanted(memory: Memory) -> set[WorkloadId]:
    of_set = memory.sets.get(ENFORCED, {})
    return {workload for workload, m in of_set.items() if m.wanted_replicas is not None}
