"""Which metrics a policy lacks: held at once by the decision, reported once that has lasted."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from plafond.model.gap import Gap
from plafond.model.meters import Meter, MeterReading
from plafond.model.money import TOKENS
from plafond.model.policy import Scaling
from plafond.report.part import PolicyPart

PolicyKey = tuple[str, str]


def metrics_gap(part: PolicyPart, meters: Mapping[Meter, MeterReading]) -> Gap | None:
    """Return what *part* lacks: a meter that it goes by, or a workload that nothing shows."""
    counted = (Meter.TOKENS,) if TOKENS in part.policy.units else ()
    for meter in (*counted, *_scaled_by(part.policy.scaling or Scaling())):
        reading = meters.get(meter)
        if reading is not None and reading.gap is not None:
            return reading.gap
    if TOKENS in part.policy.units and part.judgement.account.unseen is not None:
        return part.judgement.account.unseen
    return _unseen(part) or _uncounted(part)


def _scaled_by(scaling: Scaling) -> tuple[Meter, ...]:
    by_utilization = scaling.gpu_utilization_target_percent is not None
    by_requests = scaling.concurrency_target_per_replica is not None
    return (
        *((Meter.GPU_UTILIZATION,) if by_utilization else ()),
        *((Meter.RUNNING_REQUESTS, Meter.WAITING_REQUESTS) if by_requests else ()),
        *((scaling.latency.meter,) if scaling.latency is not None else ()),
    )


def _uncounted(part: PolicyPart) -> Gap | None:
    for target in part.targets:
        # What has shown its counter once has at least something that stands for its price.
        if target.is_unmeasured and target.ready_pods and TOKENS not in target.price:
            return Gap(f"{target.id.name}: no pod has ever shown the meter tokens")
    return None


def _unseen(part: PolicyPart) -> Gap | None:
    if part.judgement.left_alone is not None:
        return None  # nobody has looked
    for target in part.targets:
        gap = part.judgement.gaps.get(target.id)
        # Pods that still start have nothing to report, and a price is not a metric.
        if gap is not None and target.ready_pods and gap not in target.gaps.values():
            return Gap(f"{target.id.name}: {gap.why}")
    return None


class LastingGaps:
    """Remembers since when metrics are missing; a gap of a moment is no news."""

    def __init__(self, reported_after: timedelta) -> None:
        self._reported_after = reported_after
        self._since: dict[PolicyKey, datetime] = {}

    def lasting(
        self,
        parts: Iterable[PolicyPart],
        meters: Mapping[Meter, MeterReading],
        now: datetime,
    ) -> dict[PolicyKey, Gap]:
        """Return the gaps that have lasted, by policy; forget those that ended."""
        gaps = {
            (part.policy.namespace, part.policy.name): gap
            for part in parts
            if (gap := metrics_gap(part, meters)) is not None
        }
        self._since = {key: self._since.get(key, now) for key in gaps}
        return {
            key: gap for key, gap in gaps.items() if now - self._since[key] >= self._reported_after
        }
