"""
Story: the ceiling holds without us. No operator runs here; the API server alone clamps or refuses.

The first half runs with the mutating policy (Kubernetes 1.36 and later), the second half with its
binding removed, which is all that older API servers have.
"""

import json
from zlib import crc32

import pytest
from e2e.rig.install import REPOSITORY
from e2e.rig.polling import poll
from e2e.stories.admission import ON_THE_OBJECT, REASON, WAYS, Team, patch_scale, scale
from e2e.world import fresh_namespace

from plafond.api.annotations import CEILINGS, WHY

LONG = "a" * 63
HPA = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"


BY_WAY = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
BY_OBJECT_WAY = pytest.mark.parametrize("way", ON_THE_OBJECT, ids=lambda way: way.__name__)
BY_NAME = pytest.mark.parametrize("name", ["llm", "v1.2.llm", LONG], ids=["short", "dots", "63"])


def probe(team):
    """Try to pass a ceiling without writing, and return what came of it."""
    return team.kubectl(
        "scale", "deployment", "probe", "--replicas=9", "--dry-run=server", "-o", "json"
    )


@pytest.fixture(scope="module")
def probed(rig):
    """A namespace in which a workload may have one replica, to see which policies act."""
    team = Team(rig, fresh_namespace(rig, "admission-probe"))
    team.deployed("probe", 1)
    team.limit(probe=1)
    yield team
    rig.kubectl("delete", "namespace", team.name, "--wait=false")


@pytest.fixture(scope="module")
def in_force(probed):
    """Policies are read about once a second; begin when both are seen to act."""
    poll(
        lambda: (
            "ceiling of 1 replicas" in probed.scale("probe", 9).stderr
            and probed.replicas("probe") == 1
        ),
        deadline=30,
        what="the admission policies to be in force",
    )


@pytest.fixture
def team(rig, in_force, request):
    # Every test has many ways, and their names differ at the end, where a namespace's is cut.
    name = f"admission-{crc32(request.node.name.encode()):08x}"
    rig.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield Team(rig, name)
    rig.kubectl("delete", "namespace", name, "--wait=false")


@BY_WAY
def test_no_way_leads_above_the_ceiling(team, way):
    team.deployed("llm", 2)
    team.limit(llm=4)

    done = way(team, "llm", 9)

    assert done.returncode == 0, done.stderr
    assert team.replicas("llm") == 4


@BY_WAY
def test_up_to_the_ceiling_everything_is_allowed(team, way):
    team.deployed("llm", 2)
    team.limit(llm=4)

    assert way(team, "llm", 4).returncode == 0
    assert team.replicas("llm") == 4


@BY_WAY
def test_lowering_is_always_allowed(team, way):
    team.deployed("llm", 3)
    team.limit(llm=4)

    assert way(team, "llm", 0).returncode == 0
    assert team.replicas("llm") == 0


@BY_NAME
def test_a_listed_name_is_clamped_and_no_other(team, name):
    other = f"{name[:-1]}b" if len(name) == 63 else f"x{name}".replace(".", "a")
    team.deployed(name, 1)
    team.deployed(other, 1)
    team.limit(**{name: 2})

    team.scale(name, 5)
    team.scale(other, 5)

    assert (team.replicas(name), team.replicas(other)) == (2, 5)


def test_a_dot_in_a_name_stands_for_itself(team):
    team.deployed("v1x2", 1)
    team.limit(**{"v1.2": 2})

    team.scale("v1x2", 5)

    assert team.replicas("v1x2") == 5


@BY_NAME
def test_a_workload_is_born_at_its_ceiling(team, name):
    team.limit(**{name: 2})

    assert team.create(name, 7).returncode == 0
    assert team.replicas(name) == 2


def test_absent_replicas_mean_one_and_obey_a_ceiling_of_zero(team):
    team.limit(none=0, some=3)

    team.create("none")
    team.create("some")

    assert (team.replicas("none"), team.replicas("some")) == (0, 1)


def test_a_generated_name_is_nobodys_ceiling(team):
    team.limit(llm=1)

    done = team.create(None, 5, generateName="llm-")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["spec"]["replicas"] == 5


