"""Closed ledgers survive their objects, and what somebody changed is not taken for what was."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from tests.builders import DAY, NOW
from tests.integration.fakes import objects as made
from tests.unit.api.test_convert_ledger import LEDGERS

from plafond.account.closing import month_of
from plafond.api.convert_closed import closed_spec, day_name, month_name, parse_closed, past_name
from plafond.api.convert_ledger import continued, parse_ledger
from plafond.api.errors import InvalidResource
from plafond.model.ledger import Ledger
from plafond.model.window import Span

SPAN = Span(NOW, NOW + DAY)


def stored(spec, name):
    return {"metadata": {"name": name}, "spec": json.loads(json.dumps(spec))}


@given(LEDGERS)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)
def test_what_is_closed_reads_the_same_under_its_own_name(ledger):
    spec = closed_spec(ledger, SPAN)
    name = past_name(spec)

    read = parse_closed(stored(spec, name))

    assert (read.name, read.span, read.ledger) == (name, SPAN, Ledger(None, ledger.series))


def test_a_past_is_called_by_what_is_in_it():
    one, other = (made.past(NOW, value)["metadata"]["name"] for value in ("1", "2"))

    assert one.startswith("plafond-past-")
    assert one != other
    assert made.past(NOW, "1")["metadata"]["name"] == one


def test_days_and_months_are_called_by_the_calendar():
    day = Span(NOW.replace(hour=0), NOW.replace(hour=0) + DAY)

    assert (day_name(day), month_name(month_of(NOW))) == ("plafond-2026-11-16", "plafond-2026-11")


def test_a_past_that_somebody_has_changed_is_not_what_was_written():
    raw = copy.deepcopy(made.past(NOW, "1"))
    raw["spec"]["series"][0]["runs"][0]["values"] = "0"

    with pytest.raises(InvalidResource, match="it is not what was written into plafond-past-"):
        parse_closed(raw)


def test_one_with_a_memory_is_not_closed():
    raw = {**made.ledger("plafond-2026-11-16", "team-a")}

    with pytest.raises(InvalidResource, match="plafond-2026-11-16 is not closed") as invalid:
        parse_closed(raw)

    assert invalid.value.field == "spec.closed"


def test_one_that_is_closed_is_no_ledger_to_go_on_from():
    with pytest.raises(InvalidResource, match="a closed ledger has none") as invalid:
        parse_ledger(made.past(NOW))

    assert invalid.value.field == "spec.memory"


@pytest.mark.parametrize(
    ("continues", "field"),
    [
        pytest.param({"name": "x", "until": "2026-02-30T00:00:00Z"}, "until", id="no such day"),
        pytest.param({"name": "X", "until": "2026-02-20T00:00:00Z"}, "name", id="no such name"),
    ],
)
def test_what_is_continued_is_named_and_ends_somewhen(continues, field):
    raw = made.ledger("plafond", "team-a")
    raw["spec"]["continues"] = continues

    with pytest.raises(InvalidResource) as invalid:
        parse_ledger(raw)

    assert invalid.value.field == f"spec.continues.{field}"


def test_a_ledger_that_continues_nothing_says_so():
    assert continued(made.ledger("plafond", "team-a")) is None
