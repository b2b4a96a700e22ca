"""A namespace's record survives its object: nothing is rounded, dropped or invented."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plafond.api.convert_ledger import ledger_spec, parse_ledger
from plafond.api.errors import InvalidResource
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.model.memory import (
    Allowed,
    Memory,
    NamespaceRecord,
    OpenPod,
    Rationale,
    Recommended,
    WorkloadMemory,
)
from plafond.model.money import GPU_HOURS
from plafond.model.settings import Timing
from plafond.model.workload import WorkloadClass, WorkloadId

START = datetime(2026, 12, 1, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)
SPEND = SeriesKey(Fact.SPEND, "EUR")

AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=None)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants bounds without zone
LENGTHS = st.timedeltas(timedelta(microseconds=1), timedelta(days=31))
UNITS = st.sampled_from(["EUR", "USD", GPU_HOURS])
TEXTS = st.text(max_size=20)


@st.composite
def buckets(draw):
    """Ordered and without overlap; often, as in life, equally long and without a hole."""
    at, found = draw(MOMENTS), []
    for _ in range(draw(st.integers(0, 12))):
        length = FIVE_MINUTES if draw(st.booleans()) else draw(LENGTHS)
        at += timedelta() if draw(st.booleans()) else draw(LENGTHS)
        found.append(Bucket(at, length, draw(AMOUNTS)))
        at += length
    return tuple(found)


KEYS = st.builds(SeriesKey, st.sampled_from(Fact), UNITS, st.just(""))
LEDGERS = st.builds(Ledger, st.none() | MOMENTS, st.dictionaries(KEYS, buckets(), max_size=4))
RATES = st.dictionaries(UNITS, AMOUNTS, max_size=2)
WORKLOADS = st.from_regex(r"[a-z]([-a-z.]{0,20}[a-z])?", fullmatch=True).map(
    lambda name: WorkloadId("team-a", "Deployment", name)
)
COUNTS = st.none() | st.integers(0, 2**31 - 1)
# Of a named tuple all fields would be made up that are not given: only a partial one has defaults.
REMEMBERED = st.builds(
    partial(WorkloadMemory),
    wanted_replicas=COUNTS,
    recommendations=st.lists(st.builds(Recommended, MOMENTS, st.integers(0, 99)), max_size=3).map(
        tuple
    ),
    price=RATES,
    was_waiting=st.booleans(),
    probed_at=st.none() | MOMENTS,
    explanation=st.lists(TEXTS, max_size=3).map(tuple),
    rationale=st.none()
    | st.builds(
        partial(Rationale),
        st.sampled_from(WorkloadClass),
        st.integers(0, 99),
        st.integers(0, 99),
        most=COUNTS,
        limit=st.none() | TEXTS,
        gap=st.none() | TEXTS,
    ),
)
ALLOWED = st.builds(
    Allowed, UNITS, AMOUNTS, st.none() | AMOUNTS, AMOUNTS, st.none() | st.integers(1, 95)
)
MEMORIES = st.builds(
    Memory,
    st.dictionaries(TEXTS, st.dictionaries(WORKLOADS, REMEMBERED, max_size=2), max_size=2),
    st.dictionaries(TEXTS, st.builds(OpenPod, RATES, st.booleans()), max_size=2),
    st.lists(LENGTHS, max_size=3).map(tuple),
    allowed=st.dictionaries(TEXTS, ALLOWED, max_size=2),
    timing=st.builds(Timing, evaluation_period=LENGTHS),
)
RECORDS = st.builds(NamespaceRecord, LEDGERS, MEMORIES)


def stored(record: NamespaceRecord):
    """Return *record* as the API server gives it back: through JSON."""
    return {"spec": json.loads(json.dumps(ledger_spec(record)))}


def exactly(record: NamespaceRecord) -> str:
    # Equal decimals may still print differently: 1.0 and 1.00. A ledger keeps even that.
    return repr(record.ledger.series)


@given(RECORDS)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_what_is_written_reads_the_same(record):
    read = parse_ledger(stored(record))

    assert read == record
    assert sorted(exactly(read)) == sorted(exactly(record))


@given(RECORDS)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=30)
def test_what_was_read_is_written_the_same(record):
    spec = ledger_spec(record)

    assert json.dumps(ledger_spec(parse_ledger({"spec": spec}))) == json.dumps(spec)


def test_equal_buckets_that_follow_one_another_share_a_run():
    series = tuple(
        Bucket(START + n * FIVE_MINUTES, FIVE_MINUTES, Decimal("1.25")) for n in range(3)
    )
    after_a_hole = Bucket(START + timedelta(hours=1), timedelta(seconds=90), Decimal(2))

    spec = ledger_spec(NamespaceRecord(Ledger(START, {SPEND: (*series, after_a_hole)})))

    assert spec == {
        "asOf": "2026-12-01T00:00:00Z",
        "series": [
            {
                "fact": "Spend",
                "unit": "EUR",
                "runs": [
                    {
                        "start": "2026-12-01T00:00:00Z",
                        "lengthSeconds": "300",
                        "values": "1.25 1.25 1.25",
                    },
                    {"start": "2026-12-01T01:00:00Z", "lengthSeconds": "90", "values": "2"},
                ],
            }
        ],
        "workloads": [],
        "memory": "{}",
    }


def test_workloads_are_written_beside_the_whole_without_a_run_for_each_hole():
    key = SeriesKey(Fact.SPEND, "EUR", "deployments.apps/chat")
    series = tuple(Bucket(START + n * FIVE_MINUTES, FIVE_MINUTES, Decimal(1)) for n in (0, 1, 4))
    record = NamespaceRecord(Ledger(START, {key: series}))

    spec = ledger_spec(record)

    (written,) = spec["workloads"]
    assert (written["workload"], written["unit"]) == ("deployments.apps/chat", "EUR")
    assert [run["values"] for run in written["runs"]] == ["1 1 0 0 1"]
    assert parse_ledger({"spec": spec}) == record


def test_a_long_ledger_stays_small():
    # 26 hours of 5 minutes, 8 days of hours and 31 days: 312 + 192 + 31 buckets, 8 series, all
    # with the 28 digits that a division leaves.
    third = Decimal(1) / 3
    series = tuple(Bucket(START + n * FIVE_MINUTES, FIVE_MINUTES, third) for n in range(535))
    keys = [SeriesKey(fact, unit) for fact in Fact for unit in ("EUR", GPU_HOURS)]

    spec = ledger_spec(NamespaceRecord(Ledger(START, dict.fromkeys(keys, series))))

    assert len(json.dumps(spec)) < 140_000


def test_what_no_object_can_hold_is_refused_with_a_sentence():
    digits = Decimal("1" * 28)
    series = tuple(Bucket(START + n * FIVE_MINUTES, FIVE_MINUTES, digits) for n in range(60_000))

    with pytest.raises(InvalidResource, match="bytes do not fit"):
        ledger_spec(NamespaceRecord(Ledger(START, {SPEND: series})))


def spec_with(**changes):
    return {"spec": {"series": [], "memory": "{}", **changes}}


def run(**changes):
    whole = {"start": "2026-12-01T00:00:00Z", "lengthSeconds": "300", "values": "1", **changes}
    return spec_with(series=[{"fact": "Spend", "unit": "EUR", "runs": [whole]}])


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        pytest.param(run(values="1 x"), "spec.series[0].runs[0].values", id="no number"),
        pytest.param(run(values="NaN"), "spec.series[0].runs[0].values", id="NaN"),
        pytest.param(run(values=""), "spec.series[0].runs[0].values", id="no values"),
        pytest.param(run(start="today"), "spec.series[0].runs[0].start", id="no moment"),
        pytest.param(run(lengthSeconds="0"), "spec.series[0].runs[0].lengthSeconds", id="no time"),
        pytest.param(spec_with(memory="{"), "spec.memory", id="broken JSON"),
        pytest.param(spec_with(memory="[]"), "spec.memory", id="another shape"),
        pytest.param(
            spec_with(memory='{"sets":{"Enforce":{"a/apps/Deployment/b":{"ceiling":true}}}}'),
            "spec.memory",
            id="a bool for a count",
        ),
        pytest.param(spec_with(memory='{"sets":{"e":{"b":{}}}}'), "spec.memory", id="no workload"),
        pytest.param({}, "spec.series", id="nothing at all"),
    ],
)
def test_a_tampered_ledger_is_an_error_and_never_an_empty_one(raw, field):
    with pytest.raises(InvalidResource) as invalid:
        parse_ledger(raw)

    assert invalid.value.field == field


def test_what_another_version_remembered_is_read_as_far_as_it_is_known():
    text = '{"sets":{"Enforce":{"a/apps/Deployment/b":{"ceiling":4,"mood":"fine"}}},"weather":1}'

    memory = parse_ledger(spec_with(memory=text)).memory

    workload = WorkloadId("a", "Deployment", "b")
    assert memory == Memory(sets={"Enforce": {workload: WorkloadMemory(ceiling=4)}})
