"""
Story: bad input never becomes a policy. The API server refuses it, and says which field and why.

The same examples are judged without a cluster in `tests/contract/test_cel.py`; here the real API
server has the last word.
"""

import json

import pytest
from e2e.world import fresh_namespace
from tests.unit.api.examples import DAY_ONE, FULL, LEDGER, REFUSED, SHEET


def named(document, name, namespace):
    """Return *document* as a person would send it, under a name of its own."""
    metadata = {"name": name}
    if document["kind"] != "PriceSheet":
        metadata["namespace"] = namespace
    return json.dumps({**document, "metadata": metadata})


@pytest.fixture(scope="module")
def team(rig):
    """A namespace with an accepted policy, and a sheet, that updates are tried on."""
    namespace = fresh_namespace(rig, "bad-input")
    for document in (FULL, SHEET):
        rig.apply(named(document, "accepted", namespace))
    yield namespace
    rig.kubectl("delete", "namespace", namespace, "--wait=false")
    rig.kubectl("delete", "pricesheet", "accepted")


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: f"{row.resource}: {row.id}")
def test_the_refusal_names_the_field_and_says_what_is_wrong(rig, team, row):
    verb, name = ("replace", "accepted") if row.is_update else ("create", "refused")

    answer = rig.kubectl(verb, "--dry-run=server", "-f", "-", stdin=named(row.after, name, team))

    assert answer.returncode != 0
    assert row.field in answer.stderr
    assert row.words in answer.stderr


@pytest.mark.parametrize(
    "document", [DAY_ONE, FULL, SHEET, LEDGER], ids=["day one", "full", "prices", "ledger"]
)
def test_a_good_example_is_accepted(rig, team, document):
    answer = rig.kubectl(
        "create", "--dry-run=server", "-f", "-", stdin=named(document, "good", team)
    )

    assert answer.stderr == ""
    assert answer.returncode == 0


def test_a_number_that_no_json_can_hold_does_not_reach_the_api_server(rig, team):
    policy = named(DAY_ONE, "refused", team).replace('"12000.00"', "1e309")

    answer = rig.kubectl("create", "--dry-run=server", "-f", "-", stdin=policy)

    assert answer.returncode != 0


def test_a_policy_may_be_changed_in_everything_but_its_currency(rig, team):
    policy = {**FULL, "spec": {**DAY_ONE["spec"], "mode": "Enforce"}}

    answer = rig.kubectl(
        "replace", "--dry-run=server", "-f", "-", stdin=named(policy, "accepted", team)
    )

    assert answer.returncode == 0, answer.stderr


def test_defaults_are_visible(rig, team):
    spec = rig.get(f"/apis/plafond.dev/v1alpha1/namespaces/{team}/costpolicies/accepted")["spec"]

    assert spec["classes"][1]["utilizationLimitPercent"] == 85


@pytest.mark.parametrize(
    ("flags", "columns"),
    [
        ([], "NAME MODE USED% SPENT WITHIN READY AGE"),
        (
            ["-o", "wide"],
            "NAME MODE USED% SPENT WITHIN READY FORECAST% BURN/H TARGETS REASON MESSAGE AGE",
        ),
    ],
)
def test_policies_are_listed_in_columns(rig, team, flags, columns):
    answer = rig.kubectl("get", "costpol", "-n", team, *flags)

    assert answer.stdout.splitlines()[0].split() == columns.split()


@pytest.mark.parametrize(
    "field",
    ["costpol.spec.budgets.onExhausted", "pricesheet.spec.nodes.prices", "ledger.spec.series"],
)
def test_every_kind_is_explained(rig, field):
    answer = rig.kubectl("explain", field)

    assert answer.returncode == 0, answer.stderr
    assert "<empty>" not in answer.stdout


def test_all_kinds_of_the_category_are_listed_together(rig, team):
    answer = rig.kubectl("get", "cost", "-n", team, "-o", "name")

    assert "costpolicy.plafond.dev/accepted" in answer.stdout.split()
