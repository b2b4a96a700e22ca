"""The play itself: demand runs, the operator decides, is killed, and somebody tries to get past."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.live import Live

from e2e.demo.scene import HOURS, NAMESPACE, RECORDING, WORKLOADS, Scene, Workload
from e2e.demo.table import Picture, Row, target_of
from e2e.rig.cluster import Rig
from e2e.rig.kubectl import as_text
from e2e.rig.processes import Process
from e2e.rig.web import is_up
from e2e.world import Watched, annotations, deployment, status, story_config, utc_now
from plafond.model.snapshot import NO_CEILING

# When things happen, as parts of the whole.
KILLED_AT, TRIED_AT, BACK_AT = 0.45, 0.50, 0.60
TRIED_REPLICAS = 30
LOOK_EVERY_SECONDS = 0.5
LINE_EVERY_SECONDS = 5.0


@dataclass
class Play:
    """One performance; what it learns on the way is kept for the end."""

    rig: Rig
    scene: Scene
    directory: Path
    console: Console
    start: datetime = field(default_factory=utc_now)
    news: str = ""
    operator: Process | None = None
    died_at: datetime | None = None
    dead: tuple[datetime, datetime] | None = None
    pictures: list[Picture] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)

    def perform(self) -> None:
        """Play everything, and return when the budget's window is over."""
        self._start_operator()
        self.start = utc_now().replace(microsecond=0) + timedelta(seconds=2)
        self.rig.apply(self.scene.objects(self.start))
        for workload in WORKLOADS:
            self.rig.fleet.set_profile(f"{NAMESPACE}/{workload.name}", workload.profile)
        names = {w.name: f"{NAMESPACE}/{w.name}" for w in WORKLOADS}
        self._until(self.start)
        self.rig.fleet.play(RECORDING, self.scene.seconds_per_hour, names)
        acts = [
            (KILLED_AT, self._kill_operator),
            (TRIED_AT, self._try_to_get_past),
            (BACK_AT, self._bring_back_operator),
        ]
        if self.console.is_terminal:
            with Live(console=self.console, refresh_per_second=4) as live:
                self._run(acts, lambda p: live.update(p.as_table()), LOOK_EVERY_SECONDS)
        else:
            self._run(acts, self._say, LINE_EVERY_SECONDS)

    def _run(
        self,
        acts: list[tuple[float, Callable[[], None]]],
        show: Callable[[Picture], None],
        every: float,
    ) -> None:
        end, shown_at = self.start + self.scene.lasts, self.start - timedelta(seconds=every)
        while (now := utc_now()) < end:
            while acts and now >= self.start + acts[0][0] * self.scene.lasts:
                acts.pop(0)[1]()
            self._note_return(now)
            # The acts take their time: what is seen now is not of the moment before them.
            self.pictures.append(self._picture(utc_now()))
            if now - shown_at >= timedelta(seconds=every):
                show(self.pictures[-1])
                shown_at = now
            time.sleep(LOOK_EVERY_SECONDS)
        if self.died_at is not None:
            # It never came back: dead until the curtain.
            self.dead = (self.died_at, end)

    def _say(self, picture: Picture) -> None:
        self.console.print(picture.as_line(), soft_wrap=True)

    def _start_operator(self) -> None:
        config = self.directory / "plafond.yaml"
        config.write_text(yaml.safe_dump(story_config(self.rig)))
        self.operator = self.rig.start_operator(config)

    def _kill_operator(self) -> None:
        if self.operator is not None:
            self.operator.kill()
        self.operator, self.died_at = None, utc_now()
        self.news = "the operator was killed; ceilings stay in force in the API server"

    def _bring_back_operator(self) -> None:
        self._start_operator()
        self.news = "the operator is starting again"

    def _note_return(self, now: datetime) -> None:
        """Measure how long nobody decided: from the kill to the first pass of the next process."""
        if self.operator is None or self.died_at is None or not is_up(self._readiness):
            return
        self.dead, self.died_at = (self.died_at, now), None
        self.news = "the operator is back; what pods cost meanwhile is counted"

    @property
    def killed_for(self) -> timedelta:
        """How long nobody decided."""
        return self.dead[1] - self.dead[0] if self.dead else timedelta()

    @property
    def _readiness(self) -> str:
        return f"http://127.0.0.1:{self.rig.operator_metrics_port}/readyz"

    def _try_to_get_past(self) -> None:
        """Scale past the ceiling in three ways, as a person would."""
        target, more = "deployment/chat", str(TRIED_REPLICAS)
        ways = {
            "kubectl scale": ("scale", target, f"--replicas={more}", "-n", NAMESPACE),
            "kubectl patch": (
                *("patch", target, "-n", NAMESPACE, "--type=merge"),
                *("-p", f'{{"spec": {{"replicas": {more}}}}}'),
            ),
        }
        for name, arguments in ways.items():
            self.rig.kubectl(*arguments)
            self._note(name)
        labels = {"app.kubernetes.io/name": "chat"}
        manifest = as_text(deployment(NAMESPACE, "chat", TRIED_REPLICAS, labels=labels))
        self.rig.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifest)
        self._note("kubectl apply --server-side --force-conflicts")
        self.news = "; ".join(self.tried)

    def _note(self, way: str) -> None:
        got = Watched(self.rig, NAMESPACE, "chat").replicas
        self.tried.append(f"{way} asked for {TRIED_REPLICAS} and got {got}")

    def _picture(self, now: datetime) -> Picture:
        said = status(self.rig, NAMESPACE, "two-days")
        hour = min(max(0.0, self.hour(now)), float(HOURS))
        served = self.rig.fleet.served()
        ours = annotations(self.rig, NAMESPACE)
        ceilings = ours.get("plafond.dev/ceilings", "")
        return Picture(
            now,
            hour,
            said.get("spent", "-"),
            f"{self.scene.limit} EUR",
            said.get("spentPercent"),
            self._per_recorded_hour(said.get("burnRatePerHour")),
            self._per_recorded_hour(said.get("carriedRatePerHour")),
            self.operator is not None,
            ours.get("plafond.dev/why", ""),
            tuple(self._row(w, said, served, ceilings) for w in WORKLOADS),
            self.news,
        )

    def hour(self, instant: datetime) -> float:
        """Return the hour of the recording that is played at *instant*."""
        return (instant - self.start) / self.scene.lasts * HOURS

    def why_at(self, instant: datetime) -> str:
        """Return the sentence that stood beside the ceilings at *instant*."""
        told = [picture.why for picture in self.pictures if picture.at <= instant]
        return told[-1] if told else ""

    def _per_recorded_hour(self, rate: str | None) -> str:
        if rate is None:
            return "-"
        value, unit = rate.split()
        return f"{Decimal(value) / self.scene.factor:.2f} {unit}"

    def _row(
        self, workload: Workload, said: dict[str, Any], served: dict[str, Any], ceilings: str
    ) -> Row:
        told = target_of(said, workload.name)
        seen = served.get(f"{NAMESPACE}/{workload.name}")
        found = self.rig.get(Watched(self.rig, NAMESPACE, workload.name).path)
        in_force = [int(c.split("=")[1]) for c in ceilings.split(",") if f"/{workload.name}=" in c]
        return Row(
            workload.name,
            workload.workload_class,
            0.0 if seen is None else seen.requests_per_second,
            0.0 if seen is None else seen.offered,
            0.0 if seen is None else seen.served,
            found["spec"]["replicas"],
            found["status"].get("readyReplicas", 0),
            told.get("recommendedReplicas"),
            in_force[0] if in_force and in_force[0] < NO_CEILING else None,
            told.get("reason", "within all limits" if told else ""),
        )

    def _until(self, instant: datetime) -> None:
        time.sleep(max(0.0, (instant - utc_now()).total_seconds()))
