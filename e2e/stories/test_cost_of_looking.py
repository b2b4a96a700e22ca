"""How much the operator asks: one query per meter and pass, for any number of policies."""

import re
import time
from urllib.request import urlopen

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.world import deployment, operator, policy, price_sheet, status

POLICIES = 50
METERS = 4


def total(url: str, pattern: str) -> float:
    """Return the sum of all series at *url* that match *pattern*."""
    with urlopen(url, timeout=5) as answer:  # noqa: S310 - the rig's own http addresses
        text = answer.read().decode()
    return sum(float(value) for value in re.findall(pattern + r"\S* ([0-9.e+]+)", text))


def per_pass(rig: Rig, seconds: float) -> float:
    """Return Prometheus queries per pass over *seconds*."""
    queries = r'prometheus_http_requests_total\{code="200",handler="/api/v1/query"'
    passes = r'plafond_passes_total\{result="done"'
    own = f"http://127.0.0.1:{rig.operator_metrics_port}/metrics"
    theirs = f"{rig.prometheus_url}/metrics"
    before = total(theirs, queries), total(own, passes)
    time.sleep(seconds)
    after = total(theirs, queries), total(own, passes)
    return (after[0] - before[0]) / (after[1] - before[1])


@pytest.mark.timeout(180)
def test_the_number_of_queries_per_pass_does_not_depend_on_the_number_of_policies(
    rig: Rig, namespace: str, tmp_path, record_property
):
    rig.apply(price_sheet("story-eur", "EUR"))
    scaling = {"concurrency": {"targetPerReplica": "6"}}
    first = f"{namespace}-0"
    objects = []
    for number in range(POLICIES):
        name = f"{namespace}-{number}"
        objects.append(
            [
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
                deployment(name, "engine", 0),
                policy(name, currency="EUR", ceilings={"costPerHour": "9"}, scaling=scaling),
            ]
        )
    rig.apply(objects[0])
    with operator(rig, tmp_path):
        poll(lambda: status(rig, first).get("conditions"), 30, what="the first policy's status")
        one = per_pass(rig, 8)
        rig.apply([each for group in objects[1:] for each in group])
        last = f"{namespace}-{POLICIES - 1}"
        poll(lambda: status(rig, last).get("conditions"), 60, what="the last policy's status")
        fifty = per_pass(rig, 8)
    rig.kubectl(
        "delete", "namespace", *(f"{namespace}-{n}" for n in range(POLICIES)), "--wait=false"
    )
    record_property("queries per pass with 1 and 50 policies", f"{one:.2f} {fifty:.2f}")
    # A pass that is under way at either end of the interval counts for one meter or more.
    assert one == pytest.approx(METERS, abs=1)
    assert fifty == pytest.approx(METERS, abs=1)
