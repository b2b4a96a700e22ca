"""The meters against a fake Prometheus: every misfortune is a gap, and none an exception."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.integration.fakes.prometheus import (
    FakePrometheus,
    drip,
    late,
    redirect,
    running,
    sample,
    text,
    vector,
)
from tests.integration.observe.support import eventually

from plafond.model.meters import LATENCIES, Meter, PodKey
from plafond.observe.meter_samples import SampleLabels
from plafond.observe.meter_source import MeterSource
from plafond.observe.meters import DEFAULT_QUERIES, MeterQuery, Meters

QUERY = "avg by (namespace, pod) (gpu)"
GPU = MeterQuery(Meter.GPU_UTILIZATION, QUERY)
POD = PodKey("team-a", "llm-1")


@pytest.fixture
async def fake():
    fake = FakePrometheus()
    async with running(fake):
        yield fake


async def read(fake, queries=(GPU,), wanted=frozenset(), **source):
    meters = Meters(MeterSource(fake.url, **{"timeout_seconds": 2.0, **source}), queries)
    try:
        now = datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251 - as the controller reads it
        return await meters.read(now, wanted)
    finally:
        meters.close()


async def read_one(fake, answer, **source):
    fake.answers[QUERY] = answer
    return (await read(fake, **source))[Meter.GPU_UTILIZATION]


async def test_one_query_per_meter_reads_the_whole_cluster(fake):
    fake.answers = {
        each.query: vector(sample("team-a", "llm-1", str(index)), sample("team-b", "tts-1", "7"))
        for index, each in enumerate(DEFAULT_QUERIES)
    }

    readings = await read(fake, DEFAULT_QUERIES, LATENCIES)

    assert sorted(fake.queries) == sorted(each.query for each in DEFAULT_QUERIES)
    meters = [each.meter for each in DEFAULT_QUERIES]
    assert list(readings) == meters
    for index, meter in enumerate(meters):
        assert readings[meter].values == {POD: float(index), PodKey("team-b", "tts-1"): 7.0}
        assert readings[meter].gap is None


async def test_of_latencies_only_those_are_asked_for_that_somebody_wants(fake):
    readings = await read(fake, DEFAULT_QUERIES, frozenset({Meter.LATENCY_P99}))

    assert set(readings) & LATENCIES == {Meter.LATENCY_P99}
    assert sum("quantile" in query for query in fake.queries) == 1


async def test_an_empty_answer_is_no_gap_and_no_zero(fake):
    reading = await read_one(fake, vector())

    assert (reading.values, reading.gap) == ({}, None)


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "-1", "-0"])
async def test_what_is_no_amount_is_not_seen(fake, value):
    answer = vector(sample("team-a", "llm-1", value), sample("team-a", "llm-2", "3"))

    reading = await read_one(fake, answer)

    assert reading.values == {PodKey("team-a", "llm-2"): 3.0}


async def test_warnings_make_the_values_a_lower_bound(fake):
    answer = vector(sample("team-a", "llm-1", "42"), warnings=["store eu-1 did not answer"])

    reading = await read_one(fake, answer)

    assert reading.values == {POD: 42.0}
    assert reading.gap is not None
    assert "store eu-1 did not answer" in reading.gap.why


@pytest.mark.parametrize(
    ("more", "is_gap"),
    [
        ({"infos": ["metric might not be a counter"]}, False),
        ({"infos": ["partial response: store eu-1"]}, True),
        ({"isPartial": True}, True),
        ({"isPartial": False, "warnings": []}, False),
    ],
)
async def test_only_what_speaks_of_a_part_is_a_gap(fake, more, is_gap):
    reading = await read_one(fake, vector(sample("team-a", "llm-1", "42"), **more))

    assert reading.values == {POD: 42.0}
    assert (reading.gap is not None) is is_gap


async def test_warnings_of_one_answer_do_not_stick_to_the_next(fake):
    meters = Meters(MeterSource(fake.url), (GPU,))
    now = datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251 - as the controller reads it
    fake.answers[QUERY] = vector(warnings=["partial"])
    await meters.read(now)
    fake.answers[QUERY] = vector()

    readings = await meters.read(now)
    meters.close()

    assert readings[Meter.GPU_UTILIZATION].gap is None


async def test_a_pod_that_comes_twice_counts_once_with_the_larger_value(fake):
    rows = [sample("team-a", "llm-1", value) for value in ("40", "60", "50")]

    reading = await read_one(fake, vector(*rows))

    assert reading.values == {POD: 60.0}
    assert "2 series are doubled" in reading.gap.why


async def test_a_series_without_a_pod_is_a_gap_beside_the_others(fake):
    unnamed = {"metric": {"namespace": "team-a"}, "value": [time.time(), "9"]}  # noqa: TID251 - Prometheus has a clock

    reading = await read_one(fake, vector(unnamed, sample("team-a", "llm-1", "42")))

    assert reading.values == {POD: 42.0}
    assert "1 series name no pod" in reading.gap.why


async def test_label_names_are_configurable(fake):
    row = {
        "metric": {"exported_namespace": "team-a", "exported_pod": "llm-1"},
        "value": [time.time(), "42"],  # noqa: TID251 - Prometheus has a clock
    }
    fake.answers[QUERY] = vector(row)
    labels = SampleLabels(namespace="exported_namespace", pod="exported_pod")

    readings = await read(fake, (MeterQuery(Meter.GPU_UTILIZATION, QUERY, labels),))

    assert readings[Meter.GPU_UTILIZATION].values == {POD: 42.0}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(text(""), id="nothing"),
        pytest.param(text("<html>login</html>"), id="a page"),
        pytest.param(text("[]"), id="a list"),
        pytest.param(text('{"status": "success"}'), id="no data"),
        pytest.param(text('{"data": {"result": null}}'), id="no result"),
        pytest.param(text('{"data": {"resultType": "scalar", "result": [1, "2"]}}'), id="scalar"),
        pytest.param(vector({"metric": {}, "values": [[1, "2"]]}), id="matrix"),
        pytest.param(vector({"metric": {}, "value": [1, "abc"]}), id="no number"),
        pytest.param(vector({"metric": {}, "value": [1, 2]}), id="not text"),
        pytest.param(vector({"value": [1, "2"]}), id="no labels"),
        pytest.param(vector(None), id="null"),
        pytest.param(text('{"status": "error", "error": "bad"}', 400), id="bad query"),
        pytest.param(text("unauthorized", 401), id="not let in"),
        pytest.param(text("overloaded", 429), id="too many"),
        pytest.param(text("oh no", 500), id="failed"),
        pytest.param(text("starting", 503), id="starting"),
        pytest.param(vector(sample("team-a", "llm-1", "42", at=1.0)), id="clock"),
    ],
)
async def test_an_answer_that_is_none_is_a_gap_without_values(fake, answer):
    reading = await read_one(fake, answer)

    assert reading.values == {}
    assert reading.gap is not None
    assert reading.gap.why.startswith("gpuUtilization: ")


async def test_failures_are_not_retried_behind_our_back(fake):
    await read_one(fake, text("oh no", 503))

    assert fake.queries == [QUERY]


async def test_nobody_there_is_a_gap(fake):
    fake.url = "http://127.0.0.1:1"

    reading = await read_one(fake, vector())

    assert reading.gap is not None


async def test_redirects_are_not_followed(fake):
    reading = await read_one(fake, redirect(f"{fake.url}/elsewhere"))

    assert "not followed" in reading.gap.why
    assert fake.elsewhere == 0


async def test_proxies_of_the_environment_are_not_used(fake, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")

    reading = await read_one(fake, vector(sample("team-a", "llm-1", "42")))

    assert reading.values == {POD: 42.0}


async def test_an_answer_that_is_too_large_is_not_read_to_its_end(fake):
    reading = await read_one(fake, drip(b"x" * 100_000, 50, 0.001), max_bytes=1_000_000)

    assert "larger than 1000000 bytes" in reading.gap.why


async def test_an_answer_that_drips_is_given_up_in_time(fake):
    began = time.monotonic()

    reading = await read_one(fake, drip(b"x", 100, 0.05), timeout_seconds=0.3)

    assert reading.gap is not None
    assert time.monotonic() - began < 2


async def test_a_late_answer_is_a_gap_and_holds_up_neither_the_others_nor_itself(fake):
    fake.answers["slow"] = late(1.0)
    fake.answers[QUERY] = vector(sample("team-a", "llm-1", "42"))
    queries = (GPU, MeterQuery(Meter.RUNNING_REQUESTS, "slow"))
    meters = Meters(MeterSource(fake.url, timeout_seconds=0.3), queries)
    now = datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251 - as the controller reads it
    began = time.monotonic()

    readings = await meters.read(now)

    assert time.monotonic() - began < 0.9
    assert readings[Meter.GPU_UTILIZATION].values == {POD: 42.0}
    assert readings[Meter.RUNNING_REQUESTS].gap is not None
    await asyncio.sleep(0.3)
    meters.close()


async def test_a_query_that_drips_is_ended_and_asked_again(fake):
    fake.answers[QUERY] = drip(b"x", 100, 0.1)
    meters = Meters(MeterSource(fake.url, timeout_seconds=0.3), (GPU,))
    now = datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251 - as the controller reads it
    assert (await meters.read(now))[Meter.GPU_UTILIZATION].gap is not None

    fake.answers[QUERY] = vector(sample("team-a", "llm-1", "42"))

    async def is_read():
        return (await meters.read(now))[Meter.GPU_UTILIZATION].values == {POD: 42.0}

    await eventually(is_read)
    meters.close()


async def test_the_token_is_read_again_for_each_query(fake, tmp_path: Path):
    token = tmp_path / "token"
    meters = Meters(MeterSource(fake.url, token_file=token), (GPU,))
    now = datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251 - as the controller reads it

    missing = await meters.read(now)
    for text_of_token in ("first\n", "second\n"):
        token.write_text(text_of_token)
        await meters.read(now)
    meters.close()

    assert "token" in missing[Meter.GPU_UTILIZATION].gap.why
    assert fake.authorizations == ["Bearer first", "Bearer second"]


async def test_a_ca_file_that_is_missing_is_a_gap(fake, tmp_path: Path):
    fake.url = fake.url.replace("http://", "https://")

    reading = await read_one(fake, vector(), ca_file=tmp_path / "missing.pem")

    assert "caFile cannot be read" in reading.gap.why
