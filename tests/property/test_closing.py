"""Laws of closing: whatever is put away when, and wherever a crash comes, each fact counts once."""

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import DAY, EUR, HOUR, MINUTE, NOW, money

from plafond.account.closing import by_day, day_of, joined, split
from plafond.account.ledger import Charge, Grid, recorded, spent
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.model.memory import NamespaceRecord
from plafond.model.money import GPU_HOURS, ZERO
from plafond.model.window import Span
from plafond.observe.ledgers import Ledgers
from plafond.observe.records.ledgers import parse
from plafond.report.checkpoint import parts_of

SPEND = SeriesKey(Fact.SPEND, EUR)
CHAT = SPEND._replace(workload="deployments.apps/chat")
KEYS = st.sampled_from([SPEND, SeriesKey(Fact.DEMAND, GPU_HOURS), CHAT])
AMOUNTS = st.decimals(0, 10**6, places=9)
LENGTHS = st.sampled_from([37 * timedelta(seconds=1), 5 * MINUTE, HOUR, DAY])
INSTANTS = st.integers(-20 * 24 * 60, 24 * 60).map(lambda n: NOW + n * MINUTE)


@st.composite
def buckets(draw):
    """Ordered and without overlap, of any length: some of them across midnight."""
    at, found = draw(INSTANTS), []
    for value in draw(st.lists(AMOUNTS, max_size=8)):
        at += draw(st.sampled_from([timedelta(), MINUTE, 7 * HOUR]))
        length = draw(LENGTHS)
        found.append(Bucket(at, length, value))
        at += length
    return tuple(found)


LEDGERS = st.builds(Ledger, st.just(NOW), st.dictionaries(KEYS, buckets(), max_size=3))


@given(LEDGERS, INSTANTS)
def test_what_is_split_is_joined_to_exactly_what_it_was(ledger, at):
    older, newer = split(ledger, at)

    assert joined(older, newer) == ledger
    assert all(b.start < at for found in older.series.values() for b in found)


@dataclass
class Cluster:
    """The objects of one namespace, each write by write, as the API server would have them."""

    objects: dict[str, dict] = field(default_factory=dict)

    def writes(self, record):
        """Return the writes of a checkpoint: make, name, delete what is not named any more."""
        parts = parts_of(record)
        name = parts.past_name
        gone = [each for each in self.objects if each not in ("plafond", name)]
        made = [(name, parts.past)] if name and name not in self.objects else []
        return [*made, ("plafond", parts.ledger), *((each, None) for each in gone)]

    def write(self, name, spec):
        """Carry out one write."""
        if spec is None:
            del self.objects[name]
            return
        meta = {"namespace": "a", "name": name, "uid": name, "resourceVersion": "1"}
        self.objects[name] = {"metadata": meta, "spec": json.loads(json.dumps(spec))}

    def read(self):
        """Return the record that an operator which starts now begins with."""
        found = [parse(raw) for raw in self.objects.values()]
        whole = Ledgers().whole(found, ())
        return whole["a"].record if whole else None


@given(LEDGERS)
def test_what_is_closed_reads_the_same(ledger):
    cluster, record = Cluster(), NamespaceRecord(ledger)
    for write in cluster.writes(record):
        cluster.write(*write)

    read = cluster.read().ledger
    zeros = {k: tuple(b for b in found if b.value) for k, found in ledger.series.items()}
    # A single workload's stretch in which nothing was spent is left out, as it always was.
    expected = {k: zeros[k] if k.workload else found for k, found in ledger.series.items()}
    assert read == replace(ledger, series=expected)


@st.composite
def lives(draw):
    """What a namespace spent, in charges one after the other, and when it was written down."""
    at, steps = NOW - 12 * DAY, []
    for _ in range(draw(st.integers(1, 12))):
        length = draw(st.sampled_from([5 * MINUTE, HOUR, 11 * HOUR, 26 * HOUR]))
        steps.append((Span(at, at + length), draw(st.sampled_from(["0.6", "3.6"]))))
        at += length
    return steps


@given(lives(), st.data())
@settings(deadline=None)
def test_wherever_a_crash_comes_every_window_has_spent_what_it_had(steps, data):
    edges = sorted(data.draw(st.sets(st.integers(0, 12 * 24), max_size=3)))
    grid = Grid(5 * MINUTE, tuple(NOW - 12 * DAY + n * HOUR for n in edges))
    windows = [Span(NOW - 12 * DAY, NOW + DAY), *(Span(e, NOW + DAY) for e in grid.edges)]
    cluster, record, truth = Cluster(), NamespaceRecord(), NamespaceRecord()
    for span, rate in steps:
        charge = [Charge(SPEND, span, money(rate))]
        record = NamespaceRecord(recorded(record.ledger, charge, span.end, grid))
        truth = NamespaceRecord(recorded(truth.ledger, charge, span.end, grid))
        writes = cluster.writes(record)
        crash = data.draw(st.integers(0, len(writes)), label="writes before a crash")
        for write in writes[:crash]:
            cluster.write(*write)
        read = cluster.read()
        # Before its first write nothing is known, and before the next the checkpoint before counts.
        if read is not None and read.ledger.as_of == span.end:
            for window in windows:
                assert spent(read.ledger, SPEND, window) == spent(truth.ledger, SPEND, window)
            record = read
        elif read is not None:
            before = [s for s in steps if s[0].end <= read.ledger.as_of]
            total = sum((money(r) * (s.length // MINUTE) / 60 for s, r in before), ZERO)
            assert spent(read.ledger, SPEND, windows[0]) == total


@given(LEDGERS, INSTANTS)
def test_a_day_that_is_closed_holds_what_a_ledger_holds_of_it(ledger, at):
    midnight = at.replace(hour=0, minute=0)
    day = Span(midnight, midnight + DAY)

    held = day_of(ledger, day).series
    whole = by_day([Ledger(None, held)]).series

    for key, found in ledger.series.items():
        total = sum((b.value for b in found if day.contains(b.start)), ZERO)
        assert sum((b.value for b in held.get(key, ())), ZERO) == total
        assert sum((b.value for b in whole.get(key, ())), ZERO) == total
