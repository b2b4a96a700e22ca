"""The documentation says what the code does: examples, reasons, fields, metrics, links, targets."""

import ast
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import yaml
from pydantic import BaseModel
from tests.builders import HOUR, NOW, hpa
from tests.unit.api.rules import defaulted, verdicts
from tests.unit.cli.support import explained
from tests.unit.decide.test_rationale import busy, ten_hours

from plafond.api.constants import API_VERSION
from plafond.api.convert_policy import parse_cost_policy
from plafond.api.convert_prices import parse_price_sheet
from plafond.api.crd import definition
from plafond.api.kinds import COST_POLICY, KINDS, PRICE_SHEET
from plafond.cli.app import app
from plafond.cli.show import as_json
from plafond.controller.config import Config
from plafond.decide.evaluate import evaluate
from plafond.decide.reason import Reason
from plafond.model.meters import Meter
from plafond.model.policy import InvalidPolicy
from plafond.model.settings import Settings
from plafond.model.snapshot import Snapshot
from plafond.report.condition_reason import ConditionReason, EventReason
from plafond.report.metrics import Metrics

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REPORT = ROOT / "operator" / "plafond" / "report"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "e2e").rglob("*.md")])
SPEC_OF = {
    kind.name: definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][
        "spec"
    ]
    for kind in KINDS
}
PARSERS = {COST_POLICY.name: parse_cost_policy, PRICE_SHEET.name: parse_price_sheet}


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def examples() -> list[tuple[str, dict[str, Any]]]:
    """Return every YAML document of every page, each with the page that it stands on."""
    fence = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return [
        (str(page.relative_to(ROOT)), document)
        for page in PAGES
        for block in fence.findall(text_of(page))
        for document in yaml.safe_load_all(block)
    ]


OURS = [(page, found) for page, found in examples() if found.get("apiVersion") == API_VERSION]
CONFIGURATIONS = [(page, found) for page, found in examples() if "prometheus" in found]


def dropped(schema: dict[str, Any], value: object, path: str = "") -> Iterator[str]:
    """Yield the fields of *value* that the API server would drop without a word."""
    if isinstance(value, list):
        for each in value:
            yield from dropped(schema["items"], each, f"{path}[]")
    elif isinstance(value, dict) and "properties" in schema:
        for name, child in value.items():
            if name in schema["properties"]:
                yield from dropped(schema["properties"][name], child, f"{path}.{name}")
            else:
                yield f"{path}.{name}"


def test_there_are_examples_of_every_kind_that_people_write():
    assert {found["kind"] for _, found in OURS} == set(PARSERS)
    assert CONFIGURATIONS


@pytest.mark.parametrize(("page", "example"), OURS, ids=[page for page, _ in OURS])
def test_the_api_server_and_the_operator_accept_an_example(page, example):
    schema = SPEC_OF[example["kind"]]
    spec = defaulted(schema, example["spec"])

    parsed = PARSERS[example["kind"]]({**example, "spec": spec})

    assert list(dropped(schema, example["spec"])) == []
    assert [broken for broken, holds in verdicts(schema, spec) if not holds] == []
    assert not isinstance(parsed, InvalidPolicy), parsed


@pytest.mark.parametrize(("page", "example"), CONFIGURATIONS, ids=[p for p, _ in CONFIGURATIONS])
def test_the_operator_accepts_an_example_of_its_configuration(page, example):
    assert Config.model_validate(example).queries


def fields(model: type[BaseModel], path: str = "") -> Iterator[str]:
    """Yield every field of *model*, as it is written in the file."""
    for name, field in model.model_fields.items():
        here = f"{path}{field.alias or name}"
        types = (field.annotation, *getattr(field.annotation, "__args__", ()))
        sections = [t for t in types if isinstance(t, type) and issubclass(t, BaseModel)]
        if not sections:
            yield here
        for section in sections:
            is_map = section is not field.annotation
            yield from fields(section, f"{here}.<name>." if is_map else f"{here}.")


def test_every_field_of_the_configuration_has_its_row_and_every_row_its_field():
    rows = set(re.findall(r"^\| `([^`]+)` \|", text_of(DOCS / "configuration.md"), re.MULTILINE))

    assert rows == {*fields(Config), "meters", "timing", *Meter}


def test_every_field_of_a_policy_is_explained():
    page = text_of(DOCS / "policies.md")
    # A selector is Kubernetes' own; the reference has it.
    inside_selectors = {"matchLabels", "matchExpressions", "key", "operator", "values"}

    assert [f for f in properties(SPEC_OF["CostPolicy"]) - inside_selectors if f not in page] == []


def properties(schema: dict[str, Any]) -> set[str]:
    """Return the names of every field in *schema*."""
    found = set(schema.get("properties", {}))
    children = [*schema.get("properties", {}).values()]
    children += [schema[key] for key in ("items", "additionalProperties") if key in schema]
    return found.union(*(properties(child) for child in children))


