"""Nothing that was spent is lost with a ledger, a namespace or an operator: history fills it in."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.rig.prometheus import query
from e2e.world import (
    API,
    CHAT,
    Watched,
    deployment,
    fixed_budget,
    operator,
    pod_starts,
    policy,
    price_sheet,
    truth,
    utc_now,
)

LASTS = timedelta(hours=1)
# The rig scrapes every second: two later, Prometheus knows what the operator showed.
SCRAPED = 2.0
TOKENS_PER_REQUEST = CHAT.prompt_tokens + CHAT.generation_tokens


@contextlib.contextmanager
def watching(rig: Rig, directory: Path) -> Iterator[None]:
    """Run an operator that leads until it is killed, once Prometheus knows what it has counted."""
    began = utc_now().timestamp()
    with operator(rig, directory):
        # Whoever was killed before leaves a lease behind, which has to end first; the passes of
        # that one, which Prometheus knows yet, say nothing of this one.
        leads = f"plafond_last_pass_timestamp_seconds > {began}"
        poll(lambda: query(rig.prometheus_url, leads), 30, what="an operator that leads")
        yield
        time.sleep(SCRAPED)


def limited(rig: Rig, namespace: str, start: datetime) -> None:
    """Apply a policy whose window began at *start*, and whose limit is out of the way."""
    budget = fixed_budget("9000", start, LASTS)
    rig.apply(policy(namespace, currency="EUR", budgets=[budget]))


def work(rig: Rig, namespace: str) -> None:
    """Let pods come and go, some seconds each."""
    rig.apply(deployment(namespace, "chat", 4))
    for replicas in (4, 2, 5, 1, 4):
        rig.kubectl("scale", "deployment/chat", f"--replicas={replicas}", "-n", namespace)
        Watched(rig, namespace, "chat").comes_to(replicas)
        time.sleep(5)


def written_by(
    rig: Rig, namespace: str, directory: Path, unit: str = "EUR"
) -> tuple[datetime, Decimal]:
    """Run an operator until it has written the ledger; return up to when, and what was spent."""
    collection = f"/apis/{API}/namespaces/{namespace}/spendledgers"
    with operator(rig, directory) as running:
        poll(lambda: is_there(rig, namespace), 30, what="the ledger")
        time.sleep(3)
        running.stop()
    spec = rig.get(f"{collection}/plafond")["spec"]
    spent = spent_in(spec, unit)
    if "continues" in spec:
        spent += spent_in(rig.get(f"{collection}/{spec['continues']['name']}")["spec"], unit)
    return datetime.fromisoformat(spec["asOf"]), spent


def spent_in(spec: Mapping[str, Any], unit: str) -> Decimal:
    """Return all spend in *unit* that one object holds."""
    series = [s for s in spec["series"] if (s["fact"], s["unit"]) == ("Spend", unit)]
    runs = (run for each in series for run in each["runs"])
    values = (Decimal(text) for run in runs for text in run["values"].split())
    return sum(values, Decimal(0))


def is_there(rig: Rig, namespace: str) -> bool:
    """Say whether the namespace has a ledger."""
    return bool(rig.kubectl("get", "spendledgers", "-n", namespace, "-o", "name").stdout)


def compare(rig: Rig, namespace: str, start: datetime, found: tuple[datetime, Decimal]) -> str:
    """The ledger says what the audit log says: to a percent, and a second for each pod start."""
    as_of, spent = found
    true = float(truth(rig, namespace, start, as_of))
    starts = pod_starts(rig.audit.pod_lifetimes(namespace), start, as_of)
    figure = f"{float(spent):.4f} of {true:.4f} EUR, {starts} starts"
    assert abs(float(spent) - true) <= 0.01 * true + 0.001 * starts, figure
    return f"{float(spent) / true:.2%}: {figure}"


@pytest.fixture
def start(rig: Rig) -> datetime:
    """When the window began: before anything ran."""
    rig.apply(price_sheet("story-eur", "EUR"))
    return utc_now().replace(microsecond=0)


@pytest.mark.timeout(180)
def test_a_policy_created_in_mid_window_has_spent_what_ran_before_it(
    rig: Rig, namespace: str, start: datetime, tmp_path, record_property
):
    with watching(rig, tmp_path):
        work(rig, namespace)
    # Whoever counted that was killed, and no ledger was ever written.
    assert not is_there(rig, namespace)
    limited(rig, namespace, start)

    found = written_by(rig, namespace, tmp_path)

    record_property("ledger of truth", compare(rig, namespace, start, found))


@pytest.mark.timeout(180)
def test_a_ledger_deleted_by_hand_has_spent_what_it_had(
    rig: Rig, namespace: str, start: datetime, tmp_path, record_property
):
    with watching(rig, tmp_path):
        limited(rig, namespace, start)
        work(rig, namespace)
    rig.kubectl("delete", "spendledger", "plafond", "-n", namespace)

    found = written_by(rig, namespace, tmp_path)

    record_property("ledger of truth", compare(rig, namespace, start, found))


@pytest.mark.timeout(180)
def test_tokens_of_before_a_policy_come_from_history(
    rig: Rig, namespace: str, start: datetime, tmp_path, record_property
):
    budget = {**fixed_budget("9000", start, LASTS), "limit": {"tokens": "9G"}}
    with watching(rig, tmp_path):
        rig.fleet.set_profile(f"{namespace}/chat", CHAT)
        rig.fleet.set_demand(f"{namespace}/chat", 16.0)
        work(rig, namespace)
    rig.apply(policy(namespace, budgets=[budget]))

    _, tokens = written_by(rig, namespace, tmp_path, "tokens")

    true = rig.fleet.served()[f"{namespace}/chat"].served * TOKENS_PER_REQUEST
    share = float(tokens) / true
    record_property("ledger of truth", f"{share:.2%} of {true:.0f} tokens")
    # What pods processed after they were last scraped, a second or two each, nobody knows; pods
    # that are still there tell of their whole life, as if they had always been as busy.
    assert 0.88 <= share <= 1.06


@pytest.mark.timeout(240)
@pytest.mark.parametrize("operator_until", ["the end", "the deletion"])
def test_a_namespace_that_is_deleted_and_created_again_has_spent_what_it_had(
    rig: Rig, namespace: str, start: datetime, tmp_path, record_property, operator_until: str
):
    with watching(rig, tmp_path):
        limited(rig, namespace, start)
        work(rig, namespace)
        rig.kubectl("delete", "namespace", namespace, "--timeout=60s")
        if operator_until == "the end":
            again(rig, namespace, start)
            poll(lambda: is_there(rig, namespace), 30, what="the ledger")
    if operator_until == "the deletion":
        again(rig, namespace, start)

    found = written_by(rig, namespace, tmp_path)

    record_property("ledger of truth", compare(rig, namespace, start, found))


def again(rig: Rig, namespace: str, start: datetime) -> None:
    """Create the namespace, its policy and its work anew."""
    rig.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    limited(rig, namespace, start)
    rig.apply(deployment(namespace, "chat", 3))
    Watched(rig, namespace, "chat").comes_to(3)
