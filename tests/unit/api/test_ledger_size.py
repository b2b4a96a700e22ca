"""How large a ledger becomes, with the serializer that writes it."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from plafond.account.ledger import DAY, HOUR, MOST_WORKLOADS, Charge, Grid, recorded
from plafond.api.convert_ledger import MAX_LEDGER_BYTES, ledger_spec, parse_ledger
from plafond.model.ledger import Fact, Ledger, SeriesKey
from plafond.model.memory import Memory, NamespaceRecord, OpenPod, WorkloadMemory
from plafond.model.money import GPU_HOURS
from plafond.model.window import Span
from plafond.model.workload import WorkloadId

NOW = datetime(2026, 11, 16, 12, 55, tzinfo=UTC)
GRID = Grid(timedelta(minutes=5))
# A price that never comes out even, so every amount has all the digits that it can have.
RATE = Decimal("4.10") / 7


def old_ledger(workloads, days=93):
    """What a namespace has spent for *days*; its workloads run all the time."""
    span = Span(NOW - days * DAY, NOW)
    lately = Span(NOW - DAY, NOW)
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


@pytest.mark.parametrize(
    ("workloads", "most"),
    [
        pytest.param(1, 120_000, id="one workload"),
        pytest.param(10, 140_000, id="ten workloads"),
        pytest.param(MOST_WORKLOADS, MAX_LEDGER_BYTES * 2 // 3, id="three hundred workloads"),
    ],
)
def test_a_ledger_of_93_days_stays_far_below_what_an_object_may_have(
    workloads, most, record_property
):
    record = NamespaceRecord(old_ledger(workloads), memory(workloads))

    spec = ledger_spec(record)

    size = len(json.dumps(spec, separators=(",", ":")))
    record_property("bytes", size)
    print(f"{workloads} workloads: {size} bytes, memory {len(spec['memory'])}")  # noqa: T201 - figures
    assert size < most
    assert parse_ledger({"spec": spec}) == record


def test_the_whole_is_kept_by_day_and_workloads_for_a_day():
    ledger = old_ledger(1)

    (whole,) = [ledger.series[SeriesKey(Fact.SPEND, "EUR")]]
    single = ledger.series[SeriesKey(Fact.SPEND, "EUR", f"deployments.apps/{name(0)}")]
    assert whole[0].length == DAY
    assert sum(bucket.length == HOUR for bucket in whole) >= 6 * 24
    assert single[0].start >= NOW - timedelta(hours=27)
