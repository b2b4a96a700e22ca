"""Recorded demand: a file of steps, played at a chosen speed."""

import csv
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Steps:
    """One workload's demand: from each offset on, so many requests per second."""

    offsets_seconds: tuple[float, ...]
    requests_per_second: tuple[float, ...]

    def at(self, offset_seconds: float) -> float:
        """Return the demand at an offset; before the first and after the last step's end, zero."""
        position = bisect_right(self.offsets_seconds, offset_seconds) - 1
        if position < 0 or offset_seconds >= self.ends_at:
            return 0.0
        return self.requests_per_second[position]

    @property
    def ends_at(self) -> float:
        """The end of the last step, which lasts as long as the one before."""
        offsets = self.offsets_seconds
        return offsets[-1] + (offsets[-1] - offsets[-2] if len(offsets) > 1 else 3600.0)


@dataclass(frozen=True)
class Recording:
    """The demand of several workloads over the same time."""

    steps: Mapping[str, Steps]

    def at(self, offset_seconds: float) -> dict[str, float]:
        """Return every workload's demand in requests per second at an offset."""
        return {name: steps.at(offset_seconds) for name, steps in self.steps.items()}

    @property
    def row_seconds(self) -> float:
        """The recorded time between one row and the next."""
        first = next(iter(self.steps.values())).offsets_seconds
        return first[1] - first[0] if len(first) > 1 else 3600.0

    @property
    def ends_at(self) -> float:
        """The end of the longest workload's demand."""
        return max(steps.ends_at for steps in self.steps.values())

    def renamed(self, names: Mapping[str, str]) -> "Recording":
        """Return the recording for other workload names; those without one keep theirs."""
        return Recording({names.get(name, name): steps for name, steps in self.steps.items()})


def recording(rows: list[tuple[float, str, float]]) -> Recording:
    """Return a recording of rows (offset in seconds, workload, requests per second)."""
    names = dict.fromkeys(name for _, name, _ in rows)
    return Recording({name: _steps(name, rows) for name in names})


def _steps(name: str, rows: list[tuple[float, str, float]]) -> Steps:
    own = sorted((offset, rate) for offset, workload, rate in rows if workload == name)
    return Steps(tuple(offset for offset, _ in own), tuple(rate for _, rate in own))


def read_recording(path: Path) -> Recording:
    """Read `offset_s,workload,requests_per_s` lines; those that begin with # are remarks."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return recording([
        (float(row["offset_s"]), row["workload"], float(row["requests_per_s"]))
        for row in csv.DictReader(lines)
    ])  # fmt: skip
