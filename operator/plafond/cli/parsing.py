"""From the API server's JSON to facts; what cannot be understood is a sentence, not an error."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from plafond.account.closing import joined
from plafond.api.annotations import CEILINGS, WHY, decode_ceilings, is_ignored
from plafond.api.convert_closed import parse_closed
from plafond.api.convert_ledger import continued, parse_ledger
from plafond.api.convert_policy import parse_cost_policy
from plafond.api.errors import InvalidResource
from plafond.cli.explain.facts import BudgetSaid, Listed, Live, PolicyFacts, Said, Status
from plafond.model.autoscaler import Autoscaler
from plafond.model.gap import Gap
from plafond.model.memory import NamespaceRecord
from plafond.model.workload import WorkloadId

Raw = Mapping[str, Any]

_GROUP: Final = "apps"
_HPA: Final = "HorizontalPodAutoscaler"


def policy_facts(raw: Raw) -> PolicyFacts:
    """Return a policy and its status."""
    return PolicyFacts(parse_cost_policy(raw), status_of(raw))


def ceilings_of(namespace: str, raw: Raw) -> tuple[Mapping[WorkloadId, int] | Gap, str | None]:
    """Return the ceilings in a Namespace's annotation, and why they are."""
    annotations = (raw.get("metadata") or {}).get("annotations") or {}
    text = annotations.get(CEILINGS)
    found = {} if text is None else decode_ceilings(namespace, text)
    return found, annotations.get(WHY)


def record_of(raw: Raw) -> NamespaceRecord | Gap:
    """Return what a SpendLedger holds, without what it continues."""
    try:
        return parse_ledger(raw)
    except InvalidResource as error:
        return Gap(f"the SpendLedger cannot be understood: {error}")


def continued_by(raw: Raw) -> str | None:
    """Return the name of the closed SpendLedger that one continues, if it does."""
    found = continued(raw)
    return None if found is None else found.name


def with_past(record: NamespaceRecord, past: Raw) -> NamespaceRecord | Gap:
    """Return *record* with what is in the *past* that it continues."""
    try:
        older = parse_closed(past).ledger
    except InvalidResource as error:
        return Gap(f"the SpendLedger {past['metadata']['name']} cannot be understood: {error}")
    return replace(record, ledger=joined(older, record.ledger))


def live_of(kind: str, raw: Raw) -> Live:
    """Return a Deployment or StatefulSet."""
    meta, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    return Live(
        WorkloadId(meta["namespace"], kind, meta["name"], _GROUP),
        int(spec.get("replicas", 1)),
        int(status.get("readyReplicas") or 0),
        is_ignored(meta.get("annotations") or {}),
    )


def autoscalers_of(workload: WorkloadId, listed: Raw) -> tuple[Autoscaler, ...]:
    """Return the autoscalers of *workload* among those that are *listed*, by name."""
    ours = (each for each in listed.get("items") or () if _scales(each["spec"], workload))
    return tuple(sorted((_autoscaler(each) for each in ours), key=lambda each: each.name))


def _scales(spec: Raw, workload: WorkloadId) -> bool:
    reference = spec["scaleTargetRef"]
    group, slash, _ = str(reference.get("apiVersion", "")).partition("/")
    found = (group if slash else "", reference["kind"], reference["name"])
    return found == (workload.group, workload.kind, workload.name)


def _autoscaler(raw: Raw) -> Autoscaler:
    spec = raw["spec"]
    least = 1 if spec.get("minReplicas") is None else int(spec["minReplicas"])
    name = raw["metadata"]["name"]
    return Autoscaler(_HPA, name, least=least, most=int(spec["maxReplicas"]))


def moment(text: str | None) -> datetime | None:
    """Return the instant that *text* names, if there is one."""
    return datetime.fromisoformat(text) if text else None


def status_of(raw: Raw) -> Status:
    """Return the status of a policy."""
    status = raw.get("status") or {}
    namespace = raw["metadata"]["namespace"]
    return Status(
        at=_written_at(raw),
        conditions=tuple(
            Said(each["type"], each["status"], each.get("reason", ""), each.get("message", ""))
            for each in status.get("conditions") or ()
        ),
        targets=tuple(_listed(namespace, each) for each in status.get("targets") or ()),
        budgets=tuple(_budget(each) for each in status.get("budgets") or ()),
        summary=status.get("summary") or "",
        burn_rate=status.get("burnRatePerHour") or "",
    )


def _written_at(raw: Raw) -> datetime | None:
    # The API server dates the writes of every field manager, also those of the status.
    fields = raw["metadata"].get("managedFields") or ()
    times = [moment(each.get("time")) for each in fields if each.get("subresource") == "status"]
    return max((each for each in times if each is not None), default=None)


def _listed(namespace: str, raw: Raw) -> Listed:
    return Listed(
        WorkloadId(namespace, raw["kind"], raw["name"], raw["group"]),
        raw.get("observedReplicas"),
        raw.get("recommendedReplicas"),
        raw.get("desiredReplicas"),
        raw.get("ceiling"),
        raw.get("reason"),
        raw.get("limit"),
        raw.get("class"),
    )


def _budget(raw: Raw) -> BudgetSaid:
    return BudgetSaid(
        raw["name"],
        raw["unit"],
        raw["limit"],
        raw.get("spent") or "",
        raw.get("remaining") or "",
        int(raw.get("usedPercent") or 0),
        moment(raw.get("windowEnd")),
    )
