"""What the operator asks of the API server is what its role allows, and the other way round."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from tests.builders import MINUTE, NOW, budget, policy, workload_id
from tests.integration.controller.support import LEDGER, World, populated
from tests.integration.fakes import objects as made
from tests.integration.fakes.kubernetes_api import FakeKubernetes, failing, running
from tests.unit.report.support import world

from plafond.api import constants
from plafond.api.writer import ApiWriter
from plafond.controller.api_servers import ApiServers
from plafond.controller.cluster import say_if_other_account
from plafond.controller.leadership import LeaseElection
from plafond.decide.plan import ScaleTo
from plafond.enforce.enforcer import ClusterEnforcer
from plafond.observe import kinds
from plafond.observe.admission import AdmissionProbe
from plafond.observe.store import Kind

RBAC = Path(__file__).parents[2] / "manifests" / "rbac.yaml"
GRANTED = {
    (group, resource, verb)
    for document in yaml.safe_load_all(RBAC.read_text(encoding="utf-8"))
    if document["metadata"]["name"] in {"plafond", "plafond-api-servers"}
    for rule in document.get("rules", ())
    for group in rule["apiGroups"]
    for resource in rule["resources"]
    for verb in rule["verbs"]
}
# For people who act in the operator's name: kubectl reads a scale before it patches it.
NOT_ASKED_FOR = {("apps", f"{kind}/scale", "get") for kind in ("deployments", "statefulsets")}
# Every user may ask who they are: system:basic-user.
GRANTED_TO_ALL = {("authentication.k8s.io", "selfsubjectreviews", "create")}
ADMISSION_KINDS = {
    "resources": [{"name": f"{which}admissionpolicies"} for which in ("mutating", "validating")]
    + [{"name": f"{which}admissionpolicybindings"} for which in ("mutating", "validating")]
}
VERBS = {"GET": "get", "LIST": "list", "POST": "create", "PATCH": "patch", "DELETE": "delete"}


def asked(method, path):
    """Return group, resource and verb of a request for one object."""
    parts = path.strip("/").split("/")
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
    if rest[0] == "namespaces" and len(rest) > 2:
        rest = rest[2:]
    resource, *named = rest
    suffix = f"/{named[1]}" if len(named) > 1 else ""
    return group, f"{resource}{suffix}", VERBS[method]


def observed():
    """Return what the caches list and watch."""
    found = [each for each in vars(kinds).values() if isinstance(each, Kind)]
    assert len(found) == 12
    for kind in found:
        parts = kind.path.strip("/").split("/")
        group = "" if parts[0] == "api" else parts[1]
        yield from ((group, parts[-1], verb) for verb in ("list", "watch"))


def woken_by():
    """Return what kopf lists and watches for our handlers."""
    for plural in (constants.COST_POLICIES, constants.PRICE_SHEETS):
        yield from ((constants.GROUP, plural, verb) for verb in ("list", "watch"))


async def beside_the_passes(fake, client):
    """Ask who we are, elect, and probe admission."""
    await say_if_other_account(ApiWriter(client, "plafond"), "plafond-system")
    election = LeaseElection(ApiWriter(client, "plafond"), "plafond-system", "one")
    await election.attempt()
    await election.release()
    group = "/apis/admissionregistration.k8s.io/v1"
    fake.documents[group] = ADMISSION_KINDS
    for kind in ADMISSION_KINDS["resources"]:
        suffix = "" if kind["name"].startswith("mutating") else "-backstop"
        fake.put(f"{group}/{kind['name']}", {"metadata": {"name": f"plafond-keep{suffix}"}})
    await AdmissionProbe(await ApiServers(client).writers()).ask(None)


@pytest.fixture
async def written():
    """Everything that a few passes ask for, in which each kind of write happens."""
    fake = FakeKubernetes()
    async with running(fake) as client:
        limited = policy(cost_per_hour="8.00", budgets=(budget("1000"),))
        around = World(fake, client, populated(fake, world(limited)))
        # There is a past to be closed, and another that nothing continues any more.
        for raw in (made.spent_days_ago(3), made.past(NOW)):
            fake.put(made.LEDGERS, raw)
        await around.run_pass()
        # The ledger is somebody else's for a moment, so it is read; the Event is there already.
        fake.answers[("PATCH", LEDGER)] = [failing(409)]
        raw = fake.put(made.DEPLOYMENTS, made.deployment("chat", replicas=2, uid="uid-chat"))
        version = raw["metadata"]["resourceVersion"]
        facts = around.observer.facts
        fresh = tuple(replace(w, resource_version=version) for w in facts.workloads)
        around.observer.facts = replace(facts, workloads=fresh)
        # Somebody has changed our quota; then the policy goes.
        fake.put(made.QUOTAS, made.quota())
        await around.run_pass(6 * MINUTE)
        db = ScaleTo(workload_id("db", kind="StatefulSet"), "uid-db", "1", 2, 1)
        await ClusterEnforcer(client).carry_out((db,))
        around.observer.facts = replace(around.observer.facts, policies=())
        await around.run_pass()
        await around.run_pass(11 * MINUTE)
        await beside_the_passes(fake, client)
    # What is served at all, everybody may ask.
    named = [each for each in fake.requests if each[1] not in fake.documents]
    return {asked(method, path) for method, path in named}


async def test_every_request_is_allowed_and_every_rule_is_used(written):
    used = written | set(observed()) | set(woken_by())

    assert used - GRANTED == GRANTED_TO_ALL
    assert GRANTED - used == NOT_ASKED_FOR
