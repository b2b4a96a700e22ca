"""
The wire format of our annotations, which the API server's admission policies read too.

`plafond.dev/ceilings` on a Namespace is what holds when the operator is dead, so its form is exact:
sorted, no spaces, no leading zeros, nothing unknown. What differs is not ours to understand.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from plafond.model.confirm import CONFIRM
from plafond.model.gap import Gap
from plafond.model.snapshot import MOST_CEILING_BYTES
from plafond.model.workload import WorkloadId

CEILINGS: Final = "plafond.dev/ceilings"
WHY: Final = "plafond.dev/why"
IGNORE: Final = "plafond.dev/ignore"

MAX_CEILINGS_BYTES: Final = MOST_CEILING_BYTES
# The API server drops a message of more than 5 kB, or of more than one line.
MAX_WHY: Final = 512
MAX_CEILING: Final = 2**31 - 1

_KINDS: Final = {
    "deployments.apps": ("apps", "Deployment"),
    "statefulsets.apps": ("apps", "StatefulSet"),
}
_LABEL: Final = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_RESOURCE: Final = "|".join(map(re.escape, _KINDS))
_ENTRY: Final = re.compile(
    rf"(?P<resource>{_RESOURCE})/(?P<name>{_LABEL}(?:[.]{_LABEL})*)=(?P<ceiling>0|[1-9][0-9]{{0,9}})"
)


@dataclass(frozen=True, slots=True)
class TooManyCeilings:
    """The ceilings of one namespace do not fit into its annotation; none of them was encoded."""

    count: int
    size_bytes: int

    def __str__(self) -> str:
        return (
            f"{self.count} ceilings take {self.size_bytes} bytes, "
            f"an annotation holds {MAX_CEILINGS_BYTES}: use fewer targets per namespace"
        )


def encode_ceilings(ceilings: Mapping[WorkloadId, int]) -> str | TooManyCeilings:
    """Return *ceilings* of one namespace as the annotation's text."""
    # A part of them would leave the rest without any limit, so it is all or an error.
    text = ",".join(sorted(_entry(workload, ceiling) for workload, ceiling in ceilings.items()))
    size = len(text.encode())
    return text if size <= MAX_CEILINGS_BYTES else TooManyCeilings(len(ceilings), size)


def decode_ceilings(namespace: str, text: str) -> dict[WorkloadId, int] | Gap:
    """Return the ceilings that *text* holds for *namespace*, or a gap if we did not write it."""
    ceilings: dict[WorkloadId, int] = {}
    for entry in text.split(",") if text else ():
        match = _ENTRY.fullmatch(entry)
        if match is None or int(match["ceiling"]) > MAX_CEILING:
            return Gap(f"{CEILINGS}: {entry[:80]!r} is not resource.group/name=replicas")
        group, kind = _KINDS[match["resource"]]
        ceilings[WorkloadId(namespace, kind, match["name"], group)] = int(match["ceiling"])
    if encode_ceilings(ceilings) != text:
        return Gap(f"{CEILINGS}: not as the operator writes it (order, repetition or length)")
    return ceilings


def encode_why(sentence: str) -> str:
    """Return *sentence* as refusals can quote it: one line of a bounded length."""
    line = " ".join(sentence.split())
    return line if len(line) <= MAX_WHY else line[: MAX_WHY - 1] + "…"


def is_confirmed(metadata: Mapping[str, Any]) -> bool:
    """Say whether somebody has confirmed just the generation that *metadata* is of."""
    annotations = metadata.get("annotations") or {}
    generation = metadata.get("generation")
    return generation is not None and annotations.get(CONFIRM) == str(generation)


def is_ignored(annotations: Mapping[str, str]) -> bool:
    """Say whether a workload with *annotations* asks to be left alone."""
    return annotations.get(IGNORE) == "true"


def _entry(workload: WorkloadId, ceiling: int) -> str:
    entry = f"{workload}={ceiling}"
    if _ENTRY.fullmatch(entry) is None or ceiling > MAX_CEILING:
        msg = f"a ceiling cannot be written as {entry!r}"
        raise ValueError(msg)
    return entry
