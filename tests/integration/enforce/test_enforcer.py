"""The enforcers against a fake API server: what is written, and what a refusal becomes."""

import asyncio
import json

import pytest
from tests.integration.fakes import objects as made
from tests.integration.fakes.kubernetes_api import (
    FakeKubernetes,
    failing,
    hanging,
    running,
    saying,
)

from plafond.api.writer import Result, WriteTimeouts
from plafond.decide.plan import ClearCeilings, ScaleTo, SetCeilings
from plafond.enforce.enforcer import MAX_NAMESPACES_AT_ONCE, ClusterEnforcer, ObservingEnforcer
from plafond.enforce.outcome import Outcome
from plafond.model.workload import WorkloadId

LLM = WorkloadId("team-a", "Deployment", "llm")
NAMESPACE = "/api/v1/namespaces/team-a"
SCALE = "/apis/apps/v1/namespaces/team-a/deployments/llm/scale"
CEILINGS = SetCeilings("team-a", {LLM: 4}, "month 82 %")


@pytest.fixture
async def fake():
    fake = FakeKubernetes()
    fake.put(made.NAMESPACES, made.namespace("team-a", other="kept"))
    return fake


@pytest.fixture
async def enforcer(fake):
    async with running(fake) as client:
        yield ClusterEnforcer(client, timeouts=WriteTimeouts(0.5, 0.5))


def scale(fake, before, after, **stale):
    llm = fake.put(made.DEPLOYMENTS, made.deployment("llm", replicas=before))
    found = {"uid": "uid-llm", "resource_version": llm["metadata"]["resourceVersion"], **stale}
    return ScaleTo(LLM, before=before, after=after, **found)


async def test_ceilings_are_one_patch_of_our_annotations_only(fake, enforcer):
    outcomes = await enforcer.carry_out([CEILINGS])

    (stored,) = fake.objects[made.NAMESPACES].values()
    assert outcomes == (Outcome(CEILINGS, Result.DONE, stored=stored),)
    annotations = {
        "plafond.dev/ceilings": "deployments.apps/llm=4",
        "plafond.dev/why": "month 82 %",
    }
    patch = {"metadata": {"annotations": annotations}}
    assert fake.patches == [(NAMESPACE, patch, {"fieldManager": "plafond"})]


async def test_clearing_takes_our_annotations_and_leaves_the_others(fake, enforcer):
    await enforcer.carry_out([CEILINGS, ClearCeilings("team-a")])

    held = fake.objects[made.NAMESPACES]["/team-a"]
    assert held["metadata"]["annotations"] == {"plafond.dev/other": "kept"}


@pytest.mark.parametrize("action", [CEILINGS, ClearCeilings("team-a")])
async def test_annotations_that_the_api_server_silently_keeps_are_refused(fake, enforcer, action):
    # As `plafond-keep` does for every account but the operator's: 200, and nothing has changed.
    kept = {"plafond.dev/ceilings": "deployments.apps/llm=9", "plafond.dev/why": "before"}
    fake.answers[("PATCH", NAMESPACE)] = [saying(json.dumps({"metadata": {"annotations": kept}}))]
    raised = scale(fake, before=3, after=6)

    refused, skipped = await enforcer.carry_out([action, raised])

    assert (refused.result, skipped.result) == (Result.REFUSED, Result.SKIPPED)
    assert "does the operator run as ServiceAccount plafond-system/plafond" in refused.detail


async def test_a_count_is_written_with_its_precondition(fake, enforcer):
    action = scale(fake, before=5, after=3)

    outcomes = await enforcer.carry_out([action])

    assert outcomes == (Outcome(action, Result.DONE, replicas=3),)
    precondition = {"uid": "uid-llm", "resourceVersion": action.resource_version}
    assert fake.patches == [
        (
            SCALE,
            {"metadata": precondition, "spec": {"replicas": 3}},
            {"fieldManager": "plafond"},
        )
    ]


@pytest.mark.parametrize("stale", [{"uid": "uid-before"}, {"resource_version": "1"}])
async def test_a_workload_that_changed_is_a_conflict_and_stays_as_it_is(fake, enforcer, stale):
    action = scale(fake, before=5, after=3, **stale)

    (outcome,) = await enforcer.carry_out([action])

    assert outcome.result is Result.CONFLICT
    assert fake.objects[made.DEPLOYMENTS]["team-a/llm"]["spec"]["replicas"] == 5


@pytest.mark.parametrize(
    ("code", "result"),
    [
        (400, Result.REFUSED),
        (401, Result.FORBIDDEN),
        (403, Result.FORBIDDEN),
        (404, Result.GONE),
        (409, Result.CONFLICT),
        (413, Result.REFUSED),
        (422, Result.REFUSED),
        (429, Result.UNAVAILABLE),
        (500, Result.UNAVAILABLE),
        (503, Result.UNAVAILABLE),
        (504, Result.UNAVAILABLE),
        (599, Result.UNAVAILABLE),
    ],
)
async def test_every_refusal_is_an_outcome_that_quotes_the_api_server(fake, enforcer, code, result):
    action = scale(fake, before=5, after=3)
    fake.answers[("PATCH", SCALE)] = [failing(code, "the reason it gave")]

    (outcome,) = await enforcer.carry_out([action])

    assert outcome == Outcome(action, result, f"{code} the reason it gave")


