"""The committed CRDs are what the models say, and what the API conventions ask for."""

from enum import StrEnum
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from tests.unit.api.examples import FULL
from tests.unit.api.rules import defaulted

from plafond.api.convert_policy import parse_cost_policy
from plafond.api.crd import definition, text
from plafond.api.kinds import COST_POLICY, KINDS, PRICE_SHEET, SPEND_LEDGER
from plafond.api.reference import page
from plafond.api.schema import ALLOWED
from plafond.model.budget import OnExhausted
from plafond.model.capacity import CapacityType
from plafond.model.labels import Operator
from plafond.model.policy import Mode
from plafond.model.window import Period
from plafond.model.workload import WorkloadClass

CRDS = Path(__file__).parents[2] / "crds"
REFERENCE = CRDS.parent / "docs" / "reference"
BY_NAME = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
ROOT_FIELDS = {"apiVersion", "kind", "metadata"}


def schema_of(kind):
    return definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def nodes(schema, path=""):
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from nodes(schema[key], f"{path}[]")


def ours(kind):
    return [
        (path, node)
        for path, node in nodes(schema_of(kind))
        if path.removeprefix(".").split(".")[0] not in {"", *ROOT_FIELDS}
    ]


@BY_NAME
def test_the_committed_file_is_the_generated_one(kind):
    committed = (CRDS / f"{kind.plural}.yaml").read_text(encoding="utf-8")

    assert committed == text(kind), "run `make crds` and commit the result"


def test_no_other_file_is_in_the_folder():
    assert {path.name for path in CRDS.iterdir()} == {f"{kind.plural}.yaml" for kind in KINDS}


@BY_NAME
@pytest.mark.parametrize("version", ["1.30", "1.36"])
def test_the_definition_is_valid_kubernetes(kind, version):
    document = yaml.safe_load(text(kind))

    kubernetes_validate.validate(document, version, strict=True)


@BY_NAME
def test_every_field_explains_itself(kind):
    unexplained = [
        path for path, node in ours(kind) if not path.endswith("[]") and not node.get("description")
    ]
    assert unexplained == []


@BY_NAME
def test_everything_is_bounded(kind):
    bounds = {
        "string": lambda n: "maxLength" in n or "enum" in n,
        "integer": lambda n: "minimum" in n and "maximum" in n,
        "array": lambda n: "maxItems" in n,
        "object": lambda n: "properties" in n or "maxProperties" in n,
    }
    assert [path for path, node in ours(kind) if not bounds[node["type"]](node)] == []


@BY_NAME
def test_only_allowed_keys_are_used(kind):
    assert {key for _, node in nodes(schema_of(kind)) for key in node} <= set(ALLOWED)


@BY_NAME
def test_lists_say_how_they_merge_and_their_keys_are_required(kind):
    lists = [(path, node) for path, node in ours(kind) if node["type"] == "array"]

    for path, node in lists:
        assert node["x-kubernetes-list-type"] in {"map", "atomic"}, path
        assert set(node.get("x-kubernetes-list-map-keys", ())) <= set(
            node["items"].get("required", ())
        ), path


@BY_NAME
def test_enums_begin_with_a_capital(kind):
    values = [value for path, node in ours(kind) for value in node.get("enum", ())]

    assert [value for value in values if not value[0].isupper() and value != "apps"] == []


@BY_NAME
def test_a_printed_column_shows_a_field_that_exists(kind):
    known = {path.replace("[]", "") for path, _ in nodes(schema_of(kind))}

    for column in kind.columns:
        path = column.path.replace("[?", "|").split("|")[0]
        assert path in known or path.startswith(".metadata"), column.name


def test_conditions_are_those_of_kubernetes():
    condition = schema_of(COST_POLICY)["properties"]["status"]["properties"]["conditions"]

    assert condition["x-kubernetes-list-map-keys"] == ["type"]
    # metav1.Condition: everything but observedGeneration is required.
    assert set(condition["items"]["required"]) == {
        "type",
        "status",
        "lastTransitionTime",
        "reason",
        "message",
    }
    assert set(condition["items"]["properties"]) == {
        *condition["items"]["required"],
        "observedGeneration",
    }


def enum_at(kind, *way: str) -> list[str]:
    node = schema_of(kind)["properties"]["spec"]
    for step in way:
        node = node["items"] if step == "[]" else node["properties"][step]
    return node["enum"]


@pytest.mark.parametrize(
    ("known", "written"),
    [
        (Mode, enum_at(COST_POLICY, "mode")),
        (OnExhausted, enum_at(COST_POLICY, "budgets", "[]", "onExhausted")),
        (Period, enum_at(COST_POLICY, "budgets", "[]", "window", "period")),
        (WorkloadClass, enum_at(COST_POLICY, "classes", "[]", "name")),
        (CapacityType, enum_at(PRICE_SHEET, "nodes", "[]", "capacityType")),
        (
            Operator,
            enum_at(
                PRICE_SHEET, "nodes", "[]", "nodeSelector", "matchExpressions", "[]", "operator"
            ),
        ),
    ],
)
def test_what_may_be_written_is_what_the_model_knows(known: type[StrEnum], written):
    assert sorted(member.value for member in known) == sorted(written)


def test_defaults_of_the_schema_are_defaults_of_the_model():
    filled_in = defaulted(schema_of(COST_POLICY), FULL)

    assert filled_in != FULL
    assert parse_cost_policy(filled_in) == parse_cost_policy(FULL)


def test_kinds_are_found_under_their_short_names():
    names = {kind.name: definition(kind)["spec"]["names"] for kind in KINDS}

    assert names["CostPolicy"]["shortNames"] == ["costpol"]
    assert names["SpendLedger"]["shortNames"] == ["ledger"]
    assert names["PriceSheet"]["singular"] == "pricesheet"
    assert all(each["categories"] == ["cost"] for each in names.values())
    assert SPEND_LEDGER.scope == COST_POLICY.scope == "Namespaced"
    assert PRICE_SHEET.scope == "Cluster"


@BY_NAME
def test_the_reference_page_is_the_generated_one(kind):
    committed = (REFERENCE / f"{kind.singular}.md").read_text(encoding="utf-8")

    assert committed == page(kind), "run `make crds` and commit the result"
