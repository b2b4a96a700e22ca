"""Every CEL rule of every kind accepts a good example and rejects a bad one."""

import re
from zoneinfo import available_timezones

import pytest
from tests.unit.api.examples import DAY_ONE, FULL, LEDGER, REFUSED, SHEET, Refused
from tests.unit.api.rules import defaulted, rules_in, verdicts

from plafond.api.budget import ZONE_NAMES
from plafond.api.crd import definition
from plafond.api.kinds import COST_POLICY, KINDS, PRICE_SHEET, SPEND_LEDGER


def schema_of(kind):
    return definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


SCHEMAS = {kind.name: schema_of(kind) for kind in KINDS}
BY_RULE = [
    row
    for row in REFUSED
    if any(row.words in message for _, message in rules_in(SCHEMAS[row.resource]))
]


def broken_by(row: Refused):
    schema = SCHEMAS[row.resource]
    before, after = defaulted(schema, row.before), defaulted(schema, row.after)
    return {rule for rule, holds in verdicts(schema, after, before) if not holds}


@pytest.mark.parametrize("row", BY_RULE, ids=lambda row: row.id)
def test_a_bad_example_breaks_the_rule_that_says_why(row):
    assert [message for _, message in broken_by(row) if row.words in message]


@pytest.mark.parametrize(
    "good", [DAY_ONE, FULL, SHEET, LEDGER], ids=["day one", "full", "prices", "ledger"]
)
def test_a_good_example_keeps_every_rule(good):
    schema = SCHEMAS[good["kind"]]
    whole = defaulted(schema, good)

    assert [rule for rule, holds in verdicts(schema, whole, whole) if not holds] == []


@pytest.mark.parametrize(
    ("kind", "good"),
    [(COST_POLICY, FULL), (PRICE_SHEET, SHEET), (SPEND_LEDGER, LEDGER)],
    ids=lambda each: each.name if each in KINDS else "",
)
def test_the_good_examples_reach_every_rule(kind, good):
    schema = SCHEMAS[kind.name]
    whole = defaulted(schema, good)

    # A selector in a class and one in a target are the same rules at two places.
    reached = {message for (_, message), _ in verdicts(schema, whole, whole)}
    assert {message for _, message in rules_in(schema)} == reached


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_bad_examples_break_every_rule(kind):
    rows = [row for row in BY_RULE if row.resource == kind.name]

    broken = {message for row in rows for _, message in broken_by(row)}
    assert {message for _, message in rules_in(SCHEMAS[kind.name])} == broken


def test_every_time_zone_of_the_database_keeps_the_rule_about_their_names():
    known = available_timezones() - {"localtime"}

    assert len(known) > 400
    assert sorted(zone for zone in known if not re.search(ZONE_NAMES, zone)) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_rules_stay_in_the_core_language(kind):
    # Quantities, URLs and optional syntax exist in the API server only; a test could not run them.
    text = str(SCHEMAS[kind.name])
    assert not [word for word in ("quantity(", "url(", ".?", "isSorted(", ".find(") if word in text]
