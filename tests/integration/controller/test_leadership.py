"""Leadership: who may write, from when on and how long, by a clock that nobody can set."""

import asyncio
import socket
from datetime import timedelta

import pytest
from aiohttp import web
from tests.builders import policy
from tests.integration.controller.support import LEDGERS, World, populated
from tests.integration.fakes import objects as made
from tests.integration.fakes.kubernetes_api import FakeKubernetes, failing, hanging, running
from tests.integration.observe.support import eventually
from tests.unit.report.support import world

from plafond.api.writer import ApiWriter, Result, WriteTimeouts
from plafond.controller.leadership import LeaseElection, LeaseTiming, own_identity

LEASES = "/apis/coordination.k8s.io/v1/leases"
COLLECTION = "/apis/coordination.k8s.io/v1/namespaces/plafond-system/leases"
OBJECT = f"{COLLECTION}/plafond"
TIMING = LeaseTiming(timedelta(seconds=15), timedelta(seconds=10), timedelta(milliseconds=200))


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self):
        self.at = 100.0

    def __call__(self):
        return self.at


@pytest.fixture
async def cluster():
    fake = FakeKubernetes()
    async with running(fake) as client:
        yield fake, client


def candidate(client, name, clock):
    writer = ApiWriter(client, "plafond", WriteTimeouts(1, 1))
    return LeaseElection(writer, "plafond-system", name, TIMING, clock)


def holder(fake):
    (lease,) = fake.objects[LEASES].values()
    return lease["spec"]["holderIdentity"]


async def test_the_first_one_leads_and_the_second_stands_by(cluster):
    fake, client = cluster
    clock = Clock()
    first, second = candidate(client, "a", clock), candidate(client, "b", clock)
    assert first.is_standby
    assert not first.leads

    assert await first.attempt()
    assert not await second.attempt()

    assert holder(fake) == "a"
    assert first.leads
    assert second.is_standby
    assert not second.leads


async def test_a_leader_that_cannot_renew_stops_before_another_may_begin(cluster):
    _, client = cluster
    clock = Clock()
    leader = candidate(client, "a", clock)
    await leader.attempt()

    clock.at += 9.9
    assert leader.leads
    clock.at += 0.2
    assert not leader.leads
    # It does not take itself for deposed: nobody else is known to lead.
    assert not leader.is_standby


async def test_a_lease_that_is_not_renewed_is_taken_when_its_time_is_over(cluster):
    fake, client = cluster
    clock = Clock()
    gone, heir = candidate(client, "a", clock), candidate(client, "b", clock)
    await gone.attempt()
    await heir.attempt()

    clock.at += 15.0
    assert not await heir.attempt()
    clock.at += 0.1
    assert await heir.attempt()

    assert holder(fake) == "b"
    assert next(iter(fake.objects[LEASES].values()))["spec"]["leaseTransitions"] == 1
    assert not await gone.attempt()
    assert gone.is_standby


async def test_a_lease_that_is_renewed_is_never_taken(cluster):
    _, client = cluster
    clock = Clock()
    leader, other = candidate(client, "a", clock), candidate(client, "b", clock)
    await leader.attempt()
    for _ in range(5):
        await other.attempt()
        clock.at += 8
        assert await leader.attempt()

    assert other.is_standby


async def test_whoever_gives_the_lease_back_is_followed_at_once(cluster):
    _, client = cluster
    clock = Clock()
    first, second = candidate(client, "a", clock), candidate(client, "b", clock)
    await first.attempt()
    await second.attempt()

    await first.release()

    assert not first.leads
    assert await second.attempt()


async def test_a_duration_in_the_lease_locks_nobody_out(cluster):
    fake, client = cluster
    clock = Clock()
    await candidate(client, "a", clock).attempt()
    (lease,) = fake.objects[LEASES].values()
    fake.put(LEASES, {**lease, "spec": {**lease["spec"], "leaseDurationSeconds": 2**31 - 1}})
    heir = candidate(client, "b", clock)
    assert not await heir.attempt()

    clock.at += 15.1

    assert await heir.attempt()


