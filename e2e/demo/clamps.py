"""What was clamped or refused, by the audit log: who asked for what, what they got, and why."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from e2e.demo.scene import NAMESPACE
from e2e.rig.audit import AuditWrite

SCALED = ("deployments", "statefulsets")
# What admission and quotas answer; a conflict is no refusal, it is tried again.
REFUSALS = (403, 422)


@dataclass(frozen=True)
class Clamp:
    """One write that did not get what it asked for; *times* counts its like, one after another."""

    at: datetime
    user: str
    write: str
    asked: str
    got: str
    why: str
    times: int = 1

    @property
    def is_refused(self) -> bool:
        """Whether nothing of it was granted."""
        return self.got == "refused"


def clamps(
    writes: Iterable[AuditWrite], since: datetime, why_at: Callable[[datetime], str]
) -> list[Clamp]:
    """Return what was clamped or refused in the demo's namespace, in order."""
    found = [
        clamp
        for write in writes
        if write.namespace == NAMESPACE and write.at >= since
        for clamp in _clamp(write, why_at)
    ]
    merged: list[Clamp] = []
    for clamp in found:
        if merged and _is_alike(merged[-1], clamp):
            merged[-1] = replace(merged[-1], times=merged[-1].times + 1)
        else:
            merged.append(clamp)
    return merged


def _clamp(write: AuditWrite, why_at: Callable[[datetime], str]) -> list[Clamp]:
    about = f"{write.verb} {write.resource}{'/' if write.subresource else ''}{write.subresource}"
    name = "" if write.resource == "pods" else f" {write.name}"
    asked = replicas(write.request_object)
    if write.code in REFUSALS:
        said = str((write.response_object or {}).get("message", ""))
        shown = "-" if asked is None else str(asked)
        return [Clamp(write.at, write.user, about + name, shown, "refused", said)]
    # The answer of a Scale leaves out zero.
    got = replicas(write.response_object) or 0
    is_clamped = (
        write.succeeded
        and write.resource in SCALED
        and write.subresource in ("", "scale")
        and asked is not None
        and asked > got
    )
    if not is_clamped:
        return []
    return [Clamp(write.at, write.user, about + name, str(asked), str(got), why_at(write.at))]


def replicas(found: Any) -> int | None:
    """Return the count that a request or an answer names, if it names one."""
    spec = found.get("spec") if isinstance(found, dict) else None
    count = spec.get("replicas") if isinstance(spec, dict) else None
    return None if count is None else int(count)


def _is_alike(one: Clamp, other: Clamp) -> bool:
    return (one.user, one.write, one.asked, one.got) == (
        other.user, other.write, other.asked, other.got,
    )  # fmt: skip
