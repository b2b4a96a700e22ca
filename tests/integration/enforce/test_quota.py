"""The quota against a fake API server: ours is made, mended and deleted, others' are let be."""

from decimal import Decimal

import pytest
from tests.integration.fakes import objects as made
from tests.integration.fakes.kubernetes_api import FakeKubernetes, failing, running

from plafond.api.writer import Result, WriteTimeouts
from plafond.decide.plan import ClearQuota, ScaleTo, SetQuota
from plafond.enforce.enforcer import ClusterEnforcer
from plafond.model.snapshot import Quota
from plafond.model.workload import WorkloadId
from plafond.observe.records import quotas

GPU = "requests.nvidia.com/gpu"
QUOTAS = "/api/v1/namespaces/team-a/resourcequotas"
KEY = "team-a/plafond"


@pytest.fixture
async def fake():
    return FakeKubernetes()


@pytest.fixture
async def enforcer(fake):
    async with running(fake) as client:
        yield ClusterEnforcer(client, timeouts=WriteTimeouts(0.5, 0.5))


def observed(fake):
    return quotas.parse(fake.objects[made.QUOTAS][KEY]).quota


async def test_the_first_is_created_as_ours(fake, enforcer):
    (outcome,) = await enforcer.carry_out([SetQuota("team-a", {GPU: 5}, None)])

    assert outcome.result is Result.DONE
    assert observed(fake).hard == {GPU: Decimal(5)}
    assert observed(fake).is_ours


async def test_what_somebody_else_created_meanwhile_is_a_conflict(fake, enforcer):
    fake.put(made.QUOTAS, made.quota())

    (outcome,) = await enforcer.carry_out([SetQuota("team-a", {GPU: 5}, None)])

    assert outcome.result is Result.CONFLICT
    assert observed(fake).hard == {GPU: Decimal(4)}


async def test_a_change_writes_its_bounds_and_label_and_takes_out_what_others_added(fake, enforcer):
    fake.put(made.QUOTAS, made.quota(hard={GPU: "9", "pods": "3"}))

    (outcome,) = await enforcer.carry_out([SetQuota("team-a", {GPU: 5}, observed(fake))])

    assert outcome.result is Result.DONE
    assert fake.patches == [
        (
            f"{QUOTAS}/plafond",
            {
                "metadata": {
                    "uid": "uid-quota",
                    "labels": {"app.kubernetes.io/managed-by": "plafond"},
                },
                "spec": {"hard": {GPU: "5", "pods": None}},
            },
            {"fieldManager": "plafond"},
        )
    ]
    assert observed(fake).hard == {GPU: Decimal(5)}


async def test_one_that_others_made_is_refused_without_a_request(fake, enforcer):
    foreign = Quota("uid-other", {}, is_ours=False)

    (outcome,) = await enforcer.carry_out([SetQuota("team-a", {GPU: 5}, foreign)])

    assert outcome.result is Result.REFUSED
    assert "did not make" in outcome.detail
    assert fake.requests == []


async def test_ours_is_deleted_and_another_in_its_place_is_not(fake, enforcer):
    fake.put(made.QUOTAS, made.quota())

    stale, done = await enforcer.carry_out(
        [ClearQuota("team-a", "uid-before"), ClearQuota("team-a", "uid-quota")]
    )

    assert (stale.result, done.result) == (Result.CONFLICT, Result.DONE)
    assert fake.objects[made.QUOTAS] == {}


async def test_counts_rise_also_where_the_quota_cannot_be_written(fake, enforcer):
    # Pods that it shuts out are tried again; a count that is held back would be held for ever.
    fake.answers[("POST", QUOTAS)] = [failing(403)]
    llm = fake.put(made.DEPLOYMENTS, made.deployment("llm", replicas=1))
    version = llm["metadata"]["resourceVersion"]
    raised = ScaleTo(WorkloadId("team-a", "Deployment", "llm"), "uid-llm", version, 1, 2)

    refused, scaled = await enforcer.carry_out([SetQuota("team-a", {GPU: 5}, None), raised])

    assert (refused.result, scaled.result) == (Result.FORBIDDEN, Result.DONE)
