"""Story: a ceiling holds through every API server, also one that is killed and one that lags."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.kubeconfig import ApiAccess
from e2e.rig.nodes import GPU_NODES
from e2e.rig.polling import poll
from e2e.stories.admission import Team
from e2e.stories.test_hold import stored_counts
from e2e.world import Watched, annotations, deployment, fresh_namespace, operator, policy, utc_now

CEILING = 3
LOWER = 1
LAG_SECONDS = 3.0
DONE = 200


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """A rig of its own, with two API servers: one is killed, and the other lags."""
    with Rig() as started:
        started.install()
        started.add_nodes(GPU_NODES)
        started.start_second_api_server()
        yield started


@pytest.fixture
def second(rig: Rig):
    """The second API server; its view of namespaces is up to date again afterwards."""
    found = rig.control_plane.second
    yield found
    found.wire.delay_seconds = 0


def api_of(rig: Rig) -> ApiAccess:
    return rig.control_plane.second.api


@pytest.fixture
def limited(rig: Rig) -> Watched:
    """A workload under a ceiling that stands; both API servers know of it."""
    team = Team(rig, fresh_namespace(rig, "two-servers"))
    team.deployed("chat", 2)
    team.limit(chat=CEILING)
    chat = Watched(rig, team.name, "chat")
    poll(lambda: holds(rig.merge, chat) and holds(api_of(rig).merge, chat), what="the ceiling")
    return chat


def holds(merge, chat: Watched) -> bool:
    """Say whether an API server clamps, and bring the count down again."""
    merge(f"{chat.path}/scale", {"spec": {"replicas": 9}})
    is_held = chat.replicas == CEILING
    merge(f"{chat.path}/scale", {"spec": {"replicas": 1}})
    return is_held


@contextmanager
def hammered(rig: Rig, chat: Watched) -> Iterator[dict[str, Counter[int]]]:
    """Scale past the ceiling through both API servers for as long as the block runs."""
    stop, path = threading.Event(), f"{chat.path}/scale"
    answers = {"first": Counter[int](), "second": Counter[int]()}

    def hammer(merge, codes: Counter[int]) -> None:
        while not stop.is_set():
            for wish in (9, 1):
                codes[merge(path, {"spec": {"replicas": wish}})] += 1

    ways = [(rig.merge, answers["first"]), (api_of(rig).merge, answers["second"])]
    threads = [threading.Thread(target=hammer, args=way, daemon=True) for way in ways]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)


@pytest.mark.timeout(180)
def test_one_api_server_killed_three_times_and_one_that_lags_let_nothing_past_a_standing_ceiling(
    rig: Rig, limited: Watched, second, record_property
):
    since = utc_now()
    second.wire.delay_seconds = LAG_SECONDS
    with hammered(rig, limited) as answers:
        for _ in range(3):
            seen = {name: codes[DONE] for name, codes in answers.items()}
            poll(
                lambda seen=seen: all(answers[name][DONE] > seen[name] + 50 for name in seen),
                deadline=60,
                what="writes through both API servers",
            )
            rig.api_server.kill()
            rig.api_server.start()
    counts = stored_counts(rig, limited.namespace, since)
    record_property("writes accepted through the killed one", answers["first"][DONE])
    record_property("writes accepted through the lagging one", answers["second"][DONE])
    record_property("highest count stored", f"{max(counts)} under a ceiling of {CEILING}")

    assert len(counts) > 300
    assert max(counts) == CEILING


@pytest.mark.timeout(180)
def test_a_lowered_ceiling_is_passed_through_a_lagging_api_server_for_no_longer_than_its_lag(
    rig: Rig, limited: Watched, second, record_property
):
    second.wire.delay_seconds = LAG_SECONDS
    with hammered(rig, limited) as answers:
        Team(rig, limited.namespace).limit(chat=LOWER)
        lowered = utc_now()
        poll(lambda: above(rig, limited, lowered), deadline=10, what="a count above")
        poll(
            lambda: (utc_now() - lowered).total_seconds() > 2 * LAG_SECONDS,
            deadline=30,
            what="the lag to be over",
        )
        after = answers["second"][DONE]
        poll(lambda: answers["second"][DONE] > after + 20, deadline=30, what="later writes")
    leak = max(above(rig, limited, lowered)) - lowered
    record_property("lag of the second API server", f"{LAG_SECONDS:g} s")
    record_property("counts above the lowered ceiling", f"for {leak.total_seconds():.1f} s")

    assert leak.total_seconds() < LAG_SECONDS + 1
    assert max(stored_counts(rig, limited.namespace, lowered)) == CEILING
    assert limited.replicas == LOWER


def above(rig: Rig, chat: Watched, since) -> list:
    """Return when counts above the lowered ceiling were stored."""
    return [
        write.at
        for write in rig.audit.writes()
        if write.namespace == chat.namespace
        and write.resource == "deployments"
        and write.succeeded
        and write.at > since
        and (write.response_object or {}).get("spec", {}).get("replicas", 0) > LOWER
    ]


@pytest.mark.timeout(180)
def test_what_a_lagging_api_server_let_past_is_corrected_by_the_next_passes(
    rig: Rig, second, tmp_path, record_property
):
    namespace = fresh_namespace(rig, "two-servers-lowered")
    rig.apply(deployment(namespace, "chat", CEILING))
    rig.apply(policy(namespace, ceilings={"replicas": CEILING}))
    chat = Watched(rig, namespace, "chat")
    with operator(rig, tmp_path):
        listed = f"deployments.apps/chat={CEILING}"
        poll(lambda: annotations(rig, namespace).get("plafond.dev/ceilings") == listed, what=listed)
        second.wire.delay_seconds = LAG_SECONDS
        rig.apply(policy(namespace, ceilings={"replicas": LOWER}))
        poll(lambda: chat.replicas == LOWER, what="the lowered count")
        lowered = utc_now()
        passed = second.api.merge(f"{chat.path}/scale", {"spec": {"replicas": 9}})
        leaked = max(stored_counts(rig, namespace, lowered))
        chat.comes_to(LOWER)
    took = utc_now() - lowered
    record_property("stored through the lagging API server", f"{leaked} above {LOWER}")
    record_property("corrected by the operator after", f"{took.total_seconds():.1f} s")

    assert (passed, leaked) == (DONE, CEILING)
