"""
Demand out of Prometheus: the token counters of vLLM, summed up over all pods.

A stretch without samples is unknown, not zero: short ones hold what was last known, long ones end
the reading.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from requests import RequestException
from urllib3.util.retry import Retry

from plafond.simulate.demand import Demand
from plafond.simulate.errors import SimulationError

BIN_S = 600
# As many samples as it gives in one answer.
MOST_BINS = 11_000
TIMEOUT_SECONDS = 30.0
LONGEST_UNKNOWN_S = 6 * 3600
# What the library lets out for an answer that is no JSON, or not that of Prometheus.
_NO_ANSWER = (ValueError, KeyError, TypeError)
TOKENS = "sum(rate(vllm:prompt_tokens_total[10m])) + sum(rate(vllm:generation_tokens_total[10m]))"


@dataclass(frozen=True, slots=True)
class Source:
    """Where to ask, for which PromQL (tokens a second, one series), and for what stretch."""

    url: str
    query: str
    start: datetime
    end: datetime

    @property
    def bins(self) -> int:
        """How many bins the stretch has."""
        return int((self.end - self.start).total_seconds()) // BIN_S


def read_demand(source: Source) -> Demand:
    """Ask Prometheus for the demand of *source*."""
    rows = _asked(source)
    if not isinstance(rows, list) or len(rows) != 1:
        count = len(rows) if isinstance(rows, list) else "something else"
        raise _bad(source, f"one series as the answer to {source.query!r}; got {count}")
    try:
        samples = [(float(at), float(value)) for at, value in rows[0]["values"]]
    except (KeyError, TypeError, ValueError) as error:
        raise _bad(source, "a series of samples; got something else") from error
    found, filled = _filled(source, samples)
    return Demand(source.url, BIN_S, found, filled)


def _asked(source: Source) -> Any:  # noqa: ANN401 - whatever came
    try:
        # Whoever waits for a command asks again by hand.
        prometheus = PrometheusConnect(url=source.url, timeout=TIMEOUT_SECONDS, retry=Retry(0))
        # A sample at a bin's end is the mean over it.
        first = source.start + timedelta(seconds=BIN_S)
        return prometheus.custom_query_range(source.query, first, source.end, str(BIN_S))
    except (RequestException, PrometheusApiClientException, *_NO_ANSWER) as error:
        words = " ".join(str(error).split())
        raise _bad(source, f"an answer to {source.query!r}; {words}") from error


def _filled(
    source: Source, samples: Sequence[tuple[float, float]]
) -> tuple[tuple[float, ...], int]:
    known = {round((at - source.start.timestamp()) / BIN_S) - 1: value for at, value in samples}
    usable = {at: value for at, value in known.items() if math.isfinite(value) and value >= 0}
    # Before the first sample nobody measured: the history is as long as it is.
    found: list[float] = []
    unknown = filled = 0
    for index in range(min(usable, default=0), source.bins):
        value = usable.get(index)
        unknown = 0 if value is not None else unknown + 1
        filled += value is None
        if unknown * BIN_S > LONGEST_UNKNOWN_S or (value is None and not found):
            at = source.start + timedelta(seconds=index * BIN_S)
            raise _bad(source, f"samples around {at:%Y-%m-%d %H:%M} UTC; there are none")
        found.append(found[-1] if value is None else value)
    return tuple(found), filled


def _bad(source: Source, expected: str) -> SimulationError:
    return SimulationError(f"{source.url}: expected {expected}")