async def test_whoever_stands_by_says_for_whom_once(cluster, caplog):
    caplog.set_level("INFO")
    _, client = cluster
    clock = Clock()
    await candidate(client, "a", clock).attempt()
    second = asyncio.create_task(candidate(client, "b", clock).run())
    await eventually(lambda: "standing by for a" in caplog.text)
    clock.at += 20
    await eventually(lambda: "b leads" in caplog.text)
    second.cancel()

    assert caplog.text.count("standing by for") == 1


def test_no_two_processes_have_the_same_name():
    assert own_identity() != own_identity()
    assert own_identity().startswith(f"{socket.gethostname()}_")


async def test_whoever_finds_its_own_name_in_the_lease_leads_on(cluster):
    _, client = cluster
    clock = Clock()
    await candidate(client, "a", clock).attempt()

    assert await candidate(client, "a", clock).attempt()


async def test_leadership_is_not_confirmed_by_an_answer_that_does_not_come(cluster):
    fake, client = cluster
    clock = Clock()
    leader = candidate(client, "a", clock)
    await leader.attempt()
    fake.answers[("PATCH", OBJECT)] = [failing(500)]

    assert not await leader.attempt()

    # It still leads, by the renewal before, for as long as the deadline allows.
    assert leader.leads
    assert await leader.attempt()


async def test_a_renewal_counts_from_when_it_was_asked_for(cluster):
    fake, client = cluster
    clock = Clock()
    leader = candidate(client, "a", clock)
    await leader.attempt()

    async def slow(request):
        clock.at += 11
        return web.json_response(await request.json())

    fake.answers[("PATCH", OBJECT)] = [slow]
    clock.at += 5
    await leader.attempt()

    assert not leader.leads


async def test_of_two_that_reach_for_a_free_lease_one_gets_it(cluster):
    fake, client = cluster
    clock = Clock()
    rivals = [candidate(client, name, clock) for name in "abcd"]

    won = await asyncio.gather(*(rival.attempt() for rival in rivals))

    assert won.count(True) == 1
    assert holder(fake) == "abcd"[won.index(True)]


async def led_by_another_in_between(leader, other, clock):
    """Have *other* take the lease from *leader*, and give it back."""
    await other.attempt()
    clock.at += 20
    assert await other.attempt()
    await other.release()
    # Its own version is old: it looks again in the next attempt.
    assert not await leader.attempt()


async def test_who_leads_again_after_another_leads_in_a_new_term(cluster):
    _, client = cluster
    clock = Clock()
    leader, other = candidate(client, "a", clock), candidate(client, "b", clock)
    begun = []
    leader.on_succession = lambda: begun.append("a")
    await leader.attempt()
    term = leader.begin()
    assert await leader.confirm(term)
    assert leader.may_write

    await led_by_another_in_between(leader, other, clock)
    assert await leader.attempt()

    # The old pass neither loosens nor writes; the next one does.
    assert leader.leads
    assert not leader.may_write
    assert not await leader.confirm(term)
    assert await leader.confirm(leader.begin())
    assert leader.may_write
    assert begun == ["a", "a"]


async def test_a_term_is_new_also_when_the_answer_to_the_write_that_began_it_was_lost(cluster):
    fake, client = cluster
    clock = Clock()
    leader, other = candidate(client, "a", clock), candidate(client, "b", clock)
    await leader.attempt()
    term = leader.begin()
    await led_by_another_in_between(leader, other, clock)

    async def carried_out_but_lost(request):
        await fake._patch(request)  # noqa: SLF001 - what the answer would have been of
        return await failing(504)(request)

    fake.answers[("PATCH", OBJECT)] = [carried_out_but_lost]
    assert not await leader.attempt()
    assert holder(fake) == "a"

    assert await leader.attempt()
    assert not await leader.confirm(term)