def entries() -> dict[str, str]:
    """Return the entries of the runbook, by their reason."""
    parts = re.split(r"^### `(\w+)`$", text_of(DOCS / "runbook.md"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def sentences() -> dict[str, list[str]]:
    """Return what each reason means; some say why a count moved, and are a condition's, too."""
    found: dict[str, list[str]] = {}
    for reason in (*Reason, *ConditionReason, *EventReason):
        found.setdefault(reason.value, []).append(reason.sentence)
    return found


def test_every_reason_has_its_entry_in_the_runbook_and_nothing_else_has():
    headings = re.findall(r"^### `(\w+)`$", text_of(DOCS / "runbook.md"), re.MULTILINE)

    assert len(headings) == len(set(headings))
    assert set(headings) == set(sentences())


@pytest.mark.parametrize("reason", sorted(sentences()))
def test_an_entry_says_what_it_means_what_to_check_and_what_to_do(reason):
    entry = " ".join(entries()[reason].split())

    for sentence in sentences()[reason]:
        assert f"{sentence[0].upper()}{sentence[1:]}." in entry
    assert re.search(r"\*\*Check:\*\* \S+.* \*\*Do:\*\* \S", entry)


def test_every_reason_of_a_condition_is_in_the_table_of_conditions():
    page = text_of(DOCS / "policies.md")

    assert [reason for reason in ConditionReason if f"`{reason}`" not in page] == []


def test_a_reason_is_never_a_loose_string():
    """Whoever makes a condition or an Event names its reason, so that it has a sentence."""
    loose = [
        f"{path.name}:{call.lineno}"
        for path in REPORT.glob("*.py")
        for call in ast.walk(ast.parse(text_of(path)))
        if isinstance(call, ast.Call)
        for place in REASON_PLACES.get(getattr(call.func, "id", ""), ())
        if len(call.args) > place and isinstance(call.args[place], ast.Constant)
    ]

    assert loose == []


# Which argument is the reason.
REASON_PLACES = {"Condition": (2,), "_plain": (2,), "_not_governed": (0,), "Event": (2,)}


def shape(value: object) -> object:
    """Return the keys of *value*, and of what is in it; of a list those of its first entry."""
    if isinstance(value, list):
        return [shape(value[0])] if value and isinstance(value[0], dict) else []
    return {key: shape(each) for key, each in value.items()} if isinstance(value, dict) else None


def test_the_json_of_an_explanation_is_the_one_that_is_documented():
    (block,) = re.findall(
        r"^```json\n(.*?)^```", text_of(DOCS / "explain.md"), re.MULTILINE | re.DOTALL
    )
    troubled = explained(busy(ten_hours("200")), now=NOW + HOUR, scaled_by=(hpa(),))

    assert shape(json.loads(block)) == shape(as_json.explanation(troubled))


def test_every_flag_of_the_command_is_documented():
    page = text_of(DOCS / "explain.md") + text_of(DOCS / "simulate.md")
    flags = {
        flag
        for command in app.registered_commands
        for option in get_type_hints(command.callback, include_extras=True).values()
        for declared in getattr(option, "__metadata__", ())
        # In an annotation, the first word of an option takes the place of its default.
        for flag in (declared.default, *(declared.param_decls or ()))
        if str(flag).startswith("-")
    }

    assert {"-n", "-A", "--exit-code", "--benchmark"} <= flags
    assert [flag for flag in sorted(flags) if f"`{flag}" not in page] == []


def exported() -> set[str]:
    """Return the names of our metrics, as Prometheus sees them, after a pass over nothing."""
    snapshot = Snapshot(datetime(2026, 11, 1, tzinfo=UTC))
    metrics = Metrics()
    metrics.show(snapshot, evaluate(snapshot, Settings()))
    return {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in metrics.registry.collect()
    }


def test_every_metric_is_documented_and_every_documented_one_exists():
    page = text_of(DOCS / "metrics.md")
    documented = set(re.findall(r"^\| `(plafond_\w+)` \|", page, re.MULTILINE))

    assert documented == exported()
    assert set(re.findall(r"plafond_\w+", page)) == documented


def anchors(page: Path) -> set[str]:
    """Return the anchors of *page*'s headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def links(page: Path) -> Iterator[str]:
    outside_code = re.sub(r"```.*?```|`[^`\n]*`", "", text_of(page), flags=re.DOTALL)
    yield from re.findall(r"\]\(([^)\s]+)\)", outside_code)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    for link in links(page):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


# What looks like a path of this repository: code, manifests, pages, tests.
PATH = re.compile(r"`((?:operator|tests|e2e|docs|manifests|crds)/[\w./-]*\w/?)`")
OF_THE_PACKAGE = re.compile(
    r"`((?:model|account|forecast|decide|api|observe|enforce|report|controller|cli|page)"
    r"/[\w./]+\.py)`"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_is_named_exists(page):
    named = [ROOT / path for path in PATH.findall(text_of(page))]
    named += [ROOT / "operator/plafond" / path for path in OF_THE_PACKAGE.findall(text_of(page))]

    assert [str(path) for path in named if not path.exists()] == []


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    named = {
        target
        for page in PAGES
        for target in re.findall(r"(?:^|`)make ([a-z]+)", text_of(page), re.MULTILINE)
    }

    assert named <= targets
    assert {"demo", "test", "check"} <= named
