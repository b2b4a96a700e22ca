"""Raw StatefulSets, and their pods, into records."""

import pytest
from tests.integration.fakes import objects as made

from plafond.model.workload import Surge, WorkloadId
from plafond.observe.records import pods, statefulsets

DB = WorkloadId("team-a", "StatefulSet", "db")


def test_it_is_a_workload_like_a_deployment_without_surge():
    found = statefulsets.parse(made.stateful_set("db", replicas=3))

    assert (found.id, found.replicas, found.surge) == (DB, 3, Surge())
    assert str(found.id) == "statefulsets.apps/db"
    assert found.requests["nvidia.com/gpu"] == 1


@pytest.mark.parametrize(
    ("when_scaled", "loses"), [(None, False), ("Retain", False), ("Delete", True)]
)
def test_a_lower_count_deletes_volumes_only_where_it_says_so(when_scaled, loses):
    assert statefulsets.parse(made.stateful_set("db", when_scaled)).loses_volumes is loses


@pytest.mark.parametrize(
    ("version", "owner"), [("apps/v1", DB), ("apps.kruise.io/v1beta1", None)], ids=["ours", "other"]
)
def test_a_pod_belongs_to_its_stateful_set_and_to_no_other_kind_of_that_name(version, owner):
    raw = made.pod("db-0")
    (reference,) = made.owned_by("StatefulSet", "db", "uid-db")
    raw["metadata"]["ownerReferences"] = [{**reference, "apiVersion": version}]

    assert pods.parse(raw).pod.owner == owner
