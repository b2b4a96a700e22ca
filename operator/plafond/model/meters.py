"""What Prometheus said, one reading per configured meter."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from plafond.model.gap import Gap


class Meter(StrEnum):
    """What can be read of a pod; offered tokens are read of a whole workload, by its name."""

    GPU_UTILIZATION = "gpuUtilization"  # percent, the mean over the pod's GPUs
    RUNNING_REQUESTS = "runningRequests"
    WAITING_REQUESTS = "waitingRequests"
    TOKENS = "tokens"  # a counter: prompt and completion tokens since the engine started
    TOKENS_PER_SECOND = "tokensPerSecond"  # prompt and completion tokens that were served
    OFFERED_TOKENS_PER_SECOND = "offeredTokensPerSecond"  # what arrives at a gateway
    # Seconds within which so many percent of the requests were answered that ended lately.
    LATENCY_P50 = "latencyP50"
    LATENCY_P90 = "latencyP90"
    LATENCY_P95 = "latencyP95"
    LATENCY_P99 = "latencyP99"


# One policy wants one of them, so each is asked for only while some policy does.
LATENCIES: Final = frozenset(
    {Meter.LATENCY_P50, Meter.LATENCY_P90, Meter.LATENCY_P95, Meter.LATENCY_P99}
)


class PodKey(NamedTuple):
    """How a series names its pod, or its workload where the meter is of workloads."""

    namespace: str
    pod: str


@dataclass(frozen=True, slots=True)
class MeterReading:
    """
    One meter's answer for the whole cluster.

    A pod that is absent from *values* was not seen; *gap* says that the answer as a whole cannot be
    believed, or only as a lower bound when there are values beside it.
    """

    values: Mapping[PodKey, float] = field(default_factory=dict)
    gap: Gap | None = None
