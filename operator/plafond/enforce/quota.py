"""Our ResourceQuota: created, kept as decided, and deleted; never anybody else's."""

from typing import Any, Final

from plafond.api.constants import MANAGED_BY, OURS, QUOTA_NAME
from plafond.api.paths import namespace_path
from plafond.api.writer import ApiWriter, Result, Written
from plafond.decide.plan import ClearQuota, SetQuota
from plafond.enforce.outcome import Outcome

_NOT_OURS: Final = (
    f"a ResourceQuota called {QUOTA_NAME} is there that the operator did not make, so it bounds no "
    "accelerators: rename or delete it"
)


async def set_quota(writer: ApiWriter, action: SetQuota) -> Outcome:
    """Write the bounds of a namespace's quota, into ours only."""
    before = action.before
    if before is not None and not before.is_ours:
        return Outcome(action, Result.REFUSED, _NOT_OURS)
    hard: dict[str, str | None] = {name: str(most) for name, most in action.hard.items()}
    metadata: dict[str, Any] = {"labels": {MANAGED_BY: OURS}}
    if before is None:
        body = {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": QUOTA_NAME, "namespace": action.namespace, **metadata},
            "spec": {"hard": hard},
        }
        return _outcome(action, await writer.create(_path(action.namespace), body))
    # What others have added is taken out, and the uid refuses whatever took its place.
    hard = {**dict.fromkeys(before.hard), **hard}
    patch = {"metadata": {"uid": before.uid, **metadata}, "spec": {"hard": hard}}
    return _outcome(action, await writer.merge(_named(action.namespace), patch))


async def clear_quota(writer: ApiWriter, action: ClearQuota) -> Outcome:
    """Delete our quota."""
    written = await writer.delete(_named(action.namespace), action.uid)
    return Outcome(action, written.result, written.detail)


def _outcome(action: SetQuota, written: Written) -> Outcome:
    return Outcome(action, written.result, written.detail, stored=written.stored)


def _path(namespace: str) -> str:
    return f"{namespace_path(namespace)}/resourcequotas"


def _named(namespace: str) -> str:
    return f"{_path(namespace)}/{QUOTA_NAME}"
