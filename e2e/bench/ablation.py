"""
What each ingredient of the pacing is worth: `make bench-ablation ARGS="--trace FILE"`.

The pacing benchmark is played as it is, and then with one ingredient after another switched off.
What is printed is tokens served as part of the best that the money could buy, and how much less
that is without the ingredient. Each run is some half a minute of one processor.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from typing import Any, NamedTuple

from e2e.rig.progress import doing
from plafond.decide import horizon, pace, probing, recommendation
from plafond.forecast import day_profile, forecast
from plafond.simulate.benchmark import case_of, mean_replica, weeks_of
from plafond.simulate.contest import PLAFOND, Entry, row_of
from plafond.simulate.observing import Observe
from plafond.simulate.traces import read_trace
from plafond.simulate.world import Model

NEVER = float("inf")
PERCENTS = (90, 70, 50, 30)


class Switch(NamedTuple):
    """One name of a module, and what it is when the ingredient is off."""

    module: Any
    name: str
    off: object


def _nothing_hidden(rates: day_profile.Floats, censored: day_profile.Floats) -> day_profile.Floats:
    del censored
    return rates


def _by_parts(logarithm: float) -> float:
    return max(0.1, 1.0 + logarithm)


def _no_plan(*facts: object) -> None:
    del facts


INGREDIENTS: Mapping[str, Switch | None] = {
    "nothing": None,
    "the plan by a forecast": Switch(pace, "planned", _no_plan),
    "other futures": Switch(horizon, "FUTURES", (0.0,)),
    "cheaper futures, offered": Switch(horizon, "CHEAPER_FUTURE", 0.0),
    "cheaper futures, served": Switch(horizon, "CHEAPER_FUTURE_IF_SERVED", 0.0),
    "overhead of starts": Switch(horizon, "OVERHEAD_LEARNED", 0.0),
    "futures by factors": Switch(forecast, "factor", _by_parts),
    "surprises that may stay": Switch(forecast, "LASTING", forecast.SMOOTHING),
    "smoothing of days": Switch(forecast, "SMOOTHING", 1.0),
    "growth": Switch(forecast, "CERTAIN_GROWTH", NEVER),
    "replicas used by half": Switch(recommendation, "LEAST_USED", 0.0),
    "hours that were hidden": Switch(day_profile, "_uncensored", _nothing_hidden),
    "gentle probes": Switch(probing, "GENTLE_FACTORS", ()),
}


@dataclass(frozen=True, slots=True)
class Job:
    """One run to be made."""

    without: str
    trace: Path
    replica: float | None
    observe: Observe
    percent: int


def score_of(job: Job) -> float:
    """Play *job*; return tokens served as part of the best."""
    window = weeks_of(read_trace(job.trace))
    case = case_of(window, Model(job.replica or mean_replica(window), observe=job.observe))
    percent = Decimal(job.percent)
    with switched_off(INGREDIENTS[job.without]):
        return row_of(Entry(PLAFOND, case, percent, case.budget(percent))).score


@contextmanager
def switched_off(switch: Switch | None) -> Iterator[None]:
    """Have one ingredient off meanwhile."""
    if switch is None:
        yield
        return
    before = getattr(switch.module, switch.name)
    setattr(switch.module, switch.name, switch.off)
    try:
        yield
    finally:
        setattr(switch.module, switch.name, before)


def main() -> int:
    """Play every ingredient's absence, in both ways to see demand, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m e2e.bench.ablation", description=__doc__)
    parser.add_argument("--trace", type=Path, required=True, help="two weeks of demand")
    parser.add_argument("--replica-tokens-per-s", type=float, help="what a replica serves")
    parser.add_argument("--budget-percent", type=int, action="append", help=f"of {PERCENTS}")
    asked = parser.parse_args()
    columns = [(o, p) for o in Observe for p in asked.budget_percent or PERCENTS]
    jobs = [
        Job(without, asked.trace, asked.replica_tokens_per_s, *column)
        for without in INGREDIENTS
        for column in columns
    ]
    with (
        doing(f"playing {len(jobs)} weeks"),
        ProcessPoolExecutor(cpu_count(), get_context("spawn")) as pool,
    ):
        scores = list(pool.map(score_of, jobs))
    sys.stdout.write("\n".join(table([f"{o} {p}" for o, p in columns], scores)) + "\n")
    return 0


def table(columns: list[str], scores: list[float]) -> Iterator[str]:
    """Yield the lines of the table: first the scores as it is, then what each absence changes."""
    rows = [scores[i : i + len(columns)] for i in range(0, len(scores), len(columns))]
    yield f"{'without':26}" + "".join(f"{column:>11}" for column in columns)
    for without, row in zip(INGREDIENTS, rows, strict=True):
        if without == "nothing":
            yield f"{without:26}" + "".join(f"{score:11.4f}" for score in row)
        else:
            less = (found - whole for found, whole in zip(row, rows[0], strict=True))
            yield f"{without:26}" + "".join(f"{each:+11.4f}" for each in less)


if __name__ == "__main__":
    sys.exit(main())
