"""Telling the fleet exporter what is demanded, and asking it what was served."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.rig.demand import read_recording
from e2e.rig.engine import Profile
from e2e.rig.fleet import profile_fields
from e2e.rig.web import call


@dataclass(frozen=True)
class Served:
    """The truth about one workload's requests since the exporter began, and now."""

    offered: float
    served: float
    dropped: float
    waiting: float
    running: float
    requests_per_second: float


@dataclass(frozen=True)
class Fleet:
    """The fleet exporter at *url*; a workload is "namespace/deployment"."""

    url: str

    def set_profile(self, workload: str, profile: Profile) -> None:
        """Say what *workload*'s engine is like."""
        self._send("PUT", "/demand", {workload: {"profile": profile_fields(profile)}})

    def set_demand(self, workload: str, requests_per_second: float) -> None:
        """Ask *requests_per_second* of *workload* from now on."""
        self._send("PUT", "/demand", {workload: {"requests_per_second": requests_per_second}})

    def end_demand(self) -> None:
        """Ask nothing of anybody any more, and stop playing."""
        self._send("DELETE", "/demand")

    def play(
        self, file: Path, seconds_per_row: float, workloads: Mapping[str, str] | None = None
    ) -> float:
        """Begin to play a recording, one row in *seconds_per_row*; return how long it takes.

        Args:
            file: CSV, `offset_s,workload,requests_per_s`.
            seconds_per_row: real seconds for one recorded step.
            workloads: the cluster's name for each name in the file.
        """
        played = read_recording(file).renamed(workloads or {})
        speed = played.row_seconds / seconds_per_row
        rows = [
            (offset, name, rate)
            for name, steps in played.steps.items()
            for offset, rate in zip(steps.offsets_seconds, steps.requests_per_second, strict=True)
        ]
        self._send("PUT", "/play", {"rows": rows, "speed": speed})
        return played.ends_at / speed

    def served(self) -> dict[str, Served]:
        """Return what was offered, served and dropped, by workload."""
        answer = self._send("GET", "/served")
        return {workload: Served(**fields) for workload, fields in answer.items()}

    def show_to_hpas(self, certificate: Path, key: Path, *, lost: bool = False) -> int:
        """Serve demand as external metrics, or fail to if they are *lost*; return the port."""
        body = {"certificate": str(certificate), "key": str(key), "lost": lost}
        return int(self._send("PUT", "/external-metrics", body)["port"])

    def _send(self, method: str, path: str, body: object = None) -> Any:
        return call(self.url + path, method, body)
