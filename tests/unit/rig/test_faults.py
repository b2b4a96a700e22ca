"""Faults of the proxy, each by itself: what it changes, and that it leaves the rest alone."""

import asyncio
from dataclasses import replace

import pytest
from e2e.rig.faults import (
    Answered,
    Asked,
    CrashAt,
    DroppedError,
    ExpiredStreams,
    LostAnswers,
    LostEvents,
    OnlyNamespace,
    RefusedReads,
    RefusedWrites,
    RepeatedEvents,
    SilentWatches,
    Written,
)

PODS, SCALE = "/api/v1/pods", "/apis/apps/v1/namespaces/a/deployments/chat/scale"
WATCH = Asked("GET", PODS, (("watch", "true"),))
WRITE = Asked("PATCH", SCALE, (("fieldManager", "plafond"),))
PROBE = Asked("PATCH", SCALE, (("dryRun", "All"),))
LEASE = Asked("PATCH", "/apis/coordination.k8s.io/v1/namespaces/p/leases/plafond")
OURS = "/apis/plafond.dev/v1alpha1"
DONE = Answered(200, b"{}")


def event(name="chat", kind="MODIFIED"):
    return {"type": kind, "object": {"metadata": {"uid": name}}}


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (WRITE, "PATCH deployments/scale"),
        (Asked("PATCH", "/api/v1/namespaces/a"), "PATCH namespaces"),
        (Asked("POST", "/api/v1/namespaces/a/events"), "POST events"),
        (
            Asked("PATCH", "/apis/plafond.dev/v1alpha1/pricesheets/eur/status"),
            "PATCH pricesheets/status",
        ),
    ],
)
def test_a_write_is_named_by_its_verb_and_resource(asked, named):
    assert (asked.is_write, asked.named) == (True, named)


def test_what_stores_nothing_is_no_write():
    review = Asked("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews")

    assert [each.is_write for each in (PROBE, review, WATCH)] == [False] * 3


@pytest.mark.parametrize(
    ("path", "before", "selector"),
    [
        (PODS, (), "metadata.namespace=a"),
        ("/api/v1/namespaces", (), "metadata.name=a"),
        (PODS, (("fieldSelector", "x=y"),), "x=y,metadata.namespace=a"),
        ("/api/v1/nodes", (), None),
        ("/apis/apps/v1/namespaces/a/deployments/chat", (), None),
    ],
)
def test_one_namespace_is_selected_where_there_is_a_choice(path, before, selector):
    changed = OnlyNamespace("a").changed(Asked("GET", path, before))

    assert dict(changed.query).get("fieldSelector") == selector


async def test_a_crash_before_a_write_keeps_it_back_and_happens_once():
    crashes = []
    fault = CrashAt(2, lambda: crashes.append(1), is_before=True)
    assert await fault.instead(WRITE) is None
    for harmless in (PROBE, LEASE, WATCH):
        assert await fault.instead(harmless) is None
    with pytest.raises(DroppedError):
        await fault.instead(WRITE)

    assert await fault.instead(WRITE) is None
    assert (len(crashes), fault.hit) == (1, "PATCH deployments/scale")


async def test_a_crash_after_a_write_lets_it_through_and_loses_its_answer():
    crashes = []
    fault = CrashAt(1, lambda: crashes.append(1), is_before=False)
    assert await fault.instead(WRITE) is None
    assert crashes == []
    with pytest.raises(DroppedError):
        await fault.answered(WRITE, DONE)

    assert (len(crashes), fault.hit) == (1, "PATCH deployments/scale")


async def test_a_crash_at_a_resource_counts_no_other_writes():
    fault = CrashAt(1, lambda: None, is_before=True, resource="spendledgers")
    assert await fault.instead(WRITE) is None
    with pytest.raises(DroppedError):
        await fault.instead(replace(WRITE, path=f"{OURS}/namespaces/a/spendledgers/plafond"))

    assert fault.hit == "PATCH spendledgers"


async def test_each_kind_of_write_and_read_is_refused_so_often_and_no_more():
    writes, reads = RefusedWrites(409, 2), RefusedReads(410, 1)

    codes = [await writes.instead(each) for each in (WRITE, LEASE, WRITE, WRITE)]
    read = [await reads.instead(each) for each in (WATCH, Asked("GET", PODS), WATCH, WRITE)]

    assert [each.code if each else None for each in codes] == [409, None, 409, None]
    assert [each.code if each else None for each in read] == [410, 410, None, None]


async def test_the_first_answer_to_a_write_is_lost():
    fault = LostAnswers(1)
    with pytest.raises(DroppedError):
        await fault.answered(WRITE, DONE)

    assert await fault.answered(WRITE, DONE) == DONE


async def test_a_stream_expires_after_so_many_events():
    fault = ExpiredStreams(2, times=1)

    told = [next(iter(await fault.told(WATCH, event())))["type"] for _ in range(4)]

    assert told == ["MODIFIED", "ERROR", "MODIFIED", "MODIFIED"]


async def test_every_other_event_is_lost_and_the_stream_expires_at_the_end():
    fault = LostEvents()
    told = [len(list(await fault.told(WATCH, event()))) for _ in range(3)]
    fault.is_over = True

    assert told == [1, 0, 1]
    assert [each["type"] for each in await fault.told(WATCH, event())] == ["ERROR"]


async def test_an_event_is_repeated_with_the_one_before_it_of_the_same_object():
    fault, first, other, second = RepeatedEvents(), event(), event("embed"), event()

    assert list(await fault.told(WATCH, first)) == [first, first]
    assert list(await fault.told(WATCH, other)) == [other, other]
    assert list(await fault.told(WATCH, second)) == [second, first, second]


async def test_a_silenced_watch_stays_silent_and_a_new_one_is_heard():
    fault, later = SilentWatches(), Asked("GET", PODS, (("watch", "true"),))
    fault.is_on = True
    assert list(await fault.told(WATCH, event())) == []
    fault.is_on = False

    assert list(await fault.told(WATCH, event())) == []
    assert len(list(await fault.told(later, event()))) == 1


async def test_writes_are_noted_and_the_ledger_is_no_news():
    fault = Written()
    began = fault.news_at
    await asyncio.sleep(0.01)
    ledger = Asked("PATCH", "/apis/plafond.dev/v1alpha1/namespaces/a/spendledgers/plafond")
    await fault.instead(ledger)
    assert fault.news_at == began
    await fault.instead(WRITE)

    assert fault.names == ["PATCH spendledgers", "PATCH deployments/scale"]
    assert fault.news_at > began
