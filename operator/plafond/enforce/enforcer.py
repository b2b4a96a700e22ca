"""
Who carries a plan out: the cluster's enforcer, and its twin that writes nothing.

Inside a namespace actions run in their order, because a count must not rise before the ceiling that
bounds it stands. Namespaces run side by side and never wait for one another's trouble.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from kubernetes.aio.client.api_client import ApiClient

from plafond.api.writer import ApiWriter, Result, WriteTimeouts
from plafond.decide.plan import (
    Action,
    ClearCeilings,
    ClearQuota,
    ScaleTo,
    SetCeilings,
    SetQuota,
)
from plafond.enforce.ceilings import clear_ceilings, set_ceilings
from plafond.enforce.outcome import Outcome
from plafond.enforce.quota import clear_quota, set_quota
from plafond.enforce.scale import scale_to

MAX_NAMESPACES_AT_ONCE = 16
# After so long in one namespace no further write is begun there: the pass has to come to its end.
LONGEST_SECONDS = 10.0
_TOO_SLOW = "writes in this namespace take too long; the next pass goes on"


class Enforcer(Protocol):
    """Carries out actions and says what became of each, in their order."""

    async def carry_out(self, actions: Sequence[Action]) -> tuple[Outcome, ...]:
        """Carry out *actions*; a failure is an outcome, never an exception."""


class ObservingEnforcer:
    """Writes nothing."""

    async def carry_out(self, actions: Sequence[Action]) -> tuple[Outcome, ...]:
        """Return what would have been done."""
        return tuple(Outcome(action, Result.OBSERVED) for action in actions)


class ClusterEnforcer:
    """Writes to the cluster, a bounded number of namespaces at a time."""

    def __init__(
        self,
        api_client: ApiClient,
        field_manager: str = "plafond",
        timeouts: WriteTimeouts | None = None,
        may_write: Callable[[], bool] = lambda: True,
    ) -> None:
        self._writer = ApiWriter(api_client, field_manager, timeouts, may_write)
        self._slots = asyncio.Semaphore(MAX_NAMESPACES_AT_ONCE)

    async def carry_out(self, actions: Sequence[Action]) -> tuple[Outcome, ...]:
        """Carry out *actions*, in order inside each namespace."""
        by_namespace: dict[str, list[int]] = {}
        for index, action in enumerate(actions):
            by_namespace.setdefault(action.namespace, []).append(index)
        parts = await asyncio.gather(
            *(self._one_namespace([actions[i] for i in here]) for here in by_namespace.values())
        )
        order = [index for here in by_namespace.values() for index in here]
        outcomes = [outcome for part in parts for outcome in part]
        return tuple(
            outcome for _, outcome in sorted(zip(order, outcomes, strict=True), key=_first)
        )

    async def _one_namespace(self, actions: Sequence[Action]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        async with self._slots:
            started = time.monotonic()
            for action in actions:
                if time.monotonic() - started < LONGEST_SECONDS:
                    outcomes.append(await self._one(action, outcomes))
                else:
                    outcomes.append(Outcome(action, Result.SKIPPED, _TOO_SLOW))
        return outcomes

    async def _one(self, action: Action, before: Sequence[Outcome]) -> Outcome:
        match action:
            case SetCeilings():
                return await set_ceilings(self._writer, action)
            case ClearCeilings():
                return await clear_ceilings(self._writer, action)
            case SetQuota():
                return await set_quota(self._writer, action)
            case ClearQuota():
                return await clear_quota(self._writer, action)
            case ScaleTo():
                if action.after > action.before and any(_left_no_ceiling(each) for each in before):
                    # Nothing would bound the new count; lowering needs no ceiling to be safe.
                    return Outcome(action, Result.SKIPPED, "the ceilings could not be written")
                return await scale_to(self._writer, action)


def _left_no_ceiling(outcome: Outcome) -> bool:
    is_of_ceilings = isinstance(outcome.action, SetCeilings | ClearCeilings)
    return is_of_ceilings and outcome.result is not Result.DONE


def _first(pair: tuple[int, Outcome]) -> int:
    return pair[0]
