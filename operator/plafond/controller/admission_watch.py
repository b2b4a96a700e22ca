"""The probe, again and again: what it finds goes into the next snapshot."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Protocol

from plafond.model.admission import Admission, Rule
from plafond.model.snapshot import Snapshot
from plafond.model.workload import WorkloadId
from plafond.observe.admission import Candidate, candidates_in

logger = logging.getLogger(__name__)

Ask = Callable[[Candidate | None], Awaitable[Admission]]
# A ceiling that was lifted while it was probed looks like one that does not hold: ask twice.
LONGEST_DOUBT = timedelta(seconds=5)
# An answer that does not come leaves what was known for so many turns; after them it is old.
KEPT_TURNS = 3
NEED_A_CEILING = frozenset({Rule.CEILING, Rule.CLAMP, Rule.RESTRAIN})
ASKED_OF_A_WORKLOAD = (Rule.CEILING, Rule.RESTRAIN)


class AdmissionView(Protocol):
    """What is known of admission, and what may be probed next."""

    @property
    def found(self) -> Admission:
        """What the last probe found."""

    def look(self, snapshot: Snapshot) -> None:
        """Take from *snapshot* what can be probed."""


class NotWatched:
    """Nothing is probed."""

    found = Admission()

    def look(self, snapshot: Snapshot) -> None:
        """Nothing is taken."""


class AdmissionWatch:
    """Probes every *interval*, and soon after the first ceiling stands."""

    def __init__(self, ask: Ask, interval: timedelta, on_change: Callable[[], None]) -> None:
        self._ask = ask
        self._interval = interval.total_seconds()
        self._doubt = min(LONGEST_DOUBT, interval).total_seconds()
        self._on_change = on_change
        self._rota = Rota()
        self._unanswered: dict[Rule, int] = {}
        self._has_candidate = asyncio.Event()
        self.found = Admission()

    def look(self, snapshot: Snapshot) -> None:
        """Take the workloads to probe from *snapshot*."""
        self._rota.look(candidates_in(snapshot))
        if self._rota:
            self._has_candidate.set()

    async def run(self) -> None:
        """Probe, for ever."""
        while True:
            try:
                await self._turn()
            except Exception:
                # What cannot be probed is not known; that must not end enforcement.
                logger.exception("the admission rules could not be probed")
            if not self._has_candidate.is_set():
                await self._has_candidate.wait()
            else:
                await asyncio.sleep(self._interval)

    async def _turn(self) -> None:
        # Another workload for which a rule holds says nothing of the one for which it did not.
        is_alarmed = any(self.found.rules.get(rule) is False for rule in ASKED_OF_A_WORKLOAD)
        candidate = self._rota.next(stay=is_alarmed)
        found = await self._ask(candidate)
        if _worse(found, self.found):
            await asyncio.sleep(self._doubt)
            found = await self._ask(self._rota.now(candidate))
        known = self.found.without(self._forgotten(found)).updated(found)
        if known != self.found:
            _say(self.found, known)
            self.found = known
            self._on_change()

    def _forgotten(self, found: Admission) -> set[Rule]:
        """Return the rules of which nothing has been heard for too long."""
        missed = {rule: n + 1 for rule, n in self._unanswered.items() if rule not in found.rules}
        self._unanswered = missed | dict.fromkeys(found.rules, 0)
        silent = {rule for rule, turns in missed.items() if turns > KEPT_TURNS}
        return silent if self._rota else silent | NEED_A_CEILING


class Rota:
    """Whose turn it is: of the kind, and of that the workload, that was not asked for longest."""

    def __init__(self) -> None:
        self._candidates: dict[WorkloadId, Candidate] = {}
        self._asked: dict[WorkloadId, int] = {}
        self._kinds: dict[str, int] = {}
        self._turn = 0
        self._last: WorkloadId | None = None

    def __bool__(self) -> bool:
        """There is a workload to ask about."""
        return bool(self._candidates)

    def look(self, candidates: Iterable[Candidate]) -> None:
        """Take *candidates* instead of those before."""
        self._candidates = {each.workload: each for each in candidates}
        self._asked = {w: turn for w, turn in self._asked.items() if w in self._candidates}

    def now(self, candidate: Candidate | None) -> Candidate | None:
        """Return *candidate* as it is now, if it still is one."""
        return None if candidate is None else self._candidates.get(candidate.workload)

    def next(self, *, stay: bool) -> Candidate | None:
        """Return the next to ask about; the last one again to *stay* with it."""
        last = self._candidates.get(self._last) if self._last is not None else None
        if last is not None and stay:
            return last
        if not self._candidates:
            return None
        self._last = min(self._candidates, key=self._waiting)
        self._turn += 1
        self._asked[self._last] = self._kinds[self._last.kind] = self._turn
        return self._candidates[self._last]

    def _waiting(self, workload: WorkloadId) -> tuple[int, int, WorkloadId]:
        return self._kinds.get(workload.kind, 0), self._asked.get(workload, 0), workload


def _worse(found: Admission, before: Admission) -> bool:
    return any(
        not is_applied and before.rules.get(rule, True) for rule, is_applied in found.rules.items()
    )


def _say(before: Admission, now: Admission) -> None:
    for rule in before.rules.keys() - now.rules.keys():
        logger.info("whether admission rule %s is in force is not known any more", rule.value)
    for rule, is_applied in now.rules.items():
        if before.rules.get(rule) is is_applied:
            continue
        if is_applied:
            logger.info("admission rule %s is in force", rule.value)
        else:
            logger.warning(
                "admission rule %s is not in force: %s", rule.value, now.missing_at[rule]
            )
    if now.unreachable != before.unreachable and now.unreachable:
        logger.warning("API servers that cannot be asked: %s", ", ".join(now.unreachable))
