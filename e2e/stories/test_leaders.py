"""Several operators: one decides, another follows, and two at once do no harm."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.rig.ports import free_ports
from e2e.world import Watched, condition, deployment, operator, policy, price_sheet, utc_now

LEASE = "/apis/coordination.k8s.io/v1/namespaces/plafond-system/leases/plafond"
CEILING = 4
TOGETHER = timedelta(seconds=30)


@pytest.fixture
def chat(rig: Rig, namespace: str) -> Watched:
    """A workload of eight under a ceiling of four."""
    rig.apply(price_sheet("story-eur", "EUR"))
    rig.apply(deployment(namespace, "chat", 8))
    rig.apply(policy(namespace, ceilings={"replicas": CEILING}))
    return Watched(rig, namespace, "chat")


def holder(rig: Rig) -> str:
    """Return who leads; empty while nobody does."""
    found: str = rig.get(LEASE)["spec"].get("holderIdentity", "")
    return found


def second(rig: Rig, directory, **config):
    """Run another operator, whose metrics are out of the way of the first one's."""
    directory = directory / "second"
    directory.mkdir()
    (metrics,) = free_ports(1)
    return operator(rig, directory, metricsAddress=f"127.0.0.1:{metrics}", **config)


def our_writes(rig: Rig, namespace: str, since: datetime) -> list[tuple[str, str]]:
    """Return verb and resource of everything that operators wrote in *namespace*."""
    return [
        (
            write.verb,
            f"{write.resource}/{write.subresource}" if write.subresource else write.resource,
        )
        for write in rig.audit.writes()
        if write.user == "system:serviceaccount:plafond-system:plafond"
        and namespace in (write.namespace, write.name)
        and write.at >= since
    ]


@pytest.mark.timeout(120)
def test_a_second_operator_stands_by_and_takes_over_when_the_first_is_killed(
    rig: Rig,
    namespace: str,
    chat: Watched,
    tmp_path,
    record_property: Callable[[str, object], None],
):
    with operator(rig, tmp_path) as first:
        chat.comes_to(CEILING)
        leader = holder(rig)
        with second(rig, tmp_path):
            poll(lambda: condition(rig, namespace, "Enforcing")[0] == "True", 30, what="the status")
            assert holder(rig) == leader
            first.kill()
            killed = utc_now()
            rig.apply(policy(namespace, ceilings={"replicas": 2}))
            chat.comes_to(2, within=30)
            assert holder(rig) not in ("", leader)
            took = (utc_now() - killed).total_seconds()
            record_property("from SIGKILL to the successor's lowering, lease 4 s", f"{took:.1f} s")


@pytest.mark.timeout(120)
def test_two_that_both_decide_never_pass_the_ceiling_and_do_not_flap(
    rig: Rig,
    namespace: str,
    chat: Watched,
    tmp_path,
    record_property: Callable[[str, object], None],
):
    with operator(rig, tmp_path):
        chat.comes_to(CEILING)
        with second(rig, tmp_path, leaderElection={"enabled": False}):
            since = utc_now()
            poll(
                lambda: chat.replicas <= CEILING and utc_now() - since > TOGETHER,
                60,
                what="half a minute with two leaders",
            )
            rig.apply(policy(namespace, ceilings={"replicas": 3}))
            chat.comes_to(3)
    counts = [
        write.response_object["spec"].get("replicas", 0)
        for write in rig.audit.writes()
        if (write.namespace, write.resource) == (namespace, "deployments")
        and write.succeeded
        and write.at >= since
        and "spec" in (write.response_object or {})
    ]
    assert max(counts, default=0) <= CEILING
    written = our_writes(rig, namespace, since)
    scales = [resource for _, resource in written if resource == "deployments/scale"]
    record_property(
        "two leaders for 30 s, then one lowering",
        f"{len(scales)} writes of the count, {len(written)} of anything in the namespace",
    )
    # One lowering, decided by both: the second one finds a newer version, or the same count.
    assert 1 <= len(scales) <= 4
