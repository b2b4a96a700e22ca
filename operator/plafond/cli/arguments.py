"""Which workload is meant: every way in which kubectl writes one, and `NAMESPACE/NAME`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from plafond.cli.errors import BadInputError

_KINDS: Final = {"Deployment": ("deploy", "deployment", "deployments"),
                 "StatefulSet": ("sts", "statefulset", "statefulsets")}  # fmt: skip
_GROUPS: Final = ("", ".apps", ".v1.apps")
KIND_OF: Final = {
    f"{name}{group}": kind for kind, names in _KINDS.items() for name in names for group in _GROUPS
}
_FORMS: Final = "NAMESPACE/WORKLOAD, TYPE/NAME or NAMESPACE/TYPE/NAME"


@dataclass(frozen=True, slots=True)
class Asked:
    """A workload that somebody has named; *kind* is None where the name has to be enough."""

    namespace: str
    name: str
    kind: str | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that it may be of."""
        return tuple(_KINDS) if self.kind is None else (self.kind,)


def asked(words: Sequence[str], namespace: str | None, default: str) -> Asked:
    """
    Return what *words* name; *namespace* was given beside them, *default* is the context's.

    `deploy/llm` is a Deployment: what is a type to kubectl is no namespace here.
    """
    parts = [part for word in words for part in word.split("/")]
    if not all(parts):
        raise BadInputError(_unclear(words))
    match parts:
        case [name]:
            return Asked(namespace or default, name)
        case [kind, name] if kind in KIND_OF:
            return Asked(namespace or default, name, KIND_OF[kind])
        case [first, name]:
            return Asked(_agreed(first, namespace), name)
        case [first, kind, name] if kind in KIND_OF:
            return Asked(_agreed(first, namespace), name, KIND_OF[kind])
    raise BadInputError(_unclear(words))


def _agreed(written: str, namespace: str | None) -> str:
    if namespace is not None and namespace != written:
        sentence = f"two namespaces are named, {written} and {namespace}"
        raise BadInputError(sentence)
    return written


def _unclear(words: Sequence[str]) -> str:
    types = ", ".join(sorted(KIND_OF))
    return f"{' '.join(words)!r} is no workload: write {_FORMS}, where TYPE is one of {types}"
