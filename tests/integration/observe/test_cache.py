"""One cache against a fake API server that has its bad days."""

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.fakes import objects as made
from tests.integration.fakes.kubernetes_api import (
    FakeKubernetes,
    failing,
    hanging,
    running,
    saying,
    status,
)
from tests.integration.observe.support import Clock, eventually, quick

from plafond.observe import kinds
from plafond.observe.api_reader import ApiReader
from plafond.observe.backoff import Backoff
from plafond.observe.cache import Cache, Surroundings
from plafond.observe.recovery import Recovery

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
LIST = ("LIST", made.PODS)
WATCH = ("WATCH", made.PODS)


@pytest.fixture
async def fake():
    return FakeKubernetes()


@pytest.fixture
def clock():
    return Clock(NOW)


@asynccontextmanager
async def cached(fake, clock, kind=kinds.PODS, **settings):
    settings = quick(**settings)
    async with running(fake) as client:
        reader = ApiReader(client, settings.timeouts)
        cache = Cache(kind, Surroundings(reader, clock, lambda: None, settings.timing))
        task = asyncio.create_task(cache.run())
        try:
            yield cache
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def synced(cache):
    async with asyncio.timeout(5):
        await cache.synced.wait()


def names(cache):
    return sorted(record.pod.name for record in cache.store.records.values())


async def test_a_long_list_comes_by_pages(fake, clock):
    for index in range(7):
        fake.put(made.PODS, made.pod(f"pod-{index}"))

    async with cached(fake, clock, page_size=3) as cache:
        await synced(cache)

        assert len(names(cache)) == 7
        assert fake.lists(made.PODS) == 3


async def test_events_are_followed_from_the_list_on(fake, clock):
    fake.put(made.PODS, made.pod("old"))
    async with cached(fake, clock) as cache:
        await synced(cache)

        fake.put(made.PODS, made.pod("new"))
        fake.delete(made.PODS, "team-a/old")

        await eventually(lambda: names(cache) == ["new"])
        assert fake.lists(made.PODS) == 1


async def test_an_empty_list_is_a_list(fake, clock):
    async with cached(fake, clock) as cache:
        await synced(cache)

        assert names(cache) == []
        assert cache.last_contact == NOW


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(saying(""), id="nothing"),
        pytest.param(saying("<html>"), id="a page"),
        pytest.param(saying("[]"), id="no object"),
        pytest.param(saying('{"items": []}'), id="no version"),
        pytest.param(saying('{"metadata": {"resourceVersion": "1"}, "items": {"a": 1}}'), id="map"),
        pytest.param(failing(403, "may not list"), id="403"),
        pytest.param(failing(404, "no such kind"), id="404"),
        pytest.param(failing(410, "expired"), id="410"),
        pytest.param(failing(429, "later"), id="429"),
        pytest.param(failing(500, "broken"), id="500"),
        pytest.param(hanging(), id="hangs"),
    ],
)
async def test_a_list_that_fails_is_said_and_tried_again(fake, clock, caplog, answer):
    caplog.set_level(logging.INFO)
    fake.put(made.PODS, made.pod("there"))
    fake.answers[LIST] = [answer]

    async with cached(fake, clock) as cache:
        await synced(cache)

        assert names(cache) == ["there"]
        assert cache.trouble is None
    said = [record.levelname for record in caplog.records if record.name.startswith("plafond")]
    assert said == ["WARNING", "INFO"]


async def test_a_list_whose_continue_token_expired_starts_over(fake, clock):
    for index in range(4):
        fake.put(made.PODS, made.pod(f"pod-{index}"))
    expired_once = []

    async def second_page_expires(request):
        if request.query.get("continue") and not expired_once:
            expired_once.append(1)
            return await failing(410, "the continue token is too old")(request)
        return await fake._list(request)  # noqa: SLF001 - the fake's own answer, but for one

    fake.answers[LIST] = [second_page_expires] * 2

    async with cached(fake, clock, page_size=2) as cache:
        await synced(cache)

        assert len(names(cache)) == 4


async def test_what_was_known_stands_while_the_api_server_is_away(fake, clock):
    fake.put(made.PODS, made.pod("there"))
    async with cached(fake, clock, relist=0.2) as cache:
        await synced(cache)
        fake.answers[LIST] = [failing(503, "away")] * 1000
        fake.answers[WATCH] = [failing(503, "away")] * 1000

        await eventually(lambda: cache.trouble is not None)
        clock.now = NOW + timedelta(minutes=5)

        assert names(cache) == ["there"]
        assert cache.age(clock.now) == timedelta(minutes=5)
        assert "503 away" in cache.trouble