async def test_somebody_else_s_edit_of_the_lease_ends_no_term(cluster):
    fake, client = cluster
    leader = candidate(client, "a", Clock())
    await leader.attempt()
    term = leader.begin()
    (lease,) = fake.objects[LEASES].values()
    fake.put(LEASES, lease)
    assert not await leader.attempt()

    assert await leader.confirm(term)


async def test_a_missing_right_is_said_once(cluster, caplog):
    fake, client = cluster
    fake.answers[("GET", OBJECT)] = [failing(403, "no leases for you")] * 3
    leader = candidate(client, "a", Clock())
    for _ in range(3):
        await leader.attempt()

    assert caplog.text.count("no leases for you") == 1
    assert await leader.attempt()


async def test_the_end_waits_no_longer_for_the_api_server_than_a_retry(cluster):
    fake, client = cluster
    leader = candidate(client, "a", Clock())
    await leader.attempt()
    fake.answers[("PATCH", OBJECT)] = [hanging()]

    async with asyncio.timeout(1):
        await leader.release()


class Chosen:
    """A leadership that a test decides on."""

    def __init__(self, *, standby=False, write=True, confirmed=True):
        self.is_standby, self.may_write, self._confirmed = standby, write, confirmed
        self.asked, self.term = 0, 1

    def begin(self):
        return self.term

    async def confirm(self, term):
        self.asked += 1
        return self._confirmed and term == self.term


def around(fake, client, leadership, facts):
    return World(fake, client, populated(fake, facts), leadership=leadership)


async def test_on_standby_nothing_is_decided_and_nothing_written(cluster):
    fake, client = cluster
    standby = around(fake, client, Chosen(standby=True), world(policy(cost_per_hour="8.00")))

    passes = asyncio.create_task(standby.loop.run())
    await eventually(lambda: standby.passes("standby") >= 1)

    assert standby.writes == []
    assert standby.loop.is_ready
    # Pods that ended long ago are known to whoever leads; they must not pile up here.
    assert standby.observer.forgotten_before < standby.clock.now
    passes.cancel()


async def test_a_writer_that_may_not_write_sends_nothing(cluster):
    fake, client = cluster
    writer = ApiWriter(client, "plafond", may_write=lambda: False)

    answer = await writer.merge("/api/v1/namespaces/team-a", {"metadata": {}})

    assert answer.result is Result.SKIPPED
    assert fake.requests == []


async def test_a_pass_that_only_tightens_does_not_ask_who_leads(cluster):
    fake, client = cluster
    leadership = Chosen(confirmed=False)
    limited = around(fake, client, leadership, world(policy(cost_per_hour="4.00")))

    await limited.run_pass()

    assert leadership.asked == 0
    assert any("scale" in write for write in limited.writes)


class FencedWorld:
    """A loop whose writes need a lease, and another operator that may take it from it."""

    def __init__(self, fake, client, facts):
        self.fake, self.clock = fake, Clock()
        self.own = candidate(client, "a", self.clock)
        self.other = candidate(client, "b", self.clock)
        self.world = World(
            fake,
            client,
            populated(fake, facts),
            leadership=self.own,
            may_write=lambda: self.own.may_write,
        )

    def interrupting(self, path):
        """Have another operator lead and give back, just before an answer for *path*."""

        async def answer(request):
            await led_by_another_in_between(self.own, self.other, self.clock)
            assert await self.own.attempt()
            return await failing(503)(request)

        self.fake.answers[("POST", path)] = [answer]


async def test_a_pass_in_which_another_led_writes_nothing_more_and_the_next_one_forgets(cluster):
    fake, client = cluster
    fenced = FencedWorld(fake, client, world(policy(cost_per_hour="4.00")))
    await fenced.own.attempt()
    # The first checkpoint, on which the counts depend, comes when another has led in between.
    fenced.interrupting(LEDGERS)

    await fenced.world.run_pass()

    assert not [write for write in fenced.world.writes if "scale" in write or "namesp" in write]
    assert fake.objects[made.LEDGERS] == {}

    await fenced.world.run_pass()

    assert any("scale" in write for write in fenced.world.writes)
