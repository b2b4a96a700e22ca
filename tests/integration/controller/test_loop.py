"""The loop: supervised, bounded, on its grid, woken at once and not too often."""

import asyncio
import threading
import time
from datetime import timedelta

import pytest
from tests.builders import policy
from tests.integration.controller.support import World, populated, settings
from tests.integration.fakes.kubernetes_api import FakeKubernetes, running
from tests.integration.observe.support import eventually
from tests.unit.report.support import world

from plafond.controller import loop as module
from plafond.model.gap import Gap
from plafond.observe.errors import ObservationError

FACTS = world(policy(), workloads=())


@pytest.fixture
async def client():
    fake = FakeKubernetes()
    async with running(fake) as client:
        yield fake, client


@pytest.fixture
async def started(client, monkeypatch):
    """Run loops of any period until the test ends."""
    monkeypatch.setattr(module, "LEAST_PATIENCE", timedelta(seconds=0.6))
    fake, api = client
    tasks = []

    def start(period):
        around = World(fake, api, populated(fake, FACTS), settings=settings(period))
        tasks.append(asyncio.create_task(around.loop.run()))
        return around

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_passes_follow_one_another_on_the_grid(started):
    around = started(0.1)

    await eventually(lambda: around.passes("done") >= 4)


async def test_a_change_brings_a_pass_long_before_the_next_point_of_the_grid(started):
    around = started(2.0)
    await eventually(lambda: around.passes("done") == 1)

    around.loop.wake()

    # A fifth of the period after the one before.
    await eventually(lambda: around.passes("done") == 2, within=1.5)


async def test_many_changes_bring_no_more_than_five_passes_in_a_period(started):
    around = started(0.5)

    ends = time.monotonic() + 1.05
    while time.monotonic() < ends:
        around.loop.wake()
        await asyncio.sleep(0.002)

    # One at the start and then one every 0.1 s, less what a pass itself takes.
    assert 3 <= around.passes("done") <= 11


async def test_wake_ups_do_not_put_off_the_next_point_of_the_grid(started):
    around = started(0.4)
    for _ in range(40):
        around.loop.wake()
        await asyncio.sleep(0.01)
    before = around.passes("done")

    # Had each of them added a period, the next pass would come in seconds.
    await eventually(lambda: around.passes("done") >= before + 2, within=2.5)


async def test_a_bug_in_a_pass_is_logged_counted_and_not_the_end(started, caplog):
    around = started(0.1)
    around.observer.raises = RuntimeError("the cache of Pods died")
    await eventually(lambda: around.passes("error") >= 2)
    assert "the pass failed" in caplog.text

    around.observer.raises = None

    await eventually(lambda: around.passes("done") >= 1)


async def test_while_nothing_can_be_seen_it_waits_and_says_so_once(started, caplog):
    around = started(0.05)
    around.observer.raises = ObservationError("not everything has been listed yet: Pods: 403")
    await eventually(lambda: around.passes("unobserved") >= 8)

    said = [r.getMessage() for r in caplog.records if "listed" in r.getMessage()]
    assert said == ["not observed: not everything has been listed yet: Pods: 403"]
    # A restart would not help; but whoever asks whether it is of use is told that it is not.
    assert around.loop.is_healthy
    assert not around.loop.is_ready


async def test_a_pass_that_hangs_is_given_up(started, caplog):
    around = started(0.05)

    async def never(_):
        await asyncio.sleep(60)

    see, around.observer.snapshot = around.observer.snapshot, never
    await eventually(lambda: around.passes("timeout") >= 1)
    assert "the pass was given up after" in caplog.text
    around.observer.snapshot = see

    await eventually(lambda: around.passes("done") >= 1)


async def test_while_a_pass_is_evaluated_everything_else_goes_on(started, monkeypatch):
    is_evaluating, has_gone_on = threading.Event(), threading.Event()
    evaluate = module.evaluated

    def slow(*facts):
        is_evaluating.set()
        # Whoever held up the loop would wait in vain for what the loop does meanwhile.
        assert has_gone_on.wait(0.5)
        return evaluate(*facts)

    monkeypatch.setattr(module, "evaluated", slow)
    around = started(0.1)

    await eventually(is_evaluating.is_set)
    has_gone_on.set()

    await eventually(lambda: around.passes("done") >= 1)
    assert around.passes("error") == 0


async def test_a_pass_that_was_given_up_is_not_evaluated_beside_the_next_one(started, monkeypatch):
    go_on, at_work, most = threading.Event(), [], []

    def slow(*facts):
        at_work.append(facts)
        most.append(len(at_work))
        go_on.wait(5)
        at_work.pop()
        return evaluate(*facts)

    evaluate = module.evaluated
    monkeypatch.setattr(module, "evaluated", slow)
    around = started(0.05)

    await eventually(lambda: around.passes("timeout") >= 2)
    go_on.set()

    await eventually(lambda: around.passes("done") >= 1)
    assert max(most) == 1


async def test_passes_that_never_end_well_make_it_unhealthy(started):
    around = started(0.05)
    await eventually(lambda: around.loop.is_ready)
    around.observer.raises = RuntimeError("a bug")

    await eventually(lambda: not around.loop.is_ready)
    await eventually(lambda: not around.loop.is_healthy)


@pytest.mark.parametrize(
    ("silence", "is_ready"),
    [
        pytest.param(timedelta(0), True, id="just heard"),
        pytest.param(timedelta(minutes=2), True, id="quiet"),
        pytest.param(timedelta(minutes=4), False, id="facts are old"),
        pytest.param(None, False, id="a kind was never heard of"),
    ],
)
async def test_it_is_ready_when_passes_end_and_facts_are_not_old(started, silence, is_ready):
    around = started(0.05)
    around.observer.silence = silence
    assert not around.loop.is_ready
    await eventually(lambda: around.passes("done") >= 1)

    assert around.loop.is_ready is is_ready


async def test_what_is_not_observed_is_said_once_and_that_it_is_again(started, caplog):
    caplog.set_level("INFO")
    around = started(0.05)
    around.observer.found = (Gap("Nodes cannot be read: 403"),)
    await eventually(lambda: around.passes("done") >= 3)
    around.observer.found = ()
    await eventually(lambda: "observed again" in caplog.text)

    said = [r.getMessage() for r in caplog.records if r.name == "plafond.controller.missing"]
    assert said == [
        "not observed: Nodes cannot be read: 403",
        "observed again, after: Nodes cannot be read: 403",
    ]