async def test_when_one_kind_is_answered_again_the_others_do_not_wait_any_longer(fake, clock):
    # Pods would wait for a minute yet; that Nodes are answered again ends it.
    fake.answers[LIST] = [failing(503, "away")]
    fake.answers["LIST", made.NODES] = [failing(503, "away")] * 2
    settings = quick()
    long = replace(settings.timing, backoff=lambda: Backoff(60, 60))
    async with running(fake) as client:
        reader, recovery = ApiReader(client, settings.timeouts), Recovery()

        def around(timing):
            return Surroundings(reader, clock, lambda: None, timing, recovery)

        pods = Cache(kinds.PODS, around(long))
        nodes = Cache(kinds.NODES, around(settings.timing))
        tasks = [asyncio.create_task(pods.run())]
        await eventually(lambda: pods.trouble is not None)
        tasks.append(asyncio.create_task(nodes.run()))
        try:
            await synced(nodes)
            await synced(pods)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def test_recoveries_that_follow_one_another_end_no_further_delay():
    # An API server that fails every other request is asked no more often for it.
    recovery = Recovery(least_seconds=60)
    recovery.tell()
    waiting = asyncio.create_task(recovery.wait(60))
    await asyncio.sleep(0)

    recovery.tell()

    done, _ = await asyncio.wait([waiting], timeout=0.05)
    waiting.cancel()
    assert not done


async def test_an_expired_stream_is_listed_afresh(fake, clock):
    fake.put(made.PODS, made.pod("stays"))
    fake.put(made.PODS, made.pod("goes"))
    async with cached(fake, clock) as cache:
        await synced(cache)
        fake.delete(made.PODS, "team-a/goes", silently=True)

        fake.tell(made.PODS, {"type": "ERROR", "object": status(410, "too old resource version")})

        await eventually(lambda: names(cache) == ["stays"])
        assert list(cache.store.vanished) == ["uid-goes"]


async def test_an_expired_watch_request_is_listed_afresh(fake, clock):
    fake.answers[WATCH] = [failing(410, "too old resource version")]
    async with cached(fake, clock):
        await eventually(lambda: fake.lists(made.PODS) == 2)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "ERROR", "object": status(500, "etcd is away")},
        {"type": "ADDED"},
        {"type": "SURPRISE", "object": {"metadata": {"name": "odd"}}},
    ],
)
async def test_a_broken_stream_is_taken_up_where_it_broke(fake, clock, event):
    async with cached(fake, clock) as cache:
        await synced(cache)
        await eventually(lambda: fake.watches(made.PODS) == 1)
        fake.put(made.PODS, made.pod("before"))
        await eventually(lambda: names(cache) == ["before"])

        fake.tell(made.PODS, event)
        await eventually(lambda: fake.watches(made.PODS) >= 2)
        fake._log[made.PODS].remove(event)  # noqa: SLF001 - it is broken once
        fake.put(made.PODS, made.pod("after"))

        await eventually(lambda: names(cache) == ["after", "before"])
        assert fake.lists(made.PODS) == 1


async def test_a_silent_watch_is_given_up_and_begun_anew_without_a_word(fake, clock, caplog):
    caplog.set_level(logging.INFO)
    fake.is_silent = True
    async with cached(fake, clock, silence=0.2) as cache:
        await synced(cache)
        fake.put(made.PODS, made.pod("unheard"))
        await eventually(lambda: fake.watches(made.PODS) >= 2)

        fake.is_silent = False

        await eventually(lambda: names(cache) == ["unheard"])
        assert fake.lists(made.PODS) == 1
    assert [record for record in caplog.records if record.name.startswith("plafond")] == []


async def test_bookmarks_are_a_sign_of_life(fake, clock):
    async with cached(fake, clock) as cache:
        await synced(cache)
        clock.now = NOW + timedelta(minutes=1)

        fake.tell(
            made.PODS, {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "500"}}}
        )

        await eventually(lambda: cache.last_contact == clock.now)


async def test_a_full_list_finds_what_no_event_told(fake, clock):
    fake.put(made.PODS, made.pod("lost"))
    async with cached(fake, clock, relist=0.3) as cache:
        await synced(cache)
        fake.delete(made.PODS, "team-a/lost", silently=True)
        clock.now = NOW + timedelta(minutes=10)

        await eventually(lambda: names(cache) == [])

        assert cache.store.vanished["uid-lost"].at == clock.now


async def test_a_watch_that_may_not_be_begun_is_said(fake, clock):
    fake.answers[WATCH] = [failing(403, "may not watch")] * 1000
    async with cached(fake, clock) as cache:
        await synced(cache)

        await eventually(lambda: cache.trouble is not None)

        assert "403 may not watch" in cache.trouble
