"""The probe: what each API server does with what it must refuse."""

import pytest
from aiohttp import web
from tests.builders import TEAM, namespace, snapshot, workload, workload_id
from tests.integration.fakes.kubernetes_api import FakeKubernetes, failing, running

from plafond.api.writer import ApiWriter
from plafond.model.admission import Rule
from plafond.model.snapshot import NO_CEILING, Namespace
from plafond.observe.admission import AdmissionProbe, Candidate, candidates_in

GROUP = "/apis/admissionregistration.k8s.io/v1"
KINDS = (
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
)
SCALE = f"/apis/apps/v1/namespaces/{TEAM}/deployments/llm/scale"
NAMESPACE = f"/api/v1/namespaces/{TEAM}"
CHAT = Candidate(workload_id(), 4)
BY_BACKSTOP = "ValidatingAdmissionPolicy 'plafond-ceiling-backstop' with binding … denied request"
BY_RESTRAINT = "ValidatingAdmissionPolicy 'plafond-self-restraint-namespaces' denied request"


def stored(replicas):
    async def answer(request):
        # What is asked for is never to be carried out.
        assert request.query["dryRun"] == "All"
        return web.json_response({"kind": "Scale", "spec": {"replicas": replicas}})

    return answer


def annotated(text):
    async def answer(request):
        # A patch of nothing, as a dry run, only shows what is there.
        assert request.query["dryRun"] == "All"
        assert await request.json() == {}
        annotations = {"plafond.dev/ceilings": text} if text is not None else {}
        return web.json_response({"metadata": {"annotations": annotations}})

    return answer


def restrained():
    return failing(422, BY_RESTRAINT)


def protected(fake, kinds=KINDS):
    """An API server on which everything is as it should be."""
    fake.documents[GROUP] = {"resources": [{"name": kind} for kind in kinds]}
    for kind in KINDS:
        name = "plafond-keep" if kind.startswith("mutating") else "plafond-keep-backstop"
        fake.documents[f"{GROUP}/{kind}/{name}"] = {"kind": "any", "metadata": {"name": name}}
    fake.answers[("PATCH", SCALE)] = [stored(3)]
    fake.answers[("PATCH", NAMESPACE)] = [restrained()]


@pytest.fixture
async def server():
    fake = FakeKubernetes()
    async with running(fake) as client:
        protected(fake)
        yield fake, ApiWriter(client, "plafond")


async def asked(writer, candidate=CHAT):
    return await AdmissionProbe({"https://one": writer}).ask(candidate)


async def test_a_clamped_count_and_a_refused_label_are_as_it_should_be(server):
    _, writer = server

    found = await asked(writer)

    assert found.rules == dict.fromkeys(Rule, True)
    assert found.missing == ()
    assert found.is_clamped


async def test_a_refused_count_keeps_the_ceiling_but_is_no_clamp(server):
    fake, writer = server
    fake.answers[("PATCH", SCALE)] = [failing(422, BY_BACKSTOP)]

    found = await asked(writer)

    assert found.rules[Rule.CEILING]
    assert not found.is_clamped
    assert found.missing == ()


async def test_a_count_that_gets_through_is_a_ceiling_that_does_not_hold(server):
    fake, writer = server
    fake.answers[("PATCH", SCALE)] = [stored(4)]
    fake.answers[("PATCH", NAMESPACE)] = [annotated("deployments.apps/llm=3"), restrained()]

    found = await asked(writer)

    assert fake.patches == []
    assert found.missing == (Rule.CEILING,)
    assert found.missing_at[Rule.CEILING] == (
        "https://one: it would have given team-a/llm 4 replicas, above its ceiling"
    )


@pytest.mark.parametrize(
    "text", [None, "deployments.apps/llm=4", "deployments.apps/other=1", "nonsense"]
)
async def test_a_count_that_gets_through_where_its_ceiling_is_gone_is_no_leak(server, text):
    fake, writer = server
    fake.answers[("PATCH", SCALE)] = [stored(4)]
    fake.answers[("PATCH", NAMESPACE)] = [annotated(text), restrained()]

    found = await asked(writer)

    assert set(found.rules) == {Rule.KEEP, Rule.RESTRAIN}
    assert found.missing == ()


