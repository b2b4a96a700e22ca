"""The fleet's meters as DCGM exporter and vLLM would expose them."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from e2e.rig.engine import Kind
from e2e.rig.world import BUCKETS, LATENCY_BUCKETS, PodMeters

DCGM_LABELS = ("gpu", "UUID", "device", "modelName", "Hostname", "namespace", "pod", "container")
VLLM_LABELS = ("model_name", "engine", "namespace", "pod")
GPU_MODEL = "NVIDIA H100 80GB HBM3"
BOUNDS = (*map(str, BUCKETS), "+Inf")
LATENCY_BOUNDS = (*map(str, LATENCY_BUCKETS), "+Inf")


def exposition(meters: Iterable[PodMeters]) -> bytes:
    """Return *meters* in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Fleet(list(meters)))
    return generate_latest(registry)


class _Fleet(Collector):
    def __init__(self, meters: list[PodMeters]):
        self._meters = meters

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        yield _gpu_utilization(self._meters)
        # An embedding engine has no queue meter: its load shows in the GPU alone.
        queueing = [each for each in self._meters if each.profile.kind is Kind.LLM]
        yield _gauge("vllm:num_requests_running", "Requests in the batch.", queueing, "running")
        yield _gauge("vllm:num_requests_waiting", "Requests in the queue.", queueing, "waiting")
        yield _tokens("prompt", self._meters)
        yield _tokens("generation", self._meters)
        yield _successes(self._meters)
        yield _time_to_first_token(self._meters)
        yield _latency(self._meters)


def _gpu_utilization(meters: list[PodMeters]) -> Metric:
    family = GaugeMetricFamily(
        "DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %).", labels=DCGM_LABELS
    )
    for each in meters:
        pod = each.pod
        for gpu in range(pod.gpus):
            device = (str(gpu), f"GPU-{pod.uid}-{gpu}", f"nvidia{gpu}", GPU_MODEL, pod.node)
            where = (pod.namespace, pod.name, pod.container)
            family.add_metric((*device, *where), each.gpu_utilization_percent)
    return family


def _labels(meters: PodMeters) -> tuple[str, ...]:
    pod = meters.pod
    return (pod.workload.partition("/")[2], "0", pod.namespace, pod.name)


def _gauge(name: str, text: str, meters: list[PodMeters], attribute: str) -> Metric:
    family = GaugeMetricFamily(name, text, labels=VLLM_LABELS)
    for each in meters:
        family.add_metric(_labels(each), getattr(each, attribute))
    return family


def _tokens(kind: str, meters: list[PodMeters]) -> Metric:
    family = CounterMetricFamily(
        f"vllm:{kind}_tokens", f"Number of {kind} tokens.", labels=VLLM_LABELS
    )
    for each in meters:
        per_request = getattr(each.profile, f"{kind}_tokens")
        family.add_metric(_labels(each), each.served * per_request)
    return family


def _successes(meters: list[PodMeters]) -> Metric:
    family = CounterMetricFamily(
        "vllm:request_success", "Requests finished.", labels=(*VLLM_LABELS, "finished_reason")
    )
    for each in meters:
        family.add_metric((*_labels(each), "stop"), each.served)
    return family


def _time_to_first_token(meters: list[PodMeters]) -> Metric:
    family = HistogramMetricFamily(
        "vllm:time_to_first_token_seconds", "Time to the first token.", labels=VLLM_LABELS
    )
    for each in meters:
        buckets = list(zip(BOUNDS, each.first_token_counts, strict=True))
        family.add_metric(_labels(each), buckets, each.first_token_seconds_sum)
    return family


def _latency(meters: list[PodMeters]) -> Metric:
    family = HistogramMetricFamily(
        "vllm:e2e_request_latency_seconds", "Time to the last token.", labels=VLLM_LABELS
    )
    for each in meters:
        buckets = list(zip(LATENCY_BOUNDS, each.latency_counts, strict=True))
        family.add_metric(_labels(each), buckets, each.latency_seconds_sum)
    return family
