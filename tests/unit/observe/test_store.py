"""The store: lists replace, events move, and what vanished is told once."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from plafond.observe.store import Kind, Store

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


@dataclass(frozen=True)
class Thing:
    name: str
    size: int
    first_seen: datetime | None = None


def parse(raw):
    return Thing(raw["metadata"]["name"], int(raw["size"]))


def settle(thing, before, at):
    return replace(thing, first_seen=before.first_seen if before else at)


THINGS = Kind("Things", "/things", parse, keeps_vanished=True)


def store(kind=THINGS):
    return Store(kind, keep_vanished=timedelta(hours=1))


def raw(name, size="1", uid=None, version="1"):
    meta = {
        "name": name,
        "namespace": "ns",
        "uid": uid or f"uid-{name}",
        "resourceVersion": version,
    }
    return {"metadata": meta, "size": size}


def listed(things, *raws, at=NOW):
    return things.replace(things.understood(raws, at), at)


def test_what_a_write_answered_counts_for_what_is_known_and_not_older():
    things = store()
    listed(things, raw("a"), raw("gone", uid="uid-gone"))
    things.remove(raw("gone", uid="uid-gone", version="2"), NOW)

    assert things.renew(raw("a", size="5", version="3"), NOW)
    assert not things.renew(raw("a", size="4", version="2"), NOW)
    assert not things.renew(raw("gone", uid="uid-gone", version="4"), NOW)
    # The watch tells it again.
    assert not things.put(raw("a", size="5", version="3"), NOW)

    assert [(thing.name, thing.size) for thing in things.records.values()] == [("a", 5)]


def test_a_version_is_understood_once():
    parsed = []

    def counting(raw):
        parsed.append(raw["metadata"]["name"])
        return parse(raw)

    things = store(replace(THINGS, parse=counting))
    listed(things, raw("a"), raw("b"))
    listed(things, raw("a"), raw("b", size="2", version="2"))

    assert parsed == ["a", "b", "b"]
    assert [thing.size for thing in things.records.values()] == [1, 2]


def names(things):
    return [thing.name for thing in things.records.values()]


def test_a_list_replaces_everything():
    things = store()
    listed(things, raw("a"), raw("b"))

    listed(things, raw("b"), raw("c"), at=LATER)

    assert names(things) == ["b", "c"]
    assert [(each.record.name, each.at) for each in things.vanished.values()] == [("a", LATER)]


def test_a_list_of_the_same_does_not_wake():
    things = store()

    assert listed(things, raw("a"))
    assert not listed(things, raw("a", version="2"))


def test_a_change_wakes_and_an_echo_does_not():
    things = store()
    listed(things, raw("a"))

    assert not things.put(raw("a", version="2"), NOW)
    assert things.put(raw("a", size="2", version="3"), NOW)
    assert things.put(raw("b", version="4"), NOW)
    assert things.remove(raw("b", version="5"), NOW)


def test_what_does_not_matter_does_not_wake():
    things = store(replace(THINGS, is_relevant=lambda _before, _after: False))

    assert not things.put(raw("a"), NOW)
    assert not things.remove(raw("a", version="2"), NOW)


def test_an_event_older_than_what_is_known_is_passed_over():
    things = store()
    listed(things, raw("a", size="2", version="9"))

    assert not things.put(raw("a", size="1", version="8"), NOW)

    assert things.records["uid-a"].size == 2


def test_the_end_of_a_predecessor_does_not_touch_its_successor():
    things = store()
    listed(things, raw("a", uid="uid-1", version="1"))
    things.put(raw("a", uid="uid-2", version="3"), NOW)

    things.remove(raw("a", uid="uid-1", version="2"), NOW)

    assert list(things.records) == ["uid-2"]
    assert list(things.vanished) == ["uid-1"]


def test_what_was_never_known_cannot_vanish():
    things = store()

    assert not things.remove(raw("a"), NOW)
    assert things.vanished == {}


def test_what_vanished_is_kept_as_it_last_was_until_it_is_forgotten():
    things = store()
    listed(things, raw("a"), raw("b"))

    things.remove(raw("a", size="7", version="2"), LATER)

    assert things.vanished["uid-a"].record.size == 7
    things.forget(["uid-a", "uid-unknown"])
    assert things.vanished == {}


def test_what_nobody_takes_note_of_is_forgotten_after_a_while():
    things = store()
    listed(things, raw("a"), raw("b"))
    things.remove(raw("a", version="2"), NOW)

    things.put(raw("b", version="3"), NOW + timedelta(hours=1))
    assert list(things.vanished) == ["uid-a"]
    things.put(raw("b", version="4"), NOW + timedelta(hours=1, seconds=1))

    assert things.vanished == {}


def test_what_comes_back_had_not_vanished():
    # A list from an API server that lags behind may lack what is there.
    things = store()
    listed(things, raw("a"))
    listed(things)

    listed(things, raw("a"))

    assert names(things) == ["a"]
    assert things.vanished == {}


def test_a_kind_that_is_not_kept_vanishes_without_trace():
    things = store(replace(THINGS, keeps_vanished=False))
    listed(things, raw("a"))

    listed(things)

    assert things.vanished == {}


def test_an_object_that_makes_no_sense_is_a_gap_and_what_was_known_stands():
    things = store()
    listed(things, raw("a", size="5"))

    things.put(raw("a", size="many", version="2"), NOW)
    things.put(raw("b", size="many", version="3"), NOW)

    assert things.records == {"uid-a": Thing("a", 5)}
    assert [unread.gap.why.partition(":")[0] for unread in things.gaps] == [
        "Things ns/a cannot be read",
        "Things ns/b cannot be read",
    ]


def test_a_gap_closes_when_the_object_makes_sense_again():
    things = store()
    listed(things, raw("a", size="many"))

    things.put(raw("a", size="3", version="2"), NOW)

    assert (things.records["uid-a"].size, things.gaps) == (3, ())


def test_an_end_that_makes_no_sense_is_an_end():
    things = store()
    listed(things, raw("a", size="5"))

    things.remove(raw("a", size="many", version="2"), LATER)

    assert things.vanished["uid-a"].record.size == 5


def test_settling_carries_over_what_only_the_observer_knows():
    things = store(replace(THINGS, settle=settle))
    listed(things, raw("a"))

    listed(things, raw("a", size="2"), at=LATER)

    assert things.records["uid-a"].first_seen == NOW
