"""Ceilings onto a namespace: one PATCH of our annotations, and of nothing else."""

from collections.abc import Mapping
from typing import Final

from plafond.api.annotations import CEILINGS, WHY, TooManyCeilings, encode_ceilings, encode_why
from plafond.api.paths import namespace_path
from plafond.api.writer import ApiWriter, Result, Written
from plafond.decide.plan import ClearCeilings, SetCeilings
from plafond.enforce.outcome import Outcome

_KEPT: Final = (
    "the API server kept other annotations than those that were written: does the operator run as "
    "ServiceAccount plafond-system/plafond? What others write there is undone"
)


async def set_ceilings(writer: ApiWriter, action: SetCeilings) -> Outcome:
    """Write the ceilings of a namespace and why they are what they are, in one go."""
    text = encode_ceilings(action.ceilings)
    if isinstance(text, TooManyCeilings):
        return Outcome(action, Result.REFUSED, str(text))
    return await _annotated(writer, action, {CEILINGS: text, WHY: encode_why(action.why)})


async def clear_ceilings(writer: ApiWriter, action: ClearCeilings) -> Outcome:
    """Take our annotations off a namespace."""
    return await _annotated(writer, action, {CEILINGS: None, WHY: None})


async def _annotated(
    writer: ApiWriter, action: SetCeilings | ClearCeilings, values: Mapping[str, str | None]
) -> Outcome:
    patch = {"metadata": {"annotations": values}}
    written = await writer.merge(namespace_path(action.namespace), patch)
    if written.result is Result.DONE and not _holds(written, values):
        return Outcome(action, Result.REFUSED, _KEPT, stored=written.stored)
    return Outcome(action, written.result, written.detail, stored=written.stored)


def _holds(written: Written, values: Mapping[str, str | None]) -> bool:
    # Admission may undo a write and answer with success: only what is stored now counts.
    found = ((written.body or {}).get("metadata") or {}).get("annotations") or {}
    return all(found.get(name) == value for name, value in values.items())
