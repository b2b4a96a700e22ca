"""Whatever Prometheus does, a gap holds: nothing rises, nothing falls to zero, spend goes on."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.nodes import GPU_NODES
from e2e.rig.polling import poll
from e2e.rig.spoiled import Reply, SpoiledPrometheus, at_another_time, of_rows, with_value
from e2e.stories.counted import used_in
from e2e.stories.quiet import comes_to_rest, passes
from e2e.stories.scraped import scraped
from e2e.world import (
    CHAT,
    Watched,
    annotations,
    condition,
    deployment,
    fixed_budget,
    fresh_namespace,
    operator,
    policy,
    price_sheet,
    utc_now,
)

FOLLOW = {"concurrency": {"targetPerReplica": "6"}, "scaleDownStabilization": "2s"}
# Two seconds each, six at once: four replicas for twelve a second.
PER_SECOND, REPLICAS = 12.0, 4
REPORTED_AFTER = 3.0
# Longer than the stabilization, two passes and what a gap lasts before it is said.
FAULT_SECONDS = 5.0


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """A rig of its own, whose Prometheus is stopped and emptied."""
    with Rig() as started:
        started.install()
        started.add_nodes(GPU_NODES)
        started.apply(price_sheet("story-eur", "EUR"))
        yield started


@pytest.fixture
def chat(rig: Rig) -> Iterator[Watched]:
    """Replicas that follow constant demand, under a budget that is never short."""
    namespace = fresh_namespace(rig, "blind")
    rig.fleet.set_profile(f"{namespace}/chat", CHAT)
    rig.fleet.set_demand(f"{namespace}/chat", PER_SECOND)
    rig.apply(deployment(namespace, "chat", REPLICAS))
    chat = Watched(rig, namespace, "chat")
    chat.comes_to(REPLICAS)
    poll(lambda: serves(rig, namespace), 20, what="Prometheus to see the demand")
    budget = fixed_budget("9000", utc_now(), timedelta(hours=2))
    limits = {"budgets": [budget], "ceilings": {"replicas": 6}}
    rig.apply(policy(namespace, currency="EUR", scaling=FOLLOW, **limits))
    yield chat
    rig.kubectl("delete", "namespace", namespace)


def serves(rig: Rig, namespace: str) -> bool:
    """Say whether Prometheus shows what two seconds each make of the demand."""
    rows = rig.query(f'sum(vllm:num_requests_running{{namespace="{namespace}"}})')
    return bool(rows) and rows[0].value > 0.95 * PER_SECOND * CHAT.service_seconds


@dataclass(frozen=True)
class Held:
    """A workload as it was when metrics were there, and what the operator says of it."""

    chat: Watched
    ceilings: str

    @classmethod
    def since_metrics_are_there(cls, chat: Watched) -> "Held":
        """Wait for metrics, and note what is in force then."""
        poll(lambda: condition(chat.rig, chat.namespace, "MetricsAvailable")[0] == "True", 30)
        comes_to_rest(chat.rig, 4, within=60, namespace=chat.namespace)
        return cls(chat, annotations(chat.rig, chat.namespace)["plafond.dev/ceilings"])

    def is_held(self) -> bool:
        """Neither count nor ceiling have moved."""
        found = annotations(self.chat.rig, self.chat.namespace)["plafond.dev/ceilings"]
        assert (self.chat.replicas, found) == (REPLICAS, self.ceilings), self.metrics
        return True

    @property
    def metrics(self) -> str:
        """What `MetricsAvailable` says, and why."""
        return " ".join(condition(self.chat.rig, self.chat.namespace, "MetricsAvailable")[:2])

    @property
    def used(self) -> float:
        """What the operator has counted so far."""
        page = scraped(f"http://127.0.0.1:{self.chat.rig.operator_metrics_port}/metrics")
        return sum(used_in(page, self.chat.namespace))

    def says(self, status: str, within: float = 30.0) -> None:
        """Wait until `MetricsAvailable` has this status."""
        poll(lambda: self.metrics.startswith(status), within, what=f"MetricsAvailable={status}")

    def demand(self, factor: float) -> None:
        """Let true demand be so many times what it was in the beginning."""
        self.chat.rig.fleet.set_demand(f"{self.chat.namespace}/chat", factor * PER_SECOND)

    def stays_and_is_paid(self, seconds: float) -> float:
        """Check for so many seconds that nothing moves, and that it costs; return the spend."""
        before = self.used
        passes(seconds, stays=self.is_held)
        after = self.used
        assert after > before
        return after


FAULTS = {
    "fault 2, 500": Reply(500),
    "fault 2, 429 with Retry-After": Reply(429, {"Retry-After": "1"}),
    "fault 3, slower than its timeout": Reply(late_seconds=2.5),
    "fault 4, empty": of_rows(lambda rows: []),
    "fault 6, a warning and half of the rows": of_rows(
        lambda rows: rows[::2], warnings=["store eu-1 did not answer"]
    ),
    "fault 7, NaN": with_value("NaN"),
    "fault 7, +Inf": with_value("+Inf"),
    "fault 7, negative": with_value("-1"),
    "fault 10, every series twice": of_rows(lambda rows: [*rows, *rows]),
    "fault 11, a matrix": of_rows(
        lambda rows: [{"metric": row["metric"], "values": [row["value"]]} for row in rows]
    ),
    "fault 11, no labels": of_rows(lambda rows: [{**row, "metric": {}} for row in rows]),
    "fault 11, no JSON": Reply(repeated=2),
    "fault 13, an hour behind": at_another_time(-3600),
    "fault 13, a minute ahead": at_another_time(60),
    "fault 18, not let in": Reply(401),
}


@pytest.mark.timeout(300)
@pytest.mark.lasts(3)
def test_whatever_prometheus_answers_a_count_and_its_ceiling_are_held(
    rig: Rig, chat: Watched, tmp_path, record_property
):
    """Faults 2 to 4, 6, 7, 10, 11, 13 and 18."""
    with SpoiledPrometheus(rig.prometheus_url) as spoiled:
        source = {"url": spoiled.url, "timeout": "2s"}
        with operator(rig, tmp_path, prometheus=source) as running:
            held = Held.since_metrics_are_there(chat)
            for name, reply in FAULTS.items():
                spoiled.reply = reply
                held.stays_and_is_paid(FAULT_SECONDS)
                record_property(name, f"held, MetricsAvailable {held.metrics}")
                spoiled.reply = Reply()
                held.says("True")
            assert "Traceback" not in running.log_path.read_text()


@pytest.mark.timeout(180)
def test_prometheus_stopped_and_emptied_while_demand_triples_and_falls_to_a_tenth(
    rig: Rig, chat: Watched, tmp_path, record_property
):
    """Faults 1 and 12."""
    with operator(rig, tmp_path):
        held = Held.since_metrics_are_there(chat)
        rig.prometheus.kill()
        stopped = utc_now()
        held.demand(3)
        held.says("False")
        said = (utc_now() - stopped).total_seconds()
        spent = [held.stays_and_is_paid(10)]
        held.demand(0.1)
        spent.append(held.stays_and_is_paid(10))
        shutil.rmtree(rig.directory / "prometheus")
        rig.prometheus.start()
        held.says("True")
        # A tenth of the demand is work for one replica; what was never seen is not made up for.
        chat.comes_to(1, within=60)
        spent.append(held.used)
        passes(5, stays=lambda: chat.replicas == 1)
    record_property("said after", f"{said:.1f} s; a gap has to last {REPORTED_AFTER:g} s")
    record_property("spend", " < ".join(f"{each:.4f}" for each in spent))
    assert said >= REPORTED_AFTER
    assert spent == sorted(spent)
