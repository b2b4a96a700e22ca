"""Story: the operator can do what it must and no more, and who spends does not set the limit."""

import json

import pytest
from e2e.rig.polling import poll
from e2e.stories.admission import Team
from e2e.world import fresh_namespace

OPERATOR = "system:serviceaccount:plafond-system:plafond"
ROLES = ("view", "edit", "admin", "plafond-policy-editor")


@pytest.fixture(scope="module")
def team(rig):
    """A namespace with one person for each role, called like the role."""
    team = Team(rig, fresh_namespace(rig, "permissions"))
    for role in ROLES:
        team.kubectl("create", "rolebinding", role, f"--clusterrole={role}", f"--user={role}")
    yield team
    rig.kubectl("delete", "namespace", team.name, "--wait=false")


def may(team, user, verb, resource):
    kind, _, subresource = resource.partition("/")
    asked = ("auth", "can-i", verb, kind, f"--subresource={subresource}")
    return team.kubectl(*asked, as_user=user).stdout.strip()


@pytest.mark.parametrize("role", ["view", "edit", "admin"])
@pytest.mark.parametrize("kind", ["costpolicies.plafond.dev", "spendledgers.plafond.dev"])
def test_who_sees_a_namespace_sees_what_it_costs_and_may_spend(team, role, kind):
    # Aggregated roles are put together by a controller, a moment after they are installed.
    poll(lambda: may(team, role, "get", kind) == "yes", deadline=30, what=f"{role} to read {kind}")

    assert [may(team, role, verb, kind) for verb in ("create", "patch", "delete")] == ["no"] * 3


@pytest.mark.parametrize(
    ("verb", "resource", "answer"),
    [
        ("create", "costpolicies.plafond.dev", "yes"),
        ("delete", "costpolicies.plafond.dev", "yes"),
        ("patch", "costpolicies.plafond.dev/status", "no"),
        ("patch", "spendledgers.plafond.dev", "no"),
        ("patch", "deployments.apps", "no"),
    ],
)
def test_a_policy_editor_writes_policies_and_nothing_else(team, verb, resource, answer):
    assert may(team, "plafond-policy-editor", verb, resource) == answer


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("get", "secrets"),
        ("list", "configmaps"),
        ("update", "deployments.apps"),
        ("patch", "deployments.apps"),
        ("delete", "pods"),
        ("patch", "costpolicies.plafond.dev"),
        ("update", "spendledgers.plafond.dev"),
        ("delete", "namespaces"),
        ("update", "leases.coordination.k8s.io"),
        ("patch", "mutatingadmissionpolicybindings.admissionregistration.k8s.io"),
    ],
)
def test_the_operator_may_not(team, verb, resource):
    assert may(team, OPERATOR, verb, resource) == "no"


def test_the_operator_scales_a_workload_that_it_cannot_edit(team):
    team.deployed("llm", 3)
    team.limit(llm=3)
    patch = (
        "patch",
        "deployment",
        "llm",
        "--type=merge",
        "-p",
        json.dumps({"spec": {"replicas": 2}}),
    )

    scaled = team.kubectl(*patch, "--subresource=scale", as_user=OPERATOR)
    edited = team.kubectl(*patch, as_user=OPERATOR)

    assert scaled.returncode == 0, scaled.stderr
    assert team.replicas("llm") == 2
    assert "forbidden" in edited.stderr