@pytest.mark.parametrize(
    "edit",
    [
        ["label", "deployment", "llm", "tier=hot"],
        ["annotate", "deployment", "llm", "note=x"],
        ["set", "image", "deployment/llm", "engine=engine:2"],
        ["set", "env", "deployment/llm", "A=b"],
    ],
    ids=["label", "annotate", "rollout", "env"],
)
def test_an_edit_of_a_workload_above_its_ceiling_shrinks_nothing(team, edit):
    team.deployed("llm", 6)
    team.limit(llm=4)

    done = team.kubectl(*edit)

    assert done.returncode == 0, done.stderr
    assert team.replicas("llm") == 6


@BY_OBJECT_WAY
def test_above_its_ceiling_a_workload_may_be_lowered_but_not_raised(team, way):
    team.deployed("llm", 6)
    team.limit(llm=4)

    way(team, "llm", 5)
    lowered = team.replicas("llm")
    way(team, "llm", 6)

    assert (lowered, team.replicas("llm")) == (5, 5)


@pytest.mark.parametrize("way", [scale, patch_scale], ids=lambda way: way.__name__)
def test_through_scale_a_workload_above_its_ceiling_comes_down_to_it(team, way):
    team.deployed("llm", 6)
    team.limit(llm=4)

    assert way(team, "llm", 5).returncode == 0
    assert team.replicas("llm") == 4


def test_the_last_entry_of_the_largest_annotation_holds(team):
    name = team.limit_as_many_as_fit()

    team.create(name, 9)
    born = team.replicas(name)
    team.scale(name, 9)

    assert (born, team.replicas(name)) == (3, 3)


def test_without_an_annotation_nothing_is_limited(team):
    team.deployed("llm", 2)

    assert team.scale("llm", 50).stderr == ""
    assert team.replicas("llm") == 50


def stateful(team, name, replicas):
    """Create a StatefulSet and return how many replicas it was born with."""
    body = json.loads(team.manifest(name, replicas))
    del body["spec"]["paused"]
    body["kind"], body["spec"]["serviceName"] = "StatefulSet", name

    done = team.kubectl("create", "-o", "json", "-f", "-", stdin=json.dumps(body))

    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["spec"]["replicas"]


def test_a_deployments_ceiling_says_nothing_of_a_stateful_set_of_the_same_name(team):
    team.limit(db=1)

    assert stateful(team, "db", 3) == 3


def test_a_stateful_set_is_born_at_its_ceiling_and_stays_there(team):
    team.annotate(CEILINGS, "statefulsets.apps/db=2")

    born = stateful(team, "db", 3)
    team.kubectl("scale", "statefulset", "db", "--replicas=9")

    path = f"/apis/apps/v1/namespaces/{team.name}/statefulsets/db"
    assert (born, team.rig.get(path)["spec"]["replicas"]) == (2, 2)


def test_a_ceiling_that_cannot_be_read_lifts_nothing(team):
    team.deployed("llm", 2)
    team.annotate(CEILINGS, "deployments.apps/llm=99999999999999999999")

    team.scale("llm", 9)
    assert team.replicas("llm") == 2
    # Nor does it hold anybody back from having less.
    assert team.scale("llm", 1).returncode == 0
    assert team.replicas("llm") == 1


@pytest.mark.parametrize("system", ["kube-system", "kube-public", "kube-node-lease"])
def test_system_namespaces_are_never_governed(rig, in_force, system):
    team = Team(rig, system)
    team.limit(**{"plafond-probe": 0})

    try:
        team.create("plafond-probe", 2)
        assert team.replicas("plafond-probe") == 2
    finally:
        team.kubectl("delete", "deployment", "plafond-probe", "--wait=false")
        team.annotate(CEILINGS, None)
        team.annotate(WHY, None)


def test_our_own_namespace_is_never_governed(rig, in_force):
    team = Team(rig, "plafond-system")
    body = team.manifest("plafond-probe", 2)
    team.limit(**{"plafond-probe": 0})

    try:
        done = team.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=body)
        assert json.loads(done.stdout)["spec"]["replicas"] == 2
    finally:
        team.annotate(CEILINGS, None)
        team.annotate(WHY, None)


def test_the_api_server_finds_no_fault_in_any_expression(rig, in_force):
    path = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"

    def ours():
        found = {each["metadata"]["name"]: each.get("status") for each in rig.get(path)["items"]}
        return {name: status for name, status in found.items() if name.startswith("plafond-")}

    # A controller checks the types of every expression against the matched kinds.
    poll(lambda: all(ours().values()), what="the types to be checked")

    assert len(ours()) > 3
    assert {n: s["typeChecking"] for n, s in ours().items() if s["typeChecking"]} == {}


