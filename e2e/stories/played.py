"""
A short play on which every fault is tried: a policy lowers a workload, and raises it again.

Each play has a namespace, an operator and a proxy of its own, and that operator sees no other
namespace: so many are played side by side, and none has to be elected.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from e2e.rig.certificates import Pki
from e2e.rig.cluster import Rig
from e2e.rig.faults import Fault, OnlyNamespace, Written
from e2e.rig.kubeconfig import access
from e2e.rig.polling import DeadlinePassedError, poll
from e2e.rig.ports import free_ports
from e2e.rig.processes import Process
from e2e.rig.proxy import ApiProxy
from e2e.stories.counted import used_in
from e2e.stories.scraped import scraped
from e2e.world import (
    API,
    TIMING,
    Watched,
    annotations,
    deployment,
    fixed_budget,
    fresh_namespace,
    pod_starts,
    policy,
    story_config,
    truth,
    utc_now,
)

WANTED = {"chat": 6}
# At 3.60 an hour and replica three of six, then five: a raise has to carry its own end, too.
LOWERED, RAISED = "10.80", "20.00"
REST_SECONDS = 4.0
CHECKPOINT_SECONDS = 5
# One after the other: each asks for a token, and they are numbered.
_STARTING = threading.Lock()
# The audit log is read on from where somebody else has stopped.
_READING = threading.Lock()


@dataclass(frozen=True)
class End:
    """What a play has come to in the cluster."""

    ceilings: str
    counts: Mapping[str, int]
    quota: Mapping[str, str]
    conditions: frozenset[tuple[str, str, str]]
    targets: tuple[tuple[str, int, int], ...]


class Play:
    """One play, step by step; an operator that was ended meanwhile is started again."""

    def __init__(self, rig: Rig, directory: Path):
        self.rig, self.namespace = rig, fresh_namespace(rig, "play")
        self.written = Written()
        self.began = utc_now()
        keys = Pki(rig.control_plane.audit_logs[0].parent / "pki")
        self.proxy = ApiProxy(access(rig.kubeconfig).server, keys)
        self._directory = directory / self.namespace
        self._directory.mkdir()
        self._running: Process | None = None
        self._killed_at = 0.0
        rig.apply([deployment(self.namespace, name, count) for name, count in WANTED.items()])

    @contextmanager
    def played(self, *faults: Fault) -> Iterator["Play"]:
        """Let the operator run, behind *faults*, for as long as the block does."""
        self.proxy.faults = (OnlyNamespace(self.namespace), self.written, *faults)
        with self.proxy:
            try:
                yield self
            finally:
                if self._running is not None:
                    self._running.kill()
        self.rig.kubectl("delete", "namespace", self.namespace, "--wait=false")

    def begin(self) -> None:
        """Apply the policy that lowers, and start the operator."""
        for name, count in WANTED.items():
            Watched(self.rig, self.namespace, name).comes_to(count)
        self.limit(LOWERED)
        self.start()
        self.comes_to(lambda: self.count == self.pods == 3, what="the policy to lower")

    def limit(self, cost_per_hour: str) -> None:
        """Let the policy allow so much an hour, under a budget that is never short."""
        budget = fixed_budget("9000", self.began, timedelta(hours=2))
        ceilings = {"costPerHour": cost_per_hour}
        self.rig.apply(policy(self.namespace, currency="EUR", budgets=[budget], ceilings=ceilings))

    def start(self) -> None:
        """Start the operator, again if it was there before."""
        with _STARTING:
            if self._running is None:
                self._running = self._first_start()
            else:
                self._running.start()

    def kill(self) -> None:
        """End the operator as a crash would."""
        if self._running is not None:
            self._killed_at = time.monotonic()
            self._running.kill()

    @property
    def operator(self) -> Process:
        """The operator's process."""
        assert self._running is not None
        return self._running

    def comes_to(self, until, what: str, within: float = 60.0) -> None:
        """Wait until something is so, and start the operator whenever it is not there."""

        def is_so() -> bool:
            if self._running is not None and not self._running.is_running:
                self.start()
            return until()

        try:
            poll(is_so, within, every=0.2, what=what)
        except DeadlinePassedError as error:
            msg = f"{self.namespace} came to {self.end} by {self.written.names}"
            raise AssertionError(msg) from error

    def ends_well(self, end: End | None, within: float = 60.0) -> End:
        """Wait until the raise has come to *end*, if that is known, and to rest; then no faults."""
        self.comes_to(
            lambda: self.count == 5 and end in (None, self.end), f"the end {end}", within=within
        )
        self.comes_to_rest()
        # What has not happened by now is not to happen while it is looked at.
        self.proxy.faults = self.proxy.faults[:2]
        # Whoever was ended in the silence has first to find out again what it had said.
        self.comes_to(lambda: end in (None, self.end), what=f"the end {end} again")
        return self.end

    def comes_to_rest(self, seconds: float = REST_SECONDS, within: float = 60.0) -> None:
        """Wait until the operator has written nothing but its ledger for so many seconds."""
        self.written.news_at = time.monotonic()
        self.comes_to(
            lambda: time.monotonic() - self.written.news_at > seconds, "silence", within=within
        )

    @property
    def count(self) -> int:
        """How many replicas are asked for."""
        return sum(Watched(self.rig, self.namespace, name).replicas for name in WANTED)

    @property
    def pods(self) -> int:
        """How many pods there are, those that are ending among them."""
        return len(self.rig.get(f"/api/v1/namespaces/{self.namespace}/pods")["items"])

    @property
    def end(self) -> End:
        """What stands in the cluster now."""
        collection = f"/api/v1/namespaces/{self.namespace}/resourcequotas"
        quotas = self.rig.get(collection)["items"]
        said = self.rig.get(f"/apis/{API}/namespaces/{self.namespace}/costpolicies")["items"]
        status = said[0].get("status", {}) if said else {}
        return End(
            annotations(self.rig, self.namespace).get("plafond.dev/ceilings", ""),
            {name: Watched(self.rig, self.namespace, name).replicas for name in WANTED},
            {key: n for quota in quotas for key, n in quota["spec"]["hard"].items()},
            frozenset((c["type"], c["status"], c["reason"]) for c in status.get("conditions", ())),
            tuple(
                (t["name"], t.get("ceiling", -1), t.get("desiredReplicas", -1))
                for t in status.get("targets", ())
            ),
        )

    def miscounted_by(self, blind_seconds: float = 0.0) -> tuple[float, float]:
        """Return by how much the operator's spend differs from the truth, and what may be."""
        page = poll(self._counted, 60, what="a pass that has counted")
        at = page["plafond_last_pass_timestamp_seconds"]
        used = sum(used_in(page, self.namespace))
        until = datetime.fromtimestamp(at, utc_now().tzinfo)
        with _READING:
            true = float(truth(self.rig, self.namespace, self.began, until))
            starts = pod_starts(self.rig.audit.pod_lifetimes(self.namespace), self.began, until)
        # Beside a second for each start: one for the pass itself. And what ends unseen is paid from
        # the last checkpoint until somebody looks again: nobody knows when it was.
        dead = self.written.listed_at - self._killed_at + CHECKPOINT_SECONDS
        unseen = blind_seconds + (max(0.0, dead) if self._killed_at else 0.0)
        ends = max(0, starts - self.count)
        return abs(used - true), (starts + self.count + ends * unseen) * 0.001

    def _counted(self) -> dict[str, float]:
        page = scraped(self._metrics_url)
        is_counted = bool(used_in(page, self.namespace))
        # A first pass tells what it counted a moment before it says when that was.
        is_dated = page.get("plafond_last_pass_timestamp_seconds", 0) > 0
        return page if is_counted and is_dated else {}

    def _first_start(self) -> Process:
        (port,) = free_ports(1)
        self._metrics_url = f"http://127.0.0.1:{port}/metrics"
        path = self._directory / "plafond.yaml"
        path.write_text(yaml.safe_dump(self._config(port)))
        admin = self.rig.service_account_kubeconfig("plafond-system", "plafond")
        way = self.proxy.kubeconfig(self._directory / "kubeconfig", admin)
        return self.rig.start_operator(path, {"KUBECONFIG": str(way)})

    def _config(self, port: int) -> dict[str, Any]:
        config = {
            "metricsAddress": f"127.0.0.1:{port}",
            "leaderElection": {"enabled": False},
            "timing": {**TIMING, "checkpointInterval": f"{CHECKPOINT_SECONDS}s"},
        }
        return story_config(self.rig, **config)