async def test_a_workload_that_is_gone_is_gone(fake, enforcer):
    action = scale(fake, before=5, after=3)
    fake.delete(made.DEPLOYMENTS, "team-a/llm")

    (outcome,) = await enforcer.carry_out([action])

    assert outcome.result is Result.GONE


async def test_no_answer_is_unavailable_in_time(fake, enforcer):
    action = scale(fake, before=5, after=3)
    fake.answers[("PATCH", SCALE)] = [hanging()]

    async with asyncio.timeout(3):
        (outcome,) = await enforcer.carry_out([action])

    detail = "the API server did not answer in time"
    assert outcome == Outcome(action, Result.UNAVAILABLE, detail)


async def test_no_connection_is_unavailable(fake):
    async with running(fake) as client:
        enforcer = ClusterEnforcer(client)
        client.configuration.host = "http://127.0.0.1:1"

        (outcome,) = await enforcer.carry_out([CEILINGS])

    assert outcome.result is Result.UNAVAILABLE
    assert outcome.detail.startswith("the API server did not answer")


async def test_the_outcome_tells_what_admission_made_of_the_count(fake, enforcer):
    action = scale(fake, before=2, after=9)
    fake.answers[("PATCH", SCALE)] = [saying('{"kind": "Scale", "spec": {"replicas": 4}}')]

    (outcome,) = await enforcer.carry_out([action])

    assert outcome == Outcome(action, Result.DONE, "admission made 9 4", replicas=4)


async def test_a_count_of_zero_is_left_out_by_the_api_server(fake, enforcer):
    action = scale(fake, before=2, after=0)
    fake.answers[("PATCH", SCALE)] = [saying('{"kind": "Scale", "spec": {}}')]

    (outcome,) = await enforcer.carry_out([action])

    assert outcome == Outcome(action, Result.DONE, replicas=0)


@pytest.mark.parametrize("text", ["", "<html>", "[]", '{"kind": "Scale"}'])
async def test_a_success_without_sense_is_done_but_tells_no_count(fake, enforcer, text):
    action = scale(fake, before=5, after=3)
    fake.answers[("PATCH", SCALE)] = [saying(text)]

    (outcome,) = await enforcer.carry_out([action])

    assert (outcome.result, outcome.replicas) == (Result.DONE, None)


async def test_without_ceilings_nothing_is_raised_but_all_is_lowered(fake, enforcer):
    fake.answers[("PATCH", NAMESPACE)] = [failing(403, "no")]
    lowered = scale(fake, before=5, after=3)
    raised = ScaleTo(LLM, "uid-llm", "9", before=3, after=6)

    outcomes = await enforcer.carry_out([CEILINGS, raised, lowered])

    assert [(each.action, each.result) for each in outcomes] == [
        (CEILINGS, Result.FORBIDDEN),
        (raised, Result.SKIPPED),
        (lowered, Result.DONE),
    ]


async def test_one_namespace_s_trouble_is_not_another_s(fake, enforcer):
    fake.put(made.NAMESPACES, made.namespace("team-b"))
    fake.answers[("PATCH", NAMESPACE)] = [failing(403, "no")]
    other = ClearCeilings("team-b")

    outcomes = await enforcer.carry_out([CEILINGS, other])

    assert [each.result for each in outcomes] == [Result.FORBIDDEN, Result.DONE]


async def test_a_namespace_that_takes_too_long_waits_for_the_next_pass(fake, enforcer, monkeypatch):
    monkeypatch.setattr("plafond.enforce.enforcer.LONGEST_SECONDS", 0.0)

    outcomes = await enforcer.carry_out((scale(fake, 4, 2),))

    assert [outcome.result for outcome in outcomes] == [Result.SKIPPED]
    assert "take too long" in outcomes[0].detail


async def test_outcomes_come_in_the_order_of_the_actions(fake, enforcer):
    for name in ("team-b", "team-c"):
        fake.put(made.NAMESPACES, made.namespace(name))
    actions = [ClearCeilings(name) for name in ("team-c", "team-a", "team-b", "team-c")]

    outcomes = await enforcer.carry_out(actions)

    assert [each.action for each in outcomes] == actions


async def test_many_namespaces_are_written_side_by_side_within_the_bound(fake, enforcer):
    at_once, most = 0, 0

    async def counting(request):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.02)
        at_once -= 1
        return await failing(404)(request)

    names = [f"team-{index}" for index in range(3 * MAX_NAMESPACES_AT_ONCE)]
    for name in names:
        fake.answers[("PATCH", f"/api/v1/namespaces/{name}")] = [counting]

    await enforcer.carry_out([ClearCeilings(name) for name in names])

    assert most == MAX_NAMESPACES_AT_ONCE


async def test_ceilings_that_do_not_fit_are_refused_and_not_cut_short(fake, enforcer):
    names = (f"{index:03}-{'x' * 59}" for index in range(500))
    ceilings = {WorkloadId("team-a", "Deployment", name): 1 for name in names}

    (outcome,) = await enforcer.carry_out([SetCeilings("team-a", ceilings, "why")])

    assert outcome.result is Result.REFUSED
    assert fake.patches == []


async def test_the_observing_enforcer_writes_nothing(fake):
    action = scale(fake, before=5, after=3)

    outcomes = await ObservingEnforcer().carry_out([CEILINGS, action])

    assert outcomes == (Outcome(CEILINGS, Result.OBSERVED), Outcome(action, Result.OBSERVED))
    assert fake.patches == []
