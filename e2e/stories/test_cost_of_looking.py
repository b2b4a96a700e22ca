"""How much the operator asks: one query per meter and pass, for any number of policies."""

import re
from urllib.request import urlopen

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.world import deployment, operator, policy, price_sheet, status

POLICIES = 50
METERS = 5
PASSES = 8


def total(url: str, pattern: str) -> float:
    """Return the sum of all series at *url* that match *pattern*."""
    with urlopen(url, timeout=5) as answer:  # noqa: S310 - the rig's own http addresses
        text = answer.read().decode()
    return sum(float(value) for value in re.findall(pattern + r"\S* ([0-9.e+]+)", text))


def per_pass(rig: Rig) -> float:
    """Return Prometheus queries per pass, from the end of a pass to the end of a later one."""
    queries = r'prometheus_http_requests_total\{code="200",handler="/api/v1/query"'
    before = passed(rig, 1), total(f"{rig.prometheus_url}/metrics", queries)
    after = passed(rig, PASSES), total(f"{rig.prometheus_url}/metrics", queries)
    return (after[1] - before[1]) / (after[0] - before[0])


def passed(rig: Rig, more: int) -> float:
    """Return how many passes were done, as soon as so many *more* are: none is under way then."""
    own = f"http://127.0.0.1:{rig.operator_metrics_port}/metrics"
    done = r'plafond_passes_total\{result="done"'
    goal = total(own, done) + more
    return poll(
        lambda: found if (found := total(own, done)) >= goal else 0.0,
        60,
        every=0.02,
        what=f"{more} passes",
    )


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
        one = per_pass(rig)
        rig.apply([each for group in objects[1:] for each in group])
        last = f"{namespace}-{POLICIES - 1}"
        poll(lambda: status(rig, last).get("conditions"), 60, what="the last policy's status")
        fifty = per_pass(rig)
    rig.kubectl(
        "delete", "namespace", *(f"{namespace}-{n}" for n in range(POLICIES)), "--wait=false"
    )
    record_property("queries per pass with 1 and 50 policies", f"{one:.2f} {fifty:.2f}")
    # At either end the next pass may have begun; what is asked for each policy would be fifty times
    # as much.
    assert one == pytest.approx(METERS, abs=0.5)
    assert fifty == pytest.approx(METERS, abs=0.5)
