"""Facts as a command would read them after a pass: through the objects that the operator writes."""

from dataclasses import replace

from tests.builders import NOW, SECOND, SETTINGS, TEAM

from plafond.api.convert_ledger import ledger_spec
from plafond.cli.explain.explaining import explain
from plafond.cli.explain.facts import Facts, Live, PolicyFacts
from plafond.cli.parsing import record_of, status_of
from plafond.decide.evaluate import Evaluation, evaluate
from plafond.decide.plan import SetCeilings
from plafond.model.admission import Admission
from plafond.model.gap import Gap
from plafond.model.policy import Mode
from plafond.model.snapshot import Snapshot
from plafond.report.conditions import Observed, conditions, written
from plafond.report.part import PolicyPart
from plafond.report.status import judged_status

LATER = NOW + 12 * SECOND
UNREAD = Gap("not read")


def facts(world: Snapshot, **more: object) -> Facts:
    """What a pass over *world* leaves in the cluster, read twelve seconds later."""
    evaluation = evaluate(world, SETTINGS)
    listed = [
        action
        for part in evaluation.plan.parts
        for action in part.actions
        if isinstance(action, SetCeilings) and part.mode is Mode.ENFORCE
    ]
    defaults = {
        "now": LATER,
        "namespace": TEAM,
        "ceilings": listed[-1].ceilings if listed else world.namespaces[TEAM].ceilings or {},
        "why": listed[-1].why if listed else None,
        "policies": _policies(evaluation),
        "record": record_of({"spec": ledger_spec(evaluation.records[TEAM])}),
    }
    return Facts(**{**defaults, **more})


def _policies(evaluation: Evaluation) -> tuple[PolicyFacts, ...]:
    return tuple(
        PolicyFacts(policy, _status(PolicyPart(policy, judgement)))
        for judgement in evaluation.judgements
        for policy in judgement.account.policy_set.policies
    )


def _status(part: PolicyPart):
    observed = Observed(admission=Admission())
    said = written(conditions(part, observed), (), 1, NOW)
    wrote = {"subresource": "status", "time": f"{NOW:%Y-%m-%dT%H:%M:%SZ}"}
    raw = {
        "metadata": {"namespace": TEAM, "managedFields": [wrote]},
        "status": {**judged_status(part), "conditions": said},
    }
    return status_of(raw)


def live(world: Snapshot, name: str = "llm") -> Live:
    """One workload of *world*, all of whose replicas are ready."""
    of = next(each for each in world.workloads if each.id.name == name)
    return Live(of.id, of.replicas, of.replicas, of.is_ignored)


def explained(world: Snapshot, name: str = "llm", **more: object):
    """What the command says of one workload after a pass over *world*."""
    return explain(live(world, name), facts(world, **more))


def silent(found: Facts) -> Facts:
    """The same facts without any status: only the ledger and the annotation are left."""
    bare = tuple(PolicyFacts(each.policy) for each in found.policies)
    return replace(found, policies=bare)
