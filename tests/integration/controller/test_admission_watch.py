"""The probe in time: asked twice before it alarms, and what cannot be asked stays as it was."""

import asyncio
from datetime import timedelta

import pytest
from tests.builders import TEAM, namespace, snapshot, workload, workload_id
from tests.integration.fakes.kubernetes_api import FakeKubernetes, running
from tests.integration.observe.support import eventually

from plafond.controller.admission_watch import KEPT_TURNS, AdmissionWatch, Rota
from plafond.controller.api_servers import ApiServers
from plafond.model.admission import Admission, Rule
from plafond.model.snapshot import Namespace
from plafond.observe.admission import Candidate

FINE = Admission(dict.fromkeys(Rule, True))
BROKEN = Admission({Rule.CEILING: False}, {Rule.CEILING: "https://one: 9 replicas"})
TWO_KINDS = snapshot(
    workloads=(workload(), workload("db", id=workload_id("db", kind="StatefulSet"))),
    namespaces={
        TEAM: Namespace(TEAM, "uid", {workload_id(): 3, workload_id("db", kind="StatefulSet"): 2})
    },
)
SLICE = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"


class Probed:
    """Answers one after the other; the last one for ever."""

    def __init__(self, *answers):
        self.answers, self.asked, self.woken = list(answers), [], 0
        self.before_answer = lambda: None

    async def ask(self, candidate):
        self.asked.append(candidate)
        self.before_answer()
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def wake(self):
        self.woken += 1


@pytest.fixture
async def watched():
    tasks = []

    def start(*answers):
        probed = Probed(*answers)
        watch = AdmissionWatch(probed.ask, timedelta(seconds=0.02), probed.wake)
        watch.look(snapshot(workloads=(workload(),), namespaces={TEAM: namespace(llm=3)}))
        tasks.append(asyncio.create_task(watch.run()))
        return watch, probed

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_is_found_is_there_for_the_next_pass(watched):
    watch, probed = watched(FINE)

    await eventually(lambda: watch.found == FINE)

    assert probed.woken == 1
    assert probed.asked[0].too_many == 4


async def test_a_ceiling_that_was_just_lifted_is_no_alarm(watched):
    watch, probed = watched(FINE, BROKEN, FINE)

    await eventually(lambda: len(probed.asked) >= 5)

    assert watch.found == FINE
    assert probed.woken == 1


async def test_what_is_found_twice_is_believed_and_said(watched, caplog):
    watch, _ = watched(FINE, BROKEN)

    await eventually(lambda: watch.found.missing == (Rule.CEILING,))

    assert "admission rule ceiling is not in force: https://one: 9 replicas" in caplog.text
    # What could not be asked meanwhile is as it was.
    assert watch.found.rules[Rule.KEEP]


async def test_an_alarm_ends_with_the_last_ceiling(watched):
    watch, probed = watched(FINE, BROKEN, BROKEN, Admission({Rule.KEEP: True}))
    await eventually(lambda: watch.found.missing == (Rule.CEILING,))

    watch.look(snapshot())

    await eventually(lambda: watch.found == Admission({Rule.KEEP: True}))
    assert probed.asked[-1] is None


async def test_what_is_asked_in_vain_is_kept_for_some_turns_and_then_not_known(watched):
    silent = Admission({Rule.KEEP: True})
    watch, probed = watched(FINE, BROKEN, BROKEN, silent)
    await eventually(lambda: watch.found.missing == (Rule.CEILING,))

    await eventually(lambda: watch.found == silent)

    assert len(probed.asked) > 3 + KEPT_TURNS


async def test_an_alarm_stays_with_the_workload_that_it_is_about_until_that_one_is_fine(watched):
    watch, probed = watched(FINE, BROKEN, BROKEN, BROKEN, BROKEN, FINE)
    watch.look(TWO_KINDS)

    await eventually(lambda: len(probed.asked) >= 7)

    llm, db = workload_id(), workload_id("db", kind="StatefulSet")
    names = [each.workload for each in probed.asked]
    assert names[:7] == [llm, db, db, db, db, db, llm]


async def test_a_ceiling_that_was_lifted_in_between_is_not_asked_about_again(watched):
    watch, probed = watched(FINE)
    await eventually(lambda: watch.found == FINE)
    probed.answers = [BROKEN, Admission({Rule.KEEP: True})]
    probed.before_answer = lambda: watch.look(snapshot())

    await eventually(lambda: watch.found == Admission({Rule.KEEP: True}))

    assert probed.asked[-1] is None


def test_every_workload_has_its_turn_and_kinds_take_turns():
    rota = Rota()
    names = [workload_id(name) for name in ("a", "b", "c")]
    names.append(workload_id("db", kind="StatefulSet"))
    rota.look(Candidate(name, 1) for name in names)

    turns = [rota.next(stay=False).workload.name for _ in range(6)]

    assert turns == ["a", "db", "b", "db", "c", "db"]
    assert rota.next(stay=True).workload.name == "db"
    rota.look(())
    assert rota.next(stay=True) is None


async def test_a_probe_that_fails_ends_nothing(watched, caplog):
    class Failing(Probed):
        async def ask(self, candidate):
            await super().ask(candidate)
            if len(self.asked) == 1:
                msg = "a bug"
                raise RuntimeError(msg)
            return FINE

    probed = Failing(FINE)
    watch = AdmissionWatch(probed.ask, timedelta(seconds=0.02), probed.wake)
    watch.look(snapshot(workloads=(workload(),), namespaces={TEAM: namespace(llm=3)}))
    task = asyncio.create_task(watch.run())

    await eventually(lambda: watch.found == FINE)

    task.cancel()
    assert "could not be probed" in caplog.text


class TestApiServers:
    """Which API servers are asked."""

    @pytest.fixture
    async def cluster(self):
        fake = FakeKubernetes()
        async with running(fake) as client:
            yield fake, client

    async def test_the_one_that_we_talk_to_if_no_other_is_known(self, cluster):
        _, client = cluster

        assert list(await ApiServers(client).writers()) == [client.configuration.host]

    async def test_those_that_the_cluster_publishes(self, cluster):
        fake, client = cluster
        fake.documents[SLICE] = {
            "ports": [{"name": "https", "port": 6443}],
            "endpoints": [{"addresses": ["10.0.0.2"]}, {"addresses": ["10.0.0.1", "fd00::1"]}],
        }
        servers = ApiServers(client)

        assert list(await servers.writers()) == [
            "https://10.0.0.1:6443",
            "https://10.0.0.2:6443",
            "https://[fd00::1]:6443",
        ]
        await servers.close()

    async def test_those_that_are_configured_before_all_others(self, cluster):
        fake, client = cluster
        servers = ApiServers(client, ("https://a:6443", "https://b:6443"))

        assert list(await servers.writers()) == ["https://a:6443", "https://b:6443"]
        assert fake.requests == []
        await servers.close()
