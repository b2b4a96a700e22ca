"""
What one pass of the pure core costs: `make bench-core`.

Worlds of growing size are played for some passes, fifteen seconds apart, each with other figures of
the meters; the passes' own processor time is measured, and how much memory the last one left
behind. The rows are to be read as ratios: the slope says how time grows with the number of
workloads (1.00 is linear).
"""

import argparse
import gc
import math
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from e2e.rig.progress import doing
from plafond.decide.evaluate import Evaluation, evaluate
from plafond.decide.plan import Plan, ScaleTo, SetCeilings
from plafond.model.budget import Budget, OnExhausted
from plafond.model.capacity import CapacityType, Node, NodePrice, PriceSheet
from plafond.model.labels import LabelSelector
from plafond.model.meters import Meter, MeterReading, PodKey
from plafond.model.money import Amount
from plafond.model.policy import CostPolicy, Mode, Scaling
from plafond.model.settings import Settings
from plafond.model.snapshot import Namespace, Snapshot
from plafond.model.window import CalendarWindow, Period
from plafond.model.workload import Pod, Workload, WorkloadId

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)
PASS = timedelta(seconds=15)
REQUESTS = {"nvidia.com/gpu": Decimal(1), "cpu": Decimal(8)}
NODE = Node("node", {"gpu": "a"}, {"nvidia.com/gpu": Decimal(100_000)})
REPLICAS = 2
WARM_UP, PASSES = 2, 5


class Size(NamedTuple):
    """So many policies, each of a namespace of its own with so many workloads."""

    policies: int
    workloads: int

    @property
    def total(self) -> int:
        """All workloads together."""
        return self.policies * self.workloads


SIZES = (Size(100, 10), Size(1_000, 10), Size(10_000, 5))


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of processor time of each pass, and bytes of memory that the world took up."""

    size: Size
    seconds: tuple[float, ...]
    grown: int

    @property
    def median(self) -> float:
        """The time of a pass."""
        return statistics.median(self.seconds)


def main() -> int:
    """Measure each size in a process of its own, so that one does not pay for another's memory."""
    parser = argparse.ArgumentParser(prog="python -m e2e.bench.core", description=__doc__)
    parser.add_argument("--size", help="only this one, as POLICIESxWORKLOADS")
    asked = parser.parse_args().size
    if asked:
        size = Size(*map(int, asked.split("x")))
        found = measured(size)
        sys.stdout.write(f"{found.grown} {' '.join(map(str, found.seconds))}\n")
        return 0
    rows = []
    for size in SIZES:
        with doing(f"{size.policies} policies with {size.workloads} workloads each"):
            rows.append(measured_apart(size))
    sys.stdout.write("\n".join(table(rows)) + "\n")
    return 0


def measured_apart(size: Size) -> Measured:
    """Measure *size* in another process."""
    command = [
        sys.executable,
        "-m",
        "e2e.bench.core",
        "--size",
        f"{size.policies}x{size.workloads}",
    ]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - this very file
    number, *seconds = out.split()
    return Measured(size, tuple(map(float, seconds)), int(number))


def measured(size: Size) -> Measured:
    """Play some passes over a world of *size*."""
    settings, empty = Settings(), _memory()
    snapshot = world(size)
    seconds = []
    for number in range(WARM_UP + PASSES):
        snapshot = replace(snapshot, meters=meters(snapshot.pods, number))
        gc.collect()
        began = time.process_time()
        found = evaluate(snapshot, settings)
        seconds.append(time.process_time() - began)
        snapshot = after(snapshot, found)
    return Measured(size, tuple(seconds[WARM_UP:]), _memory() - empty)


def world(size: Size) -> Snapshot:
    """Return a world of *size* in which everything runs and nothing was decided yet."""
    names = [f"team-{number:05}" for number in range(size.policies)]
    workloads = tuple(_workload(name, i) for name in names for i in range(size.workloads))
    return Snapshot(
        NOW,
        policies=tuple(_policy(name, size) for name in names),
        sheets=(_sheet(),),
        namespaces={name: Namespace(name, name) for name in names},
        nodes={NODE.name: NODE},
        pods=tuple(pod for workload in workloads for pod in _pods(workload)),
        workloads=workloads,
    )


