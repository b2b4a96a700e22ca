"""How large a ledger becomes, with the serializer that writes it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from plafond.account.closing import by_day, day_of, finished_day, month_of
from plafond.account.ledger import (
    DAY,
    HOUR,
    MOST_WORKLOADS,
    WORKLOADS_KEPT_FOR,
    Charge,
    Grid,
    recorded,
)
from plafond.account.token_rates import SAMPLES_KEPT
from plafond.account.tokens import MOST_SERIES
from plafond.api.convert_closed import closed_spec
from plafond.api.convert_ledger import MAX_LEDGER_BYTES, ledger_spec, parse_ledger
from plafond.model.ledger import Fact, Ledger, SeriesKey
from plafond.model.memory import Memory, NamespaceRecord, OpenPod, TokenRate, WorkloadMemory
from plafond.model.money import GPU_HOURS, TOKENS
from plafond.model.window import Span
from plafond.model.workload import WorkloadId
from plafond.report.checkpoint import parts_of

NOW = datetime(2026, 11, 16, 12, 55, tzinfo=UTC)
GRID = Grid(timedelta(minutes=5))
# A price that never comes out even, so every amount has all the digits that it can have.
RATE = Decimal("4.10") / 7


def old_ledger(workloads, days=93):
    """What a namespace has spent for *days*; its workloads run all the time."""
    span = Span(NOW - days * DAY, NOW)
    lately = Span(NOW - WORKLOADS_KEPT_FOR, NOW)
    keys = [SeriesKey(fact, unit) for fact in Fact for unit in ("EUR", GPU_HOURS)]
    charges = [Charge(key, span, RATE * workloads) for key in keys]
    charges += [
        Charge(SeriesKey(Fact.SPEND, unit, f"deployments.apps/{name(n)}"), lately, RATE)
        for n in range(workloads)
        for unit in ("EUR", GPU_HOURS)
    ]
    return recorded(Ledger(), charges, NOW, GRID)


def name(n):
    return f"a-service-with-a-name-of-forty-characters-{n}"


def memory(workloads):
    """One policy that scales every workload, each with two pods."""
    ids = [WorkloadId("team-a", "Deployment", name(n)) for n in range(workloads)]
    rates = {"EUR": Decimal("4.1"), GPU_HOURS: Decimal(1)}
    remembered = WorkloadMemory(3, 4, price=rates, explanation=("FollowsDemand:3:4",))
    pods = {
        f"87855e48-c902-4f69-9afa-{n:012d}": OpenPod(rates, True, str(ids[n // 2]))  # noqa: FBT003 - a managed pod
        for n in range(2 * workloads)
    }
    return Memory(sets={"Enforce": dict.fromkeys(ids, remembered)}, open_pods=pods)


def size_of(spec):
    return len(json.dumps(spec, separators=(",", ":")))


# Of one, of ten and of the most workloads: all of it as one object, where nothing can be closed;
# the ledger, and the past that it continues; a day, and a month that is over.
MOST = {
    1: {"whole": 160_000, "ledger": 16_000, "past": 155_000, "day": 12_000, "month": 15_000},
    10: {"whole": 180_000, "ledger": 40_000, "past": 155_000, "day": 20_000, "month": 25_000},
    MOST_WORKLOADS: {
        "whole": MAX_LEDGER_BYTES * 5 // 6,
        "ledger": MAX_LEDGER_BYTES * 3 // 4,
        "past": 155_000,
        "day": MAX_LEDGER_BYTES // 3,
        "month": MAX_LEDGER_BYTES // 2,
    },
}


@pytest.mark.parametrize("workloads", MOST)
def test_ledgers_of_93_days_stay_far_below_what_an_object_may_have(workloads, record_property):
    record = NamespaceRecord(old_ledger(workloads), memory(workloads))
    day, month = finished_day(NOW), month_of(NOW - 30 * DAY)
    of_day = day_of(record.ledger, day)
    parts = parts_of(record)

    specs = {
        "whole": ledger_spec(record),
        "ledger": parts.ledger,
        "past": parts.past,
        "day": closed_spec(of_day, day),
        "month": closed_spec(by_day(days_like(of_day, day, month)), month),
    }

    sizes = {name: size_of(spec) for name, spec in specs.items()}
    for name, size in sizes.items():
        record_property(name, size)
        print(f"{workloads} workloads, {name}: {size} bytes")  # noqa: T201 - figures
    assert {n: size for n, size in sizes.items() if size >= MOST[workloads][n]} == {}
    assert parse_ledger({"spec": specs["whole"]}) == record


def days_like(ledger, day, month):
    """Every day of *month*, each with what *ledger* holds of *day*."""
    for n in range((month.end - month.start) // DAY):
        later = month.start + n * DAY - day.start
        yield Ledger(
            None,
            {
                key: tuple(bucket._replace(start=bucket.start + later) for bucket in buckets)
                for key, buckets in ledger.series.items()
            },
        )


def test_the_whole_is_kept_by_day_and_workloads_for_a_day_and_a_half():
    ledger = old_ledger(1)

    (whole,) = [ledger.series[SeriesKey(Fact.SPEND, "EUR")]]
    single = ledger.series[SeriesKey(Fact.SPEND, "EUR", f"deployments.apps/{name(0)}")]
    assert whole[0].length == DAY
    assert sum(bucket.length == HOUR for bucket in whole) >= 6 * 24
    assert single[0].start >= NOW - timedelta(hours=37)


def test_tokens_of_as_many_workloads_fit_beside_money():
    # 30 million an hour by each of them, all of which have been measured for long.
    lately, rate = Span(NOW - DAY, NOW), Decimal(30_000_123)
    names = [f"deployments.apps/{name(n)}" for n in range(MOST_WORKLOADS)]
    charges = [Charge(SeriesKey(fact, TOKENS), lately, rate * len(names)) for fact in Fact]
    charges += [
        Charge(SeriesKey(Fact.SPEND, TOKENS, each), lately, rate) for each in names[:MOST_SERIES]
    ]
    measured = TokenRate((rate,) * SAMPLES_KEPT, rate, NOW, rate, timedelta(minutes=7))
    known = memory(len(names))
    record = NamespaceRecord(
        recorded(old_ledger(len(names)), charges, NOW, GRID),
        replace(
            known,
            counters=dict.fromkeys(known.open_pods, rate * 100),
            token_rates=dict.fromkeys(names, measured),
        ),
    )

    parts = parts_of(record)

    assert size_of(parts.ledger) < MAX_LEDGER_BYTES * 11 // 12
    assert size_of(parts.past) < 200_000
    assert parse_ledger({"spec": parts.ledger}).memory == record.memory