NOTICE = f"a cost ceiling of 4 replicas is in force for deployments.apps/llm ({REASON})"


@BY_WAY
def test_a_person_who_asks_for_more_is_told(team, way):
    team.deployed("llm", 2)
    team.limit(llm=4)

    said = way(team, "llm", 9).stderr

    assert NOTICE in said
    assert "it now has 4, more is not granted" in said
    assert f"see: kubectl plafond explain deployments.apps/llm -n {team.name}" in said


@BY_WAY
def test_a_person_who_stays_below_is_told_nothing(team, way):
    team.deployed("llm", 1)
    team.limit(llm=4)

    assert "cost ceiling" not in way(team, "llm", 3).stderr


def test_a_label_edit_at_the_ceiling_is_told_nothing(team):
    team.deployed("llm", 4)
    team.limit(llm=4)

    assert "cost ceiling" not in team.kubectl("label", "deployment", "llm", "tier=hot").stderr


def test_a_controller_is_clamped_and_told_nothing(team):
    team.deployed("llm", 2)
    team.limit(llm=4)
    path = f"/apis/apps/v1/namespaces/{team.name}/deployments/llm/scale"
    wish = {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": "llm", "namespace": team.name},
        "spec": {"replicas": 9},
    }

    done = team.rig.kubectl(
        "replace", "--raw", path, "-f", "-", stdin=json.dumps(wish), as_user=HPA
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert team.replicas("llm") == 4


REFUSAL = (
    f"a cost ceiling allows 4 replicas of deployments.apps/llm ({REASON}); "
    "see: kubectl plafond explain deployments.apps/llm -n "
)


@pytest.fixture(scope="module")
def no_clamp(rig, probed, in_force):
    """Take the mutating policy out of force; the backstop is then the whole mechanism."""
    rig.kubectl("delete", "mutatingadmissionpolicybinding", "plafond-ceiling")
    poll(lambda: probe(probed).returncode != 0, deadline=30, what="the clamp to be gone")
    yield
    rig.apply((REPOSITORY / "manifests" / "admission-ceiling.yaml").read_text(encoding="utf-8"))
    poll(lambda: probe(probed).returncode == 0, deadline=30, what="the clamp to be back")


@pytest.fixture
def older(team, no_clamp):
    """A team on an API server without mutating policies."""
    return team


@BY_WAY
def test_the_backstop_refuses_what_no_clamp_lowered_and_says_why(older, way):
    older.deployed("llm", 2)
    older.limit(llm=4)

    done = way(older, "llm", 9)

    assert done.returncode != 0
    assert REFUSAL + older.name in done.stderr
    assert "is in force" not in done.stderr
    assert older.replicas("llm") == 2


@BY_WAY
def test_the_backstop_allows_up_to_the_ceiling(older, way):
    older.deployed("llm", 2)
    older.limit(llm=4)

    assert way(older, "llm", 4).returncode == 0
    assert older.replicas("llm") == 4


@BY_WAY
def test_the_backstop_allows_lowering_above_the_ceiling(older, way):
    older.deployed("llm", 6)
    older.limit(llm=4)

    assert way(older, "llm", 5).returncode == 0
    assert older.replicas("llm") == 5


@BY_NAME
def test_the_backstop_refuses_a_birth_above_the_ceiling(older, name):
    older.limit(**{name: 2})

    assert older.create(name, 7).returncode != 0
    assert older.create(name, 2).returncode == 0


def test_the_backstop_refuses_absent_replicas_at_a_ceiling_of_zero(older):
    older.limit(llm=0)

    assert older.create("llm").returncode != 0
    assert older.create("llm", 0).returncode == 0


def test_the_backstop_lets_a_generated_name_pass(older):
    older.limit(llm=1)

    assert older.create(None, 5, generateName="llm-").returncode == 0


def test_the_backstop_lets_a_label_edit_above_the_ceiling_pass(older):
    older.deployed("llm", 6)
    older.limit(llm=4)

    assert older.kubectl("label", "deployment", "llm", "tier=hot").returncode == 0
    assert older.replicas("llm") == 6


def test_the_backstop_reads_the_largest_annotation(older):
    name = older.limit_as_many_as_fit()

    assert older.create(name, 9).returncode != 0
    assert older.create(name, 3).returncode == 0