def meters(pods: Sequence[Pod], number: int) -> Mapping[Meter, MeterReading]:
    """Return what the meters say in a pass; every pod's figure is another one in each."""
    found = {
        PodKey(pod.namespace, pod.name): 40.0 + (index * 7 + number * 3) % 50
        for index, pod in enumerate(pods)
    }
    return {Meter.GPU_UTILIZATION: MeterReading(found)}


def after(snapshot: Snapshot, found: Evaluation) -> Snapshot:
    """Return the world fifteen seconds later, when the plan was carried out."""
    namespaces, counts = _written(snapshot.namespaces, found.plan)
    return replace(
        snapshot,
        now=snapshot.now + PASS,
        namespaces=namespaces,
        workloads=tuple(
            replace(w, replicas=counts[w.id], is_count_ours=True) if w.id in counts else w
            for w in snapshot.workloads
        ),
        records=found.records,
    )


def table(rows: Sequence[Measured]) -> Iterator[str]:
    """Yield the lines of the table."""
    heads = f"{'a pass':>9} {'a workload':>12} {'memory':>14} {'slope':>6}"
    yield f"{'policies x workloads':22} {heads}"
    for before, row in zip((None, *rows), rows, strict=False):
        size = row.size
        slope = "" if before is None else f"{_slope(before, row):6.2f}"
        name = f"{size.policies} x {size.workloads}"
        memory = f"{row.grown / size.total / 1024:8.1f} kB each"
        each = f"{row.median / size.total * 1e6:9.1f} us"
        yield f"{name:22} {row.median:7.3f} s {each:>12} {memory:>14} {slope}"


def _slope(small: Measured, large: Measured) -> float:
    grown = math.log(large.size.total / small.size.total)
    return math.log(large.median / small.median) / grown


def _written(
    namespaces: Mapping[str, Namespace], plan: Plan
) -> tuple[dict[str, Namespace], dict[WorkloadId, int]]:
    known, counts = dict(namespaces), {}
    for part in plan.parts:
        for action in part.actions:
            if isinstance(action, SetCeilings):
                name = action.namespace
                known[name] = replace(known[name], ceilings=action.ceilings, why=action.why)
            elif isinstance(action, ScaleTo):
                counts[action.workload] = action.after
    return known, counts


def _policy(namespace: str, size: Size) -> CostPolicy:
    limit = Amount(Decimal(4_000 * size.workloads), "EUR")
    window = CalendarWindow(Period.MONTHLY, "Europe/Berlin")
    return CostPolicy(
        namespace,
        "policy",
        f"{namespace}-policy",
        1,
        Mode.ENFORCE,
        "EUR",
        budgets=(Budget("month", limit, window, OnExhausted.KEEP_FLOORS),),
        scaling=Scaling(gpu_utilization_target_percent=70),
        is_confirmed=True,
    )


def _sheet() -> PriceSheet:
    prices = {"nvidia.com/gpu": Decimal("4.10"), "cpu": Decimal("0.03")}
    entry = NodePrice("any", LabelSelector(), CapacityType.ON_DEMAND, prices)
    return PriceSheet("prices", "EUR", NOW - timedelta(days=90), (entry,))


def _workload(namespace: str, index: int) -> Workload:
    workload = WorkloadId(namespace, "Deployment", f"llm-{index:03}")
    uid = f"{namespace}-{index}"
    return Workload(workload, uid, "1", NOW - timedelta(days=3), REPLICAS, REQUESTS)


def _pods(workload: Workload) -> Iterator[Pod]:
    for number in range(REPLICAS):
        yield Pod(
            f"{workload.uid}-{number}",
            workload.id.namespace,
            f"{workload.id.name}-{number}",
            REQUESTS,
            workload.id,
            NODE.name,
            NOW - timedelta(hours=5),
            NOW - timedelta(hours=4),
        )


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.exit(main())
