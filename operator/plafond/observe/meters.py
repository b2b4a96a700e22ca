"""
What Prometheus says: one aggregated query per meter for the whole cluster, all at once.

The client blocks, so it runs in a bounded thread pool. A query that fails, is late or answers in
part is a reading with a gap, never an exception and never a zero. What is asked is what was
configured, to the letter: nothing that is known of the cluster comes near it.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from plafond.model.gap import Gap
from plafond.model.meters import LATENCIES, Meter, MeterReading
from plafond.observe.errors import ObservationError
from plafond.observe.meter_samples import SampleLabels, reading_of
from plafond.observe.meter_source import MeterSource, PrometheusSource
from plafond.observe.meter_trouble import late

MAX_WORKERS: Final = 4


@dataclass(frozen=True, slots=True)
class MeterQuery:
    """What to ask for one meter, and which labels of its series name the pod."""

    meter: Meter
    query: str
    labels: SampleLabels = field(default_factory=SampleLabels)


# Idle GPUs carry no pod; without the condition they would come as one series that nobody owns.
DEFAULT_QUERIES: Final = (
    MeterQuery(Meter.GPU_UTILIZATION, 'avg by (namespace, pod) (DCGM_FI_DEV_GPU_UTIL{pod!=""})'),
    MeterQuery(Meter.RUNNING_REQUESTS, "sum by (namespace, pod) (vllm:num_requests_running)"),
    MeterQuery(Meter.WAITING_REQUESTS, "sum by (namespace, pod) (vllm:num_requests_waiting)"),
    # One selector, because a sum of two leaves out an engine that shows only one of them.
    MeterQuery(
        Meter.TOKENS,
        'sum by (namespace, pod) ({__name__=~"vllm:(prompt|generation)_tokens_total"})',
    ),
    MeterQuery(
        Meter.TOKENS_PER_SECOND,
        "sum by (namespace, pod) (rate(vllm:prompt_tokens_total[1m]))"
        " + sum by (namespace, pod) (rate(vllm:generation_tokens_total[1m]))",
    ),
    *(
        MeterQuery(
            meter,
            f"histogram_quantile({quantile}, sum by (namespace, pod, le)"
            " (rate(vllm:e2e_request_latency_seconds_bucket[1m])))",
        )
        for meter, quantile in (
            (Meter.LATENCY_P50, "0.5"),
            (Meter.LATENCY_P90, "0.9"),
            (Meter.LATENCY_P95, "0.95"),
            (Meter.LATENCY_P99, "0.99"),
        )
    ),
)


class Meters:
    """Reads every configured meter; close it when done."""

    def __init__(
        self, source: MeterSource, queries: tuple[MeterQuery, ...] = DEFAULT_QUERIES
    ) -> None:
        self._source = source
        self._pool = ThreadPoolExecutor(
            max_workers=min(MAX_WORKERS, max(1, len(queries))), thread_name_prefix="meters"
        )
        self._asked = tuple(
            _Asked(query, PrometheusSource(source), self._pool) for query in queries
        )

    async def read(
        self, now: datetime, wanted: frozenset[Meter] = frozenset()
    ) -> Mapping[Meter, MeterReading]:
        """Return one reading per meter, of latencies only those *wanted*, as configured."""
        chosen = [
            asked
            for asked in self._asked
            if asked.query.meter in wanted or asked.query.meter not in LATENCIES
        ]
        readings = await asyncio.gather(
            *(asked.read(now, self._source.timeout_seconds) for asked in chosen)
        )
        return {asked.query.meter: reading for asked, reading in zip(chosen, readings, strict=True)}

    def close(self) -> None:
        """Give connections and threads back; a query in flight ends."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for asked in self._asked:
            asked.source.close()


class _Asked:
    """One meter's query and its own connection, with at most one request in flight."""

    def __init__(
        self, query: MeterQuery, source: PrometheusSource, pool: ThreadPoolExecutor
    ) -> None:
        self.query = query
        self.source = source
        self._pool = pool
        self._running: Future[MeterReading] | None = None

    async def read(self, now: datetime, timeout_seconds: float) -> MeterReading:
        if self._running is not None and not self._running.done():
            self.source.end()
            return self._gap("the query before it has not ended yet")
        self._running = self._pool.submit(self._read, now)
        try:
            answer = asyncio.shield(asyncio.wrap_future(self._running))
            return await asyncio.wait_for(answer, timeout_seconds)
        except TimeoutError:
            self.source.end()
            return self._gap(late(timeout_seconds))

    def _read(self, now: datetime) -> MeterReading:
        try:
            answer = self.source.ask(self.query.query)
        except ObservationError as error:
            return self._gap(str(error))
        reading = reading_of(answer, self.query.labels, now)
        return reading if reading.gap is None else _named(reading, self.query.meter)

    def _gap(self, why: str) -> MeterReading:
        return _named(MeterReading(gap=Gap(why)), self.query.meter)


def _named(reading: MeterReading, meter: Meter) -> MeterReading:
    why = reading.gap.why if reading.gap is not None else ""
    return MeterReading(reading.values, Gap(f"{meter}: {why}"))
