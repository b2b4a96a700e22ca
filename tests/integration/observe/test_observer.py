"""The observer against a fake API server: from raw objects to one snapshot."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from tests.integration.fakes import objects as made
from tests.integration.fakes.kubernetes_api import FakeKubernetes, failing, running
from tests.integration.fakes.prometheus import FakePrometheus
from tests.integration.fakes.prometheus import running as serving
from tests.integration.observe.support import QUICK, Clock, eventually

from plafond.api.constants import MONTH
from plafond.model.autoscaler import Autoscaler
from plafond.model.gap import Gap
from plafond.model.meters import LATENCIES, Meter, MeterReading
from plafond.model.snapshot import Quota
from plafond.model.workload import WorkloadId
from plafond.observe.errors import ObservationError
from plafond.observe.meter_source import MeterSource
from plafond.observe.meters import DEFAULT_QUERIES, Meters
from plafond.observe.snapshot import Observer

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
LLM = WorkloadId("team-a", "Deployment", "llm")


class NoMeters:
    async def read(self, now, wanted):
        return {Meter.GPU_UTILIZATION: MeterReading(gap=Gap("no Prometheus here"))}


@pytest.fixture
async def fake():
    return FakeKubernetes()


@pytest.fixture
async def observer(fake):
    async with running(fake) as client:
        observer = Observer(client, NoMeters(), Clock(NOW), lambda: None, QUICK)
        yield observer
        await observer.stop()


async def test_a_snapshot_joins_pods_workloads_and_autoscalers(fake, observer):
    fake.put(made.DEPLOYMENTS, made.deployment("llm"))
    fake.put(made.REPLICA_SETS, made.replica_set("llm-1", "llm"))
    fake.put(made.PODS, made.pod("llm-1-a", replica_set="llm-1"))
    fake.put(made.PODS, made.pod("notebook"))
    fake.put(made.HPAS, made.hpa("llm", "llm", desiredReplicas=3))
    fake.put(made.NODES, made.node("node-1", gpu="h100"))
    fake.put(made.NAMESPACES, made.namespace("team-a", ceilings="deployments.apps/llm=4"))
    fake.put(made.POLICIES, made.policy("limits"))
    fake.put(made.POLICIES, made.policy("broken", ceilings={}, budgets="none"))
    fake.put(made.PRICES, made.price_sheet("eur"))
    fake.put(made.LEDGERS, made.ledger("plafond", "team-a"))

    await observer.start()
    await observer.wait_synced(timedelta(seconds=5))
    snapshot = await observer.snapshot(NOW)

    assert snapshot.now == NOW
    assert [(pod.name, pod.owner) for pod in snapshot.pods] == [
        ("llm-1-a", LLM),
        ("notebook", None),
    ]
    assert [each.autoscaler for each in snapshot.workloads] == [
        Autoscaler("HorizontalPodAutoscaler", "llm", 3, most=20)
    ]
    assert snapshot.nodes["node-1"].labels == {"gpu": "h100"}
    assert snapshot.namespaces["team-a"].ceilings == {LLM: 4}
    assert [policy.name for policy in snapshot.policies] == ["limits"]
    assert [policy.name for policy in snapshot.invalid] == ["broken"]
    assert [sheet.name for sheet in snapshot.sheets] == ["eur"]
    assert list(snapshot.records) == ["team-a"]
    assert snapshot.meters[Meter.GPU_UTILIZATION].gap == Gap("no Prometheus here")


async def test_a_namespace_has_the_quota_that_bears_our_name_and_no_other(fake, observer):
    fake.put(made.NAMESPACES, made.namespace("team-a"))
    fake.put(made.NAMESPACES, made.namespace("team-b"))
    fake.put(made.QUOTAS, made.quota())
    fake.put(made.QUOTAS, made.quota("team-b", name="theirs"))

    await observer.start()
    await observer.wait_synced(timedelta(seconds=5))
    namespaces = (await observer.snapshot(NOW)).namespaces

    bounds = {"requests.nvidia.com/gpu": Decimal(4)}
    assert namespaces["team-a"].quota == Quota("uid-quota", bounds, is_ours=True)
    assert namespaces["team-b"].quota is None


async def test_a_pod_that_vanished_is_reported_as_ended_until_it_is_acknowledged(fake, observer):
    fake.put(made.PODS, made.pod("short-lived"))
    await observer.start()
    await observer.wait_synced(timedelta(seconds=5))

    fake.delete(made.PODS, "team-a/short-lived")

    async def ended():
        return [pod.ended_at for pod in (await observer.snapshot(NOW)).pods] == [NOW]

    await eventually(ended)
    observer.acknowledge_ended(["uid-short-lived"])
    assert (await observer.snapshot(NOW)).pods == ()


async def test_a_snapshot_before_everything_was_listed_is_an_error_that_says_what_is_missing(
    fake, observer
):
    fake.answers[("LIST", made.POLICIES)] = [failing(404, "page not found")] * 1000

    await observer.start()

    with pytest.raises(ObservationError, match=r"CostPolicies: .*404 page not found"):
        await observer.wait_synced(timedelta(seconds=0.5))
    with pytest.raises(ObservationError, match="CostPolicies"):
        await observer.snapshot(NOW)


async def test_a_kind_that_appears_later_is_picked_up(fake, observer):
    fake.answers[("LIST", made.POLICIES)] = [failing(404)] * 3
    fake.put(made.POLICIES, made.policy("limits"))

    await observer.start()
    await observer.wait_synced(timedelta(seconds=5))

    assert len((await observer.snapshot(NOW)).policies) == 1
    assert observer.gaps() == ()


async def test_a_ledger_that_cannot_be_read_is_a_gap_and_not_an_empty_one(fake, observer):
    fake.put(made.POLICIES, made.policy("limits"))
    fake.put(made.LEDGERS, made.ledger("plafond", "team-a", memory="not JSON"))

    await observer.start()
    await observer.wait_synced(timedelta(seconds=5))

    assert (await observer.snapshot(NOW)).records == {}
    assert list(observer.unreadable_ledgers()) == ["team-a"]
    snapshot = await observer.snapshot(NOW)
    assert snapshot.policies == ()
    assert [(each.name, each.field) for each in snapshot.invalid] == [("limits", "SpendLedger")]
    assert [gap.why for gap in observer.gaps() if "SpendLedgers team-a/plafond" in gap.why]


async def test_changes_wake_the_loop_and_echoes_do_not(fake):
    woken = []
    async with running(fake) as client:
        observer = Observer(client, NoMeters(), Clock(NOW), lambda: woken.append(1), QUICK)
        fake.put(made.DEPLOYMENTS, made.deployment("llm"))
        await observer.start()
        await observer.wait_synced(timedelta(seconds=5))
        await asyncio.sleep(0.2)
        woken.clear()

        fake.put(made.DEPLOYMENTS, made.deployment("llm"))  # a new version, and nothing else
        fake.put(made.LEDGERS, made.ledger("plafond", "team-a"))
        fake.put(made.LEDGERS, made.ledger("plafond", "team-a"))
        fake.put(made.LEDGERS, made.past(NOW))
        await eventually(lambda: [len(each.pasts) for each in observer.ledgers().values()] == [1])
        assert len(woken) == 1  # the ledger that came into being

        fake.put(made.DEPLOYMENTS, made.deployment("llm", replicas=3))
        await eventually(lambda: len(woken) == 2)
        await observer.stop()


async def test_what_was_written_is_known_ahead_of_the_watches(fake, observer):
    fake.put(made.NAMESPACES, made.namespace("team-a"))
    fake.put(made.QUOTAS, made.quota())
    await observer.start()
    await observer.wait_synced(timedelta(seconds=5))
    await eventually(lambda: fake.watches(made.NAMESPACES) and fake.watches(made.QUOTAS))
    fake.is_silent = True

    written = fake.put(made.NAMESPACES, made.namespace("team-a", ceilings="deployments.apps/llm=4"))
    bounded = fake.put(made.QUOTAS, made.quota(hard={"requests.nvidia.com/gpu": "7"}))
    observer.learn([written, bounded, {"kind": "Scale"}])

    found = (await observer.snapshot(NOW)).namespaces["team-a"]
    assert found.ceilings == {LLM: 4}
    assert found.quota.hard == {"requests.nvidia.com/gpu": Decimal(7)}


async def test_a_cache_that_died_of_a_bug_does_not_go_unseen(fake, observer, monkeypatch):
    await observer.start()
    await observer.wait_synced(timedelta(seconds=5))

    def buggy(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(observer._pods.store, "put", buggy)  # noqa: SLF001 - a bug has no interface
    fake.put(made.PODS, made.pod("new"))

    async def is_seen():
        try:
            await observer.snapshot(NOW)
        except RuntimeError as error:
            return str(error) == "the cache of Pods died"
        return False

    await eventually(is_seen)


async def test_the_most_silent_kind_tells_how_old_the_facts_are(fake):
    clock = Clock(NOW)
    async with running(fake) as client:
        observer = Observer(client, NoMeters(), clock, lambda: None, QUICK)
        assert observer.oldest_contact(NOW) is None
        await observer.start()
        await observer.wait_synced(timedelta(seconds=5))
        await eventually(lambda: fake.watches(made.NODES) == 1)
        await asyncio.sleep(0.1)
        clock.now = NOW + timedelta(minutes=2)
        fake.put(made.PODS, made.pod("new"))
        await asyncio.sleep(0.1)

        assert observer.oldest_contact(clock.now) == timedelta(minutes=2)
        await observer.stop()


async def test_a_ledger_that_was_understood_once_stands_when_it_is_tampered_with(fake, observer):
    fake.put(made.POLICIES, made.policy("limits"))
    fake.put(made.LEDGERS, made.ledger("plafond", "team-a"))
    await observer.start()
    await observer.wait_synced(timedelta(seconds=5))

    fake.put(made.LEDGERS, made.ledger("plafond", "team-a", memory="not JSON"))
    await eventually(lambda: observer.gaps() != ())
    snapshot = await observer.snapshot(NOW)

    assert list(snapshot.records) == ["team-a"]
    assert [policy.name for policy in snapshot.policies] == ["limits"]


async def test_a_past_that_cannot_be_read_is_a_gap_and_not_an_empty_one(fake, observer):
    past = made.past(NOW - timedelta(days=3))
    ledger = made.spent_days_ago(1)
    ledger["spec"]["continues"] = {"name": past["metadata"]["name"], "until": made.CREATED}
    past["spec"]["series"][0]["runs"][0]["values"] = "0"
    for path, raw in ((made.POLICIES, made.policy("limits")), (made.LEDGERS, ledger)):
        fake.put(path, raw)
    fake.put(made.LEDGERS, past)

    await observer.start()
    await observer.wait_synced(timedelta(seconds=5))
    snapshot = await observer.snapshot(NOW)

    assert (snapshot.records, snapshot.policies) == ({}, ())
    assert [each.field for each in snapshot.invalid] == ["SpendLedger"]
    assert f"SpendLedgers team-a/{past['metadata']['name']} cannot be read" in (
        snapshot.invalid[0].why
    )


async def test_days_and_months_that_are_closed_are_not_listed(fake, observer):
    day = made.past(NOW)
    day["metadata"] |= {"name": "plafond-2026-11-15", "labels": {MONTH: "2026-11"}}
    day["spec"] = "whatever is in it"
    fake.put(made.LEDGERS, day)
    fake.put(made.LEDGERS, made.ledger("plafond", "team-a"))

    await observer.start()
    await observer.wait_synced(timedelta(seconds=5))

    assert list(observer.ledgers()) == ["team-a"]
    assert observer.gaps() == ()


async def test_a_latency_is_asked_for_while_some_policy_wants_it(fake):
    prometheus = FakePrometheus()
    async with running(fake) as client, serving(prometheus) as url:
        meters = Meters(MeterSource(url))
        observer = Observer(client, meters, Clock(NOW), lambda: None, QUICK)
        await observer.start()
        await observer.wait_synced(timedelta(seconds=5))
        latency = {"latency": {"quantile": "P95", "target": "2s"}}
        fake.put(made.POLICIES, made.policy("limits", "team-a", scaling=latency))

        async def is_read():
            return Meter.LATENCY_P95 in (await observer.snapshot(NOW)).meters

        await eventually(is_read)
        wanted = {query for query in prometheus.queries if "quantile" in query}
        fake.put(made.POLICIES, made.policy("limits", "team-a", currency="EUR"))

        async def is_left_out():
            return Meter.LATENCY_P95 not in (await observer.snapshot(NOW)).meters

        await eventually(is_left_out)
        await observer.stop()
        meters.close()

    (query,) = wanted
    assert query.startswith("histogram_quantile(0.95, ")


HOSTILE = 'x"} or vector(1) #'


async def test_the_same_is_asked_of_prometheus_whatever_is_in_the_cluster(fake):
    prometheus = FakePrometheus()
    async with running(fake) as client, serving(prometheus) as url:
        meters = Meters(MeterSource(url))
        observer = Observer(client, meters, Clock(NOW), lambda: None, QUICK)
        await observer.start()
        await observer.wait_synced(timedelta(seconds=5))
        await observer.snapshot(NOW)
        empty = sorted(prometheus.queries)
        prometheus.queries.clear()

        # No API server would take such names; these are taken by ours.
        fake.put(made.NAMESPACES, made.namespace(HOSTILE))
        fake.put(made.NODES, made.node("node-1", gpu=HOSTILE))
        fake.put(made.DEPLOYMENTS, made.deployment(HOSTILE, HOSTILE, labels={HOSTILE: HOSTILE}))
        fake.put(made.PODS, made.pod(HOSTILE, HOSTILE))
        fake.put(made.HPAS, made.hpa(HOSTILE, HOSTILE))
        fake.put(made.POLICIES, made.policy(HOSTILE, HOSTILE, currency=HOSTILE))
        fake.put(made.PRICES, made.price_sheet(HOSTILE))

        async def is_seen():
            snapshot = await observer.snapshot(NOW)
            return HOSTILE in snapshot.namespaces and snapshot.pods and snapshot.workloads

        await eventually(is_seen)
        await observer.stop()
        meters.close()

    always = (each for each in DEFAULT_QUERIES if each.meter not in LATENCIES)
    assert empty == sorted(each.query for each in always)
    assert set(prometheus.queries) == set(empty)
