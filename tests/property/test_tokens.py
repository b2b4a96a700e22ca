"""Laws of tokens: counters are counted once, what is not seen raises nothing and ends nothing."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.builders import NOW, PASS, SECOND, TEAM, namespace, pod
from tests.unit.account.test_tokens import ALL, Counting
from tests.unit.decide.test_tokens import DOWN, busy, measured, only, tokens

from plafond.account.ledger import spent
from plafond.api.convert_ledger import ledger_spec, parse_ledger
from plafond.model.gap import Gap
from plafond.model.ledger import Fact, SeriesKey
from plafond.model.meters import MeterReading, PodKey
from plafond.model.money import TOKENS

SPEND = SeriesKey(Fact.SPEND, TOKENS)
LENGTHS = st.sampled_from([SECOND, PASS, PASS * 7 / 3, timedelta(minutes=47), timedelta(hours=5)])
GAPS = st.none() | st.just(Gap("tokens: the answer is partial"))


@st.composite
def steps(draw) -> tuple[int, bool, bool]:
    """What a pod does until the next look: so many tokens, a restart before them, and is seen."""
    return draw(st.integers(0, 500)), draw(st.integers(0, 5)) == 0, draw(st.booleans())


def pods(count: int):
    return [pod(f"llm-{n}", scheduled_at=NOW, ready_at=NOW) for n in range(count)]


@given(st.lists(st.tuples(LENGTHS, st.lists(steps(), min_size=3, max_size=3)), max_size=12))
def test_counters_with_resets_and_gaps_come_to_the_sum_of_what_was_processed(history):
    counting = Counting(*pods(3))
    shown, unseen, expected = [0, 0, 0], [0, 0, 0], 0
    for length, of_pods in history:
        values = {}
        for index, (processed, restarts, is_seen) in enumerate(of_pods):
            # A restart that was not noticed takes along what nobody has seen of the one before;
            # one whose counter has caught up by the next look cannot be told from none.
            if restarts and is_seen and processed < shown[index] - unseen[index]:
                shown[index] = unseen[index] = 0
            shown[index] += processed
            unseen[index] += processed
            if is_seen:
                values[PodKey(TEAM, f"llm-{index}")] = float(shown[index])
                expected += unseen[index]
                unseen[index] = 0
        counting.look(MeterReading(values), length)

        assert counting.records[TEAM].ledger.as_of == counting.now
        assert counting.tokens() == expected


READINGS = st.builds(
    lambda values, gap: MeterReading(
        {PodKey(TEAM, f"llm-{n}"): value for n, value in values.items()}, gap
    ),
    st.dictionaries(st.integers(0, 2), st.floats(0, 1e12) | st.floats(0, allow_infinity=False)),
    GAPS,
)


@given(st.lists(st.tuples(LENGTHS, st.none() | READINGS, st.booleans()), max_size=10))
def test_whatever_is_read_the_ledger_never_falls_and_survives_its_writing(history):
    counting, before = Counting(*pods(3)), 0
    for length, reading, is_last_gone in history:
        counting.pods = tuple(pods(2 if is_last_gone else 3))
        counting.look(reading, length)
        assert counting.tokens() >= before
        before = counting.tokens()
        record = counting.records[TEAM]
        assert parse_ledger({"spec": ledger_spec(record)}) == record


@given(st.permutations(range(4)), st.lists(st.integers(0, 900), min_size=4, max_size=4))
def test_the_order_of_pods_does_not_matter(order, values):
    reading = MeterReading({PodKey(TEAM, f"llm-{n}"): float(v) for n, v in enumerate(values)})
    ours, other = Counting(*pods(4)), Counting(*(pods(4)[n] for n in order))

    for counting in (ours, other):
        counting.look(reading).look(MeterReading({}, Gap("down")))

    assert ours.records == other.records
    assert ours.set.positions == other.set.positions


@given(st.integers(1, 90_000), st.integers(0, 90_000), st.sampled_from([10, 1000, 7777]))
def test_more_tokens_never_mean_fewer_replicas(limit, more, per_hour):
    less = only(busy(tokens(str(limit)), rate=measured(per_hour)))[1]
    rich = only(busy(tokens(str(limit + more)), rate=measured(per_hour)))[1]

    assert rich.desired_replicas >= less.desired_replicas
    assert rich.ceiling >= less.ceiling


@given(st.integers(1, 90_000), st.integers(1, 9), st.integers(1, 9), st.integers(0, 90_000))
def test_what_is_not_seen_raises_no_ceiling_and_ends_nothing(limit, replicas, ceiling, spend):
    world = busy(
        tokens(str(limit)), replicas=replicas, rate=measured(1000), meter=DOWN, spent=str(spend)
    )
    world = replace(world, namespaces={TEAM: namespace(llm=ceiling)})

    _, llm = only(world)

    assert llm.ceiling <= ceiling
    if spend < limit:
        assert llm.desired_replicas >= 1


@given(st.lists(st.tuples(LENGTHS, st.integers(0, 10**9)), min_size=1, max_size=6))
def test_a_charge_is_as_many_whole_tokens_however_it_is_cut(history):
    counting, shown = Counting(*pods(1)), 0
    for length, processed in history:
        shown += processed
        counting.look(MeterReading({PodKey(TEAM, "llm-0"): float(shown)}), length)
    ledger = counting.records[TEAM].ledger

    assert spent(ledger, SPEND, ALL) == shown
    assert all(bucket.value == int(bucket.value) for bucket in ledger.series.get(SPEND, ()))