async def test_where_the_namespace_is_not_shown_a_count_that_gets_through_says_nothing(server):
    fake, writer = server
    fake.answers[("PATCH", SCALE)] = [stored(4)]
    fake.answers[("PATCH", NAMESPACE)] = [failing(503), restrained()]

    assert Rule.CEILING not in (await asked(writer)).rules


async def test_a_label_that_gets_through_is_an_account_that_nothing_restrains(server):
    fake, writer = server
    fake.answers[("PATCH", NAMESPACE)] = [stored(0)]

    assert (await asked(writer)).missing == (Rule.RESTRAIN,)


@pytest.mark.parametrize("kind", KINDS)
async def test_each_object_that_keeps_our_annotations_is_needed(server, kind):
    fake, writer = server
    name = "plafond-keep" if kind.startswith("mutating") else "plafond-keep-backstop"
    del fake.documents[f"{GROUP}/{kind}/{name}"]

    found = await asked(writer)

    assert found.missing == (Rule.KEEP,)
    assert found.missing_at[Rule.KEEP] == f"https://one: {kind}/{name} is missing"


async def test_where_mutation_is_unknown_the_refusing_policy_is_enough(server):
    fake, writer = server
    protected(fake, KINDS[2:])
    for kind in KINDS[:2]:
        del fake.documents[f"{GROUP}/{kind}/plafond-keep"]

    assert (await asked(writer)).rules[Rule.KEEP]


async def test_a_refusal_for_another_reason_says_nothing_of_our_rules(server):
    fake, writer = server
    fake.answers[("PATCH", SCALE)] = [failing(403, "deployments/scale is forbidden")]
    fake.answers[("PATCH", NAMESPACE)] = [failing(403, "namespaces is forbidden")]

    found = await asked(writer)

    assert set(found.rules) == {Rule.KEEP}


async def test_without_a_ceiling_only_the_objects_are_looked_up(server):
    fake, writer = server

    found = await asked(writer, None)

    assert found.rules == {Rule.KEEP: True}
    assert fake.patches == []


async def test_of_several_api_servers_the_worst_counts_and_is_named(server):
    _, writer = server
    older = FakeKubernetes()
    async with running(older) as client:
        protected(older)
        older.answers[("PATCH", SCALE)] = [stored(4)]
        older.answers[("PATCH", NAMESPACE)] = [annotated("deployments.apps/llm=3"), restrained()]
        both = {"https://one": writer, "https://two": ApiWriter(client, "plafond")}

        found = await AdmissionProbe(both).ask(CHAT)

    assert found.missing == (Rule.CEILING,)
    assert found.missing_at[Rule.CEILING].startswith("https://two: ")


async def test_one_that_does_not_answer_is_named_and_decides_nothing(server):
    _, writer = server
    away = FakeKubernetes()
    async with running(away) as client:
        away.answers[("LIST", GROUP)] = [failing(503)]
        both = {"https://one": writer, "https://two": ApiWriter(client, "plafond")}

        found = await AdmissionProbe(both).ask(CHAT)

    assert found.unreachable == ("https://two",)
    assert found.missing == ()


class TestCandidate:
    """What is asked for must be above the ceiling, and above what runs."""

    def world(self, replicas, ceilings):
        spaces = {TEAM: Namespace(TEAM, "uid", ceilings)}
        return snapshot(workloads=(workload(replicas=replicas),), namespaces=spaces)

    def test_one_more_than_the_ceiling(self):
        (found,) = candidates_in(self.world(2, {workload_id(): 3}))
        assert found == Candidate(workload_id(), 4)

    def test_one_more_than_what_runs_above_it(self):
        (found,) = candidates_in(self.world(7, {workload_id(): 3}))
        assert found.too_many == 8

    def test_what_is_listed_without_a_limit_or_not_there_is_no_candidate(self):
        assert candidates_in(self.world(2, {workload_id(): NO_CEILING})) == ()
        assert candidates_in(self.world(2, {workload_id("gone"): 3})) == ()
        assert candidates_in(snapshot(namespaces={TEAM: namespace()})) == ()
