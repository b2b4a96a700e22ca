"""
What our own counters said before now, asked of Prometheus where a ledger does not reach back.

One range query for the whole cluster, always the same: no name of any object comes into it. It may
take longer than a pass, which goes on without it; what fails is a gap, and asked again a bit later.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from plafond.model.gap import Gap
from plafond.model.history import Histories, History
from plafond.model.money import TOKENS
from plafond.observe.errors import ObservationError
from plafond.observe.history_points import Asked, Teller, histories_of
from plafond.observe.meter_source import MeterSource, PrometheusSource

RETRY_AFTER: Final = timedelta(seconds=10)
# A range of weeks is more work than an instant.
PATIENCE: Final = 6
# In one answer, which must stay below the size that a source bears: about 40 bytes a point.
MOST_POINTS: Final = 300_000
MOST_STEPS: Final = 2_000
LEAST_STEPS: Final = 100
_STEPS: Final = tuple(
    timedelta(seconds=n)
    for n in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
)
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)


class HistoryReader(Protocol):
    """Where the past comes from."""

    async def read(self, wanted: Mapping[str, datetime], now: datetime, among: int) -> Histories:
        """Return a history, or why there is none, for each *wanted* namespace *among* so many."""


class NoHistory:
    """Nobody to ask."""

    async def read(self, wanted: Mapping[str, datetime], now: datetime, among: int) -> Histories:
        """Return nothing."""
        del wanted, now, among
        return {}


def query(step: timedelta) -> str:
    """Return the query for the counters' highest values in each *step*."""
    of_pods = _highest('{__name__=~"plafond_allocated_(cost|gpu_hours)_total"}', step)
    # A function forgets the names of metrics, and neither GPU-hours nor tokens have a currency.
    tokens = _highest("plafond_allocated_tokens_total", step)
    return f'{of_pods} or label_replace({tokens}, "currency", "{TOKENS}", "", "")'


def _highest(counters: str, step: timedelta) -> str:
    highest = f"max_over_time({counters}[{step // _SECOND}s])"
    # The same process, scraped twice, has counted once.
    return f"max by (namespace, exported_namespace, currency, instance) ({highest})"


def step_for(length: timedelta, namespaces: int) -> timedelta:
    """Return the finest step whose answer for so many *namespaces* is not too large."""
    steps = min(MOST_STEPS, max(LEAST_STEPS, MOST_POINTS // (2 * max(1, namespaces))))
    return next((step for step in _STEPS if step * steps >= length), _DAY)


class PrometheusHistory:
    """Asks Prometheus, with at most one query under way; close it when done."""

    def __init__(self, source: MeterSource, teller: Teller) -> None:
        self._teller = teller
        self._patience = source.timeout_seconds
        self._source = PrometheusSource(
            replace(source, timeout_seconds=PATIENCE * source.timeout_seconds)
        )
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="history")
        self._running: Future[Histories] | None = None
        self._failed_at: datetime | None = None
        self._why = Gap("history: Prometheus has not answered yet")

    async def read(self, wanted: Mapping[str, datetime], now: datetime, among: int) -> Histories:
        """Return what is known by now of each namespace in *wanted*."""
        if not wanted:
            return {}
        if self._running is None:
            if self._failed_at is not None and now - self._failed_at < RETRY_AFTER:
                return dict.fromkeys(wanted, self._why)
            self._running = self._pool.submit(
                self._ask, _asked(wanted, now, among, self._teller), now
            )
        waiting = asyncio.shield(asyncio.wrap_future(self._running))
        try:
            found = await asyncio.wait_for(waiting, self._patience)
        except TimeoutError:
            return dict.fromkeys(wanted, self._why)
        self._running = None
        self._remember(found, now)
        # What was wanted only meanwhile, or from earlier on, is asked for next.
        return {name: each for name in wanted if (each := _fit(found.get(name), wanted[name]))}

    def close(self) -> None:
        """Give connection and thread back; a query in flight ends."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._source.close()

    def _remember(self, found: Histories, now: datetime) -> None:
        gaps = [each for each in found.values() if isinstance(each, Gap)]
        self._failed_at = now if gaps else None
        self._why = gaps[0] if gaps else self._why

    def _ask(self, asked: Asked, now: datetime) -> Histories:
        steps = -(-(now - asked.since) // asked.step)
        end = asked.since + steps * asked.step
        try:
            answer = self._source.ask_range(query(asked.step), asked.since, end, asked.step)
        except ObservationError as error:
            return dict.fromkeys(asked.namespaces, Gap(f"history: {error}"))
        return histories_of(answer, asked)


def _asked(wanted: Mapping[str, datetime], now: datetime, among: int, teller: Teller) -> Asked:
    # Prometheus' client knows whole seconds only.
    since = min(wanted.values()).replace(microsecond=0)
    return Asked(tuple(sorted(wanted)), since, step_for(now - since, among), teller)


def _fit(found: History | Gap | None, since: datetime) -> History | Gap | None:
    if isinstance(found, History) and found.since > since:
        return Gap("history: it is asked for from an earlier time on")
    return found
