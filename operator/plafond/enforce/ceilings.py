"""Ceilings onto a namespace: one PATCH of our annotations, and of nothing else."""

from typing import Any
from urllib.parse import quote

from plafond.api.annotations import CEILINGS, WHY, TooManyCeilings, encode_ceilings, encode_why
from plafond.api.writer import ApiWriter, Result
from plafond.decide.plan import ClearCeilings, SetCeilings
from plafond.enforce.outcome import Outcome


async def set_ceilings(writer: ApiWriter, action: SetCeilings) -> Outcome:
    """Write the ceilings of a namespace and why they are what they are, in one go."""
    text = encode_ceilings(action.ceilings)
    if isinstance(text, TooManyCeilings):
        return Outcome(action, Result.REFUSED, str(text))
    patch = _annotations({CEILINGS: text, WHY: encode_why(action.why)})
    written = await writer.merge(_path(action.namespace), patch)
    return Outcome(action, written.result, written.detail)


async def clear_ceilings(writer: ApiWriter, action: ClearCeilings) -> Outcome:
    """Take our annotations off a namespace."""
    written = await writer.merge(_path(action.namespace), _annotations({CEILINGS: None, WHY: None}))
    return Outcome(action, written.result, written.detail)


def _path(namespace: str) -> str:
    return f"/api/v1/namespaces/{quote(namespace, safe='')}"


def _annotations(values: dict[str, str | None]) -> dict[str, Any]:
    return {"metadata": {"annotations": values}}
