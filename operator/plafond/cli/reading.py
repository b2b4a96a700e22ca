"""Reading what an explanation needs: the namespace, its policies, its ledger, the workload."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from plafond.api.constants import GROUP, LEDGER_NAME, SPEND_LEDGERS, VERSION
from plafond.api.paths import namespace_path
from plafond.cli.arguments import Asked
from plafond.cli.cluster import Answer
from plafond.cli.errors import BadInputError, CommandError
from plafond.cli.explain.facts import Facts, Live, PolicyFacts
from plafond.cli.parsing import (
    autoscalers_of,
    ceilings_of,
    continued_by,
    live_of,
    policy_facts,
    record_of,
    with_past,
)
from plafond.model.autoscaler import Autoscaler
from plafond.model.gap import Gap
from plafond.model.memory import NamespaceRecord
from plafond.model.workload import WorkloadId

Read = Callable[[str], Answer]

_API: Final = f"/apis/{GROUP}/{VERSION}"


@dataclass(slots=True)
class _Reader:
    """Reads object by object, and collects the sentences on what could not be read."""

    read: Read
    unread: list[str] = field(default_factory=list)

    def found(self, path: str, what: str, without: str) -> Mapping[str, Any] | None:
        answer = self.read(path)
        if answer.body is None:
            self.unread.append(f"{what}: {_why(answer)}; without it {without}")
        return answer.body


def read_workload(read: Read, asked: Asked) -> Live:
    """Return the workload that is meant; raise where there is none, or more than one."""
    answers = {kind: read(_workload_path(asked, kind)) for kind in asked.kinds}
    there = [live_of(k, each.body) for k, each in answers.items() if each.body is not None]
    if len(there) > 1:
        sentence = (
            f"there are a Deployment and a StatefulSet {asked.name} in {asked.namespace}: "
            f"write deploy/{asked.name} or sts/{asked.name}"
        )
        raise BadInputError(sentence)
    if there:
        return there[0]
    refused = next((each for each in answers.values() if not each.is_absent), None)
    name = f"{asked.namespace}/{asked.name}"
    if refused is not None:
        sentence = f"{name} cannot be read: {_why(refused)}"
        raise CommandError(sentence)
    sentence = f"there is no {' or '.join(asked.kinds)} {name}"
    raise BadInputError(sentence)


def read_facts(read: Read, live: Live, now: datetime) -> Facts:
    """Return everything that can be read of the namespace of *live*."""
    namespace, reader = live.id.namespace, _Reader(read)
    whole = reader.found(
        namespace_path(namespace), f"namespace {namespace}", "the ceiling in force is not known"
    )
    ceilings, why = (Gap("not read"), None) if whole is None else ceilings_of(namespace, whole)
    if isinstance(ceilings, Gap) and whole is not None:
        reader.unread.append(ceilings.why)
    policies = _read_policies(reader, namespace)
    record = _read_record(reader, namespace)
    scaled_by = _read_autoscalers(reader, live.id)
    return Facts(now, namespace, ceilings, why, policies, record, tuple(reader.unread), scaled_by)


def _read_policies(reader: _Reader, namespace: str) -> tuple[PolicyFacts, ...]:
    path = f"{_API}/namespaces/{namespace}/costpolicies"
    without = "neither the rules nor their latest statuses are known"
    listed = reader.found(path, f"policies of {namespace}", without)
    return _policies(listed or {})


def _read_autoscalers(reader: _Reader, workload: WorkloadId) -> tuple[Autoscaler, ...] | None:
    namespace = workload.namespace
    path = f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers"
    what = f"HorizontalPodAutoscalers of {namespace}"
    listed = reader.found(path, what, "who else scales it is not known")
    return None if listed is None else autoscalers_of(workload, listed)


def read_overview(read: Read, namespace: str | None) -> tuple[PolicyFacts, ...]:
    """Return the policies of *namespace*, or of all; raise where they cannot be read."""
    where = f"/namespaces/{namespace}" if namespace is not None else ""
    answer = read(f"{_API}{where}/costpolicies")
    if answer.body is None:
        of = f"of {namespace}" if namespace is not None else "of all namespaces"
        sentence = f"the policies {of} cannot be read: {_why(answer)}"
        raise CommandError(sentence)
    return _policies(answer.body)


def _policies(listed: Mapping[str, Any]) -> tuple[PolicyFacts, ...]:
    found = [policy_facts(each) for each in listed.get("items") or ()]
    return tuple(sorted(found, key=lambda each: (each.policy.namespace, each.policy.name)))


def _read_record(reader: _Reader, namespace: str) -> NamespaceRecord | Gap:
    raw = _read_ledger(reader, namespace, LEDGER_NAME)
    record = Gap("not read") if raw is None else _understood(reader, record_of(raw))
    name = None if raw is None or isinstance(record, Gap) else continued_by(raw)
    if isinstance(record, Gap) or name is None:
        return record
    # Spend without its past would be too low.
    past = _read_ledger(reader, namespace, name)
    return Gap("not read") if past is None else _understood(reader, with_past(record, past))


def _understood(reader: _Reader, record: NamespaceRecord | Gap) -> NamespaceRecord | Gap:
    if isinstance(record, Gap):
        reader.unread.append(record.why)
    return record


def _read_ledger(reader: _Reader, namespace: str, name: str) -> Mapping[str, Any] | None:
    path = f"{_API}/namespaces/{namespace}/{SPEND_LEDGERS}/{name}"
    without = "spend, numbers and what comes next are not known"
    return reader.found(path, f"SpendLedger {name} of {namespace}", without)


def _workload_path(asked: Asked, kind: str) -> str:
    return f"/apis/apps/v1/namespaces/{asked.namespace}/{kind.lower()}s/{asked.name}"


def _why(answer: Answer) -> str:
    if answer.code == HTTPStatus.FORBIDDEN:
        return f"you may not read it ({answer.message})"
    return answer.message or f"the API server answered {answer.code}"
