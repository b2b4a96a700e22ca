"""
The probe: which admission rules are in force, found out by trying to break them.

That a policy is stored says little: an API server that does not know its kind lets it lie, its
binding may be missing, and one of several API servers may be older than the others. So each of them
is asked to do, as a dry run, what it must refuse. Only `keep` exempts our account: there its
objects have to do.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from plafond.api.annotations import CEILINGS, decode_ceilings
from plafond.api.paths import namespace_path, scale_path
from plafond.api.writer import ApiWriter, Result, Written
from plafond.model.admission import Admission, Answer, Rule, combined
from plafond.model.gap import Gap
from plafond.model.snapshot import NO_CEILING, Snapshot
from plafond.model.workload import WorkloadId

_GROUP: Final = "/apis/admissionregistration.k8s.io/v1"
_MUTATING: Final = "mutatingadmissionpolicies"
_KEEPS: Final = (
    (_MUTATING, "plafond-keep"),
    ("mutatingadmissionpolicybindings", "plafond-keep"),
    ("validatingadmissionpolicies", "plafond-keep-backstop"),
    ("validatingadmissionpolicybindings", "plafond-keep-backstop"),
)
_RESTRAINT: Final = "plafond-self-restraint"
_BACKSTOP: Final = "plafond-ceiling-backstop"
# Admission refuses with one of these, by the policy's reason.
_SAID: Final = (Result.REFUSED, Result.FORBIDDEN)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A workload under a ceiling, and a count that it must not get."""

    workload: WorkloadId
    too_many: int


def candidates_in(snapshot: Snapshot) -> tuple[Candidate, ...]:
    """Return every workload that a ceiling limits."""
    workloads = {each.id: each for each in snapshot.workloads if not each.is_terminating}
    return tuple(
        # From above the ceiling even a lower count may be let through.
        Candidate(workload, max(ceiling, workloads[workload].replicas) + 1)
        for _, namespace in sorted(snapshot.namespaces.items())
        for workload, ceiling in sorted(namespace.limiting.items())
        if workload in workloads and ceiling < NO_CEILING - 1
    )


class AdmissionProbe:
    """Asks every API server."""

    def __init__(self, servers: Mapping[str, ApiWriter]) -> None:
        self._servers = servers

    async def ask(self, candidate: Candidate | None) -> Admission:
        """Return what all API servers do; nothing that is asked for is carried out."""
        asked = (self._one(name, writer, candidate) for name, writer in self._servers.items())
        answers: Sequence[Answer | None] = await asyncio.gather(*asked)
        answered = [answer for answer in answers if answer is not None]
        names = zip(self._servers, answers, strict=True)
        return combined(answered, tuple(name for name, answer in names if answer is None))

    async def _one(
        self, name: str, writer: ApiWriter, candidate: Candidate | None
    ) -> Answer | None:
        served = await writer.read(_GROUP)
        if served.result is not Result.DONE:
            return None
        kinds = {each.get("name") for each in (served.body or {}).get("resources") or ()}
        found = {Rule.KEEP: await _keep(writer, kinds)}
        if candidate is not None:
            found |= await _ceiling(writer, candidate, knows_mutation=_MUTATING in kinds)
            found |= await _restraint(writer, candidate)
        return Answer(name, found)


async def _keep(writer: ApiWriter, kinds: set[Any]) -> str | None:
    for kind, name in _KEEPS:
        # Where mutation is unknown, the one that refuses is the whole of it.
        if kind in kinds and (await writer.read(f"{_GROUP}/{kind}/{name}")).result is Result.GONE:
            return f"{kind}/{name} is missing"
    return None


async def _ceiling(
    writer: ApiWriter, candidate: Candidate, *, knows_mutation: bool
) -> dict[Rule, str | None]:
    patch = {"spec": {"replicas": candidate.too_many}}
    answer = await writer.merge(scale_path(candidate.workload), patch, dry_run=True)
    if answer.result in _SAID and _BACKSTOP in answer.detail:
        why = "it refuses what is above a ceiling"
        known = why if knows_mutation else f"{why}, and knows no MutatingAdmissionPolicy"
        return {Rule.CEILING: None, Rule.CLAMP: known}
    if answer.result is not Result.DONE or answer.body is None:
        return {}
    stored = (answer.body.get("spec") or {}).get("replicas", 0)
    if stored < candidate.too_many:
        return {Rule.CEILING: None, Rule.CLAMP: None}
    if not await _is_limited(writer, candidate):
        return {}
    where = f"{candidate.workload.namespace}/{candidate.workload.name}"
    passed = f"it would have given {where} {stored} replicas, above its ceiling"
    return {Rule.CEILING: passed, Rule.CLAMP: passed}


async def _is_limited(writer: ApiWriter, candidate: Candidate) -> bool:
    """Say whether the ceiling that was asked about still stands where it was asked about."""
    workload = candidate.workload
    # A patch of nothing answers with the object, and needs no right to read it.
    answer = await writer.merge(namespace_path(workload.namespace), {}, dry_run=True)
    metadata = (answer.body or {}).get("metadata")
    if answer.result is not Result.DONE or not isinstance(metadata, dict):
        return False
    text = (metadata.get("annotations") or {}).get(CEILINGS, "")
    found = decode_ceilings(workload.namespace, text)
    return not isinstance(found, Gap) and found.get(workload, NO_CEILING) < candidate.too_many


async def _restraint(writer: ApiWriter, candidate: Candidate) -> dict[Rule, str | None]:
    namespace = candidate.workload.namespace
    patch = {"metadata": {"labels": {"plafond.dev/probe": "must-be-refused"}}}
    return _refused(await writer.merge(namespace_path(namespace), patch, dry_run=True), namespace)


def _refused(answer: Written, namespace: str) -> dict[Rule, str | None]:
    if answer.result in _SAID:
        # A missing right protects as well as a rule, and is not what was asked about.
        return {Rule.RESTRAIN: None} if _RESTRAINT in answer.detail else {}
    if answer.result is Result.DONE:
        return {Rule.RESTRAIN: f"it would have let our account label namespace {namespace}"}
    return {}
