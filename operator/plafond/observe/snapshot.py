"""The observer: every cache and meter, and the snapshot that they make together."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from kubernetes.aio.client.api_client import ApiClient

from plafond.model.capacity import Node
from plafond.model.gap import Gap
from plafond.model.meters import Meter, MeterReading
from plafond.model.policy import CostPolicy
from plafond.model.snapshot import Snapshot
from plafond.observe import kinds
from plafond.observe.api_reader import ApiReader, ReadTimeouts
from plafond.observe.cache import Cache, CacheTiming, Surroundings
from plafond.observe.errors import ObservationError
from plafond.observe.join import (
    PodJoin,
    joined_budgets,
    joined_namespaces,
    joined_workloads,
    usable_policies,
)
from plafond.observe.ledgers import Ledgers, unreadable
from plafond.observe.records.fields import Raw
from plafond.observe.records.ledgers import LedgerRecord

R = TypeVar("R")


class MeterReader(Protocol):
    """Where readings come from."""

    async def read(self, now: datetime, wanted: frozenset[Meter]) -> Mapping[Meter, MeterReading]:
        """Return one reading per configured meter, of latencies those *wanted*; or a gap."""


@dataclass(frozen=True, slots=True)
class ObserverSettings:
    """How patient the caches are."""

    timing: CacheTiming = field(default_factory=CacheTiming)
    timeouts: ReadTimeouts = field(default_factory=ReadTimeouts)


class Observer:
    """Watches the cluster from `start` to `stop`; asks the meters anew for each snapshot."""

    def __init__(
        self,
        api_client: ApiClient,
        meters: MeterReader,
        clock: Callable[[], datetime],
        on_change: Callable[[], None],
        settings: ObserverSettings | None = None,
    ) -> None:
        settings = settings or ObserverSettings()
        reader = ApiReader(api_client, settings.timeouts)
        around = Surroundings(reader, clock, on_change, settings.timing)
        self._meters = meters
        self._policies = Cache(kinds.POLICIES, around)
        self._prices = Cache(kinds.PRICES, around)
        self._ledgers = Cache(kinds.LEDGERS, around)
        self._namespaces = Cache(kinds.NAMESPACES, around)
        self._nodes = Cache(kinds.NODES, around)
        self._pods = Cache(kinds.PODS, around)
        self._replica_sets = Cache(kinds.REPLICA_SETS, around)
        self._deployments = Cache(kinds.DEPLOYMENTS, around)
        self._stateful_sets = Cache(kinds.STATEFUL_SETS, around)
        self._hpas = Cache(kinds.HPAS, around)
        self._quotas = Cache(kinds.QUOTAS, around)
        self._disruption_budgets = Cache(kinds.DISRUPTION_BUDGETS, around)
        self._whole = Ledgers()
        self._pod_join = PodJoin()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to list and watch."""
        self._tasks = [asyncio.create_task(cache.run(), name=cache.name) for cache in self._caches]

    async def stop(self) -> None:
        """End every watch."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def wait_synced(self, within: timedelta) -> None:
        """Return when every kind was listed once; raise ObservationError, with reasons, if not."""
        waiting = [asyncio.create_task(cache.synced.wait()) for cache in self._caches]
        _, pending = await asyncio.wait(waiting, timeout=within.total_seconds())
        for task in pending:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        self._require_synced()

    async def snapshot(self, now: datetime) -> Snapshot:
        """Return what is known at *now*, with ended pods until they are acknowledged."""
        self._require_alive()
        self._require_synced()
        # Without a pause in between, so that what the caches say belongs to one instant.
        facts = self._facts(now)
        return replace(facts, meters=await self._meters.read(now, _latencies(facts.policies)))

    def acknowledge_ended(self, uids: Iterable[str]) -> None:
        """Forget pods that are gone: their cost has been written down."""
        self._pods.store.forget(uids)

    def forget_ended(self, before: datetime) -> None:
        """Forget pods that were gone *before* then: whoever counts them has long done so."""
        gone = self._pods.store.vanished.items()
        self._pods.store.forget([uid for uid, found in gone if found.at < before])

    def learn(self, stored: Iterable[Raw]) -> None:
        """Take what writes came to, ahead of the watches: what we wrote is not judged as it was."""
        for found in stored:
            match found.get("kind"):
                case "Namespace":
                    self._namespaces.learn(found)
                case "ResourceQuota":
                    self._quotas.learn(found)

    def ledgers(self) -> Mapping[str, LedgerRecord]:
        """Return the ledgers by namespace, each with what it continues."""
        return self._whole.whole(_records(self._ledgers), self._ledgers.store.gaps)

    def unreadable_ledgers(self) -> Mapping[str, Gap]:
        """Return the namespaces whose ledger exists and was never understood: it is not empty."""
        return unreadable(_records(self._ledgers), self._ledgers.store.gaps)

    def gaps(self) -> tuple[Gap, ...]:
        """Return what cannot be read: whole kinds, and single objects of them."""
        kinds_missing = tuple(
            Gap(f"{cache.name} cannot be read: {cache.trouble}")
            for cache in self._caches
            if cache.trouble is not None
        )
        objects = (unread.gap for cache in self._caches for unread in cache.store.gaps)
        return (*kinds_missing, *objects)

    def oldest_contact(self, now: datetime) -> timedelta | None:
        """Return how long the most silent kind has been silent; None: one was never heard of."""
        ages = [cache.age(now) for cache in self._caches]
        heard = [age for age in ages if age is not None]
        return max(heard) if len(heard) == len(ages) else None

    def _facts(self, now: datetime) -> Snapshot:
        policies, invalid = usable_policies(_records(self._policies), self.unreadable_ledgers())
        return Snapshot(
            now=now,
            policies=policies,
            invalid=invalid,
            sheets=tuple(sorted(_records(self._prices), key=lambda sheet: sheet.name)),
            namespaces=joined_namespaces(_records(self._namespaces), _records(self._quotas)),
            nodes={each.name: each for each in sorted(_records(self._nodes), key=_name)},
            pods=self._pod_join.joined(self._pods.store, self._replica_sets.store),
            workloads=joined_workloads(
                (*_records(self._deployments), *_records(self._stateful_sets)),
                _records(self._hpas),
            ),
            disruption_budgets=joined_budgets(_records(self._disruption_budgets)),
            records={name: each.record for name, each in sorted(self.ledgers().items())},
        )

    @property
    def _caches(self) -> tuple[Cache[Any], ...]:
        return (
            self._policies,
            self._prices,
            self._ledgers,
            self._namespaces,
            self._nodes,
            self._pods,
            self._replica_sets,
            self._deployments,
            self._stateful_sets,
            self._hpas,
            self._quotas,
            self._disruption_budgets,
        )

    def _require_synced(self) -> None:
        missing = [cache for cache in self._caches if not cache.synced.is_set()]
        if missing:
            why = "; ".join(
                f"{cache.name}: {cache.trouble or 'no answer yet'}" for cache in missing
            )
            msg = f"not everything has been listed yet: {why}"
            raise ObservationError(msg)

    def _require_alive(self) -> None:
        for task in self._tasks:
            if task.done():
                # A cache survives everything but a bug in itself, and a bug must not go unseen.
                msg = f"the cache of {task.get_name()} died"
                raise RuntimeError(msg) from (None if task.cancelled() else task.exception())


def _records(cache: Cache[R]) -> Iterable[R]:
    return cache.store.records.values()


def _latencies(policies: Iterable[CostPolicy]) -> frozenset[Meter]:
    scalings = (policy.scaling for policy in policies)
    wanted = (scaling.latency for scaling in scalings if scaling is not None)
    return frozenset(latency.meter for latency in wanted if latency is not None)


def _name(each: Node) -> str:
    return each.name
