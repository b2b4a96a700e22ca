"""
A namespace that cannot be evaluated does not stop the others.

Whatever goes wrong in the core is met in one namespace. Its policies are set aside as if nobody
could understand them: what is in force there stays, nothing is raised, and it is said.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace

from plafond.decide.evaluate import Evaluation, evaluate
from plafond.model.policy import CostPolicy, InvalidPolicy
from plafond.model.settings import Settings
from plafond.model.snapshot import Snapshot

logger = logging.getLogger(__name__)

LONGEST_WHY = 200


def evaluated(snapshot: Snapshot, settings: Settings) -> tuple[Snapshot, Evaluation]:
    """
    Return what *snapshot* comes to, and the snapshot in which what fails is set aside.

    Raises whatever is wrong where that is not with the policies of single namespaces.
    """
    try:
        return snapshot, evaluate(snapshot, settings)
    except Exception:
        failing = dict(_failing(snapshot, settings))
        if not failing:
            raise
    for name, error in failing.items():
        logger.error("namespace %s cannot be evaluated and is left as it is", name, exc_info=error)
    rest = _without(snapshot, failing)
    return rest, evaluate(rest, settings)


def _failing(snapshot: Snapshot, settings: Settings) -> Iterator[tuple[str, Exception]]:
    for name in sorted({policy.namespace for policy in snapshot.policies}):
        try:
            evaluate(_narrowed(snapshot, name), settings)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this namespace's
            yield name, error


def _narrowed(snapshot: Snapshot, name: str) -> Snapshot:
    return replace(
        snapshot,
        policies=tuple(p for p in snapshot.policies if p.namespace == name),
        namespaces={n: each for n, each in snapshot.namespaces.items() if n == name},
        pods=tuple(pod for pod in snapshot.pods if pod.namespace == name),
        workloads=tuple(each for each in snapshot.workloads if each.id.namespace == name),
        records={n: each for n, each in snapshot.records.items() if n == name},
    )


def _without(snapshot: Snapshot, failing: Mapping[str, Exception]) -> Snapshot:
    kept = tuple(p for p in snapshot.policies if p.namespace not in failing)
    set_aside = (
        _set_aside(p, failing[p.namespace]) for p in snapshot.policies if p.namespace in failing
    )
    return replace(snapshot, policies=kept, invalid=(*snapshot.invalid, *set_aside))


def _set_aside(policy: CostPolicy, error: Exception) -> InvalidPolicy:
    why = f"it cannot be evaluated ({type(error).__name__}: {error})"[:LONGEST_WHY]
    return InvalidPolicy(policy.namespace, policy.name, policy.uid, policy.generation, "spec", why)
