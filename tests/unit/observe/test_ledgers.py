"""Ledgers and what they continue: one record, a loss that is known, or a gap that names it."""

from dataclasses import replace

import pytest
from tests.builders import DAY, EUR, NOW
from tests.integration.fakes import objects as made

from plafond.account.ledger import spent
from plafond.model.gap import Gap
from plafond.model.ledger import Fact, SeriesKey
from plafond.model.memory import NamespaceRecord
from plafond.model.window import Span
from plafond.observe.ledgers import Ledgers, unreadable
from plafond.observe.records import ledgers
from plafond.observe.store import Unread

SPEND = SeriesKey(Fact.SPEND, EUR)
ALWAYS = Span(NOW - 30 * DAY, NOW)
PAST = ledgers.parse(made.past(NOW - 3 * DAY, "5"))
OTHER = ledgers.parse(made.past(NOW - 4 * DAY, "70"))
HEAD = ledgers.parse(made.spent_days_ago(1))
CONTINUES = {"name": PAST.name, "until": f"{NOW - 3 * DAY:%Y-%m-%dT%H:%M:%SZ}"}


def continuing():
    raw = made.spent_days_ago(1)
    return ledgers.parse({**raw, "spec": {**raw["spec"], "continues": CONTINUES}})


def unread(name, namespace="team-a"):
    return Unread(namespace, name, Gap(f"SpendLedgers {namespace}/{name} cannot be read: why"))


def whole(*found, gaps=()):
    return Ledgers().whole(found, gaps).get("team-a")


def test_a_ledger_counts_with_the_past_that_it_names_and_with_no_other():
    found = whole(continuing(), PAST, OTHER)

    # 5 in what it names, and 7 of its own
    assert spent(found.record.ledger, SPEND, ALWAYS) == 12
    assert found.pasts == {PAST.name: PAST.uid, OTHER.name: OTHER.uid}


def test_one_that_names_none_counts_alone():
    assert whole(HEAD, PAST).record == HEAD.record


def test_a_past_that_was_deleted_is_unknown_from_where_it_ended():
    found = whole(continuing(), OTHER)

    assert spent(found.record.ledger, SPEND, ALWAYS) == 7
    memory = found.record.memory
    lost = {memory.counted_since, memory.complete_from, memory.searched_from}
    assert lost == {NOW - 3 * DAY}
    assert replace(memory, counted_since=None, complete_from=None, searched_from=None) == (
        NamespaceRecord().memory
    )


def test_a_past_that_cannot_be_read_is_a_gap_that_names_it():
    gaps = (unread(PAST.name), unread(OTHER.name))

    assert whole(continuing(), gaps=gaps) is None
    assert unreadable([continuing()], gaps) == {"team-a": unread(PAST.name).gap}


def test_a_past_that_was_read_once_stands():
    gaps = (unread(PAST.name),)

    assert whole(continuing(), PAST, gaps=gaps) is not None
    assert unreadable([continuing(), PAST], gaps) == {}


@pytest.mark.parametrize(
    ("found", "names"), [((), ["team-a"]), ((HEAD,), [])], ids=["never understood", "before"]
)
def test_a_ledger_that_was_never_understood_is_a_gap(found, names):
    assert list(unreadable(found, (unread("plafond"),))) == names


def test_another_s_object_that_cannot_be_read_is_no_gap_of_ours():
    assert unreadable([HEAD], (unread("theirs"), unread("theirs", "team-b"))) == {}


def test_what_was_joined_is_joined_again_only_when_something_came():
    known, head = Ledgers(), continuing()
    first = known.whole([head, PAST], ())["team-a"]

    assert known.whole([head, PAST], ())["team-a"] is first
    assert known.whole([continuing(), PAST], ())["team-a"] is not first
    assert OTHER.name in known.whole([head, PAST, OTHER], ())["team-a"].pasts


def test_days_that_are_closed_are_no_past():
    day = replace(OTHER, name="plafond-2026-11-12")

    assert whole(HEAD, day).pasts == {}


def test_a_closed_ledger_wakes_nobody():
    assert not ledgers.is_relevant(None, PAST)
    assert not ledgers.is_relevant(PAST, None)
