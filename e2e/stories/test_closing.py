"""
Old days are put away, and the operator crashes before and after each write of that.

A ledger with days of history is written by hand, as an operator would have left it: it continues a
past, has three days of its own beside that, and two days of a month that is over are closed.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.faults import CrashAt
from e2e.rig.nodes import GPU_NODES
from e2e.stories.played import LOWERED, Play
from e2e.world import API, price_sheet, utc_now

from plafond.account.closing import finished_day, month_of
from plafond.api.constants import LEDGER_NAME, MONTH, PAST_PREFIX
from plafond.api.convert_closed import (
    closed_spec,
    day_name,
    month_name,
    parse_closed,
    past_name,
)
from plafond.api.convert_ledger import Continued, ledger_spec
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.model.memory import NamespaceRecord
from plafond.model.window import Span
from plafond.observe.ledgers import Ledgers
from plafond.observe.records.ledgers import parse

SIDE_BY_SIDE = 5
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPEND = SeriesKey(Fact.SPEND, "EUR")
CHAT = SPEND._replace(workload="deployments.apps/chat")
# 0.01 in each hour of ten days of the past, and of three days and some hours beside it.
PER_HOUR = Decimal("0.01")
PAST_DAYS, OWN_DAYS = 10, 3
# The past, the ledger that names it, and the past before; the day; the month, and its two days;
# and one write of the ledger more, because the first may be made before a count and closes no day.
CLOSING = 8


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """A rig of its own."""
    with Rig() as started:
        started.install()
        started.add_nodes(GPU_NODES)
        started.apply(price_sheet("story-eur", "EUR"))
        yield started


def hours(start: datetime, end: datetime) -> tuple[Bucket, ...]:
    return tuple(Bucket(start + n * HOUR, HOUR, PER_HOUR) for n in range((end - start) // HOUR))


class History:
    """What a namespace has spent before the story, and the objects that say so."""

    def __init__(self, began: datetime) -> None:
        self.began = began
        self.until = began.replace(minute=0, second=0, microsecond=0)
        self.since = self.until - OWN_DAYS * DAY
        self.past = Span(self.since - PAST_DAYS * DAY, self.since)
        self.month = month_of(began - 45 * DAY)
        self.days = [Span(at, at + DAY) for at in (self.month.start + n * DAY for n in (9, 10))]

    @property
    def spent(self) -> Decimal:
        """All of it: what is in the past, and what is beside it."""
        return PER_HOUR * 24 * (PAST_DAYS + OWN_DAYS)

    def objects(self) -> Iterator[dict[str, Any]]:
        """Yield them."""
        past = closed_spec(Ledger(None, {SPEND: hours(self.past.start, self.past.end)}), self.past)
        yield ledger(past_name(past), past)
        own = {
            SPEND: hours(self.since, self.until),
            CHAT: hours(self.until - 36 * HOUR, self.until),
        }
        record = NamespaceRecord(Ledger(self.began, own))
        yield ledger(LEDGER_NAME, ledger_spec(record, Continued(past_name(past), self.past.end)))
        for day in self.days:
            held = hours(day.start, day.end)
            spec = closed_spec(Ledger(None, {SPEND: held, CHAT: held}), day)
            yield ledger(day_name(day), spec, {MONTH: f"{day.start:%Y-%m}"})


def ledger(name: str, spec: Mapping[str, Any], labels: Mapping[str, str] | None = None) -> Any:
    metadata = {"name": name, "labels": dict(labels or {})}
    return {"apiVersion": API, "kind": "SpendLedger", "metadata": metadata, "spec": spec}


@dataclass
class Closed:
    """What has become of a namespace's ledgers."""

    objects: dict[str, Any]
    history: History

    @property
    def day(self) -> Span:
        """The last day that is over."""
        return finished_day(self.history.began)

    @property
    def is_done(self) -> bool:
        """There is one past, another than before, the last day, and the month without its days."""
        pasts = [name for name in self.objects if name.startswith(PAST_PREFIX)]
        others = {LEDGER_NAME, day_name(self.day), month_name(self.history.month)}
        named = self.objects.get(LEDGER_NAME, {}).get("spec", {}).get("continues", {}).get("name")
        return pasts == [named] and self.objects.keys() - pasts == others

    @property
    def spent(self) -> Decimal:
        """What an operator that starts now knows of the time before the story."""
        counted = [raw for raw in self.objects.values() if MONTH not in labels(raw)]
        (whole,) = Ledgers().whole(map(parse, counted), ()).values()
        found = whole.record.ledger.series[SPEND]
        return sum((b.value for b in found if b.start < self.history.until), Decimal(0))

    def held(self, name: str) -> list[Decimal]:
        """Return what chat spent in each hour, or day, of a closed ledger."""
        return [b.value for b in parse_closed(self.objects[name]).ledger.series[CHAT]]


def labels(raw: Mapping[str, Any]) -> Mapping[str, str]:
    return raw["metadata"].get("labels", {})


@dataclass(frozen=True)
class Came:
    """How a play came out."""

    spent: Decimal
    day: list[Decimal]
    month: list[Decimal]
    miscount: tuple[float, float]
    writes: list[str]
    crashed_at: str


def played(rig: Rig, directory: Path, where: tuple[int, bool] | None = None) -> Came:
    """Let an operator put away what is old, with a crash at a write of ledgers."""
    play = Play(rig, directory)
    history = History(utc_now())
    collection = f"/apis/{API}/namespaces/{play.namespace}/spendledgers"
    for body in history.objects():
        rig.apply({**body, "metadata": {**body["metadata"], "namespace": play.namespace}})

    def closed() -> Closed:
        items = rig.get(collection)["items"]
        return Closed({each["metadata"]["name"]: each for each in items}, history)

    faults = []
    if where is not None:
        number, is_before = where
        faults = [CrashAt(number, play.kill, is_before=is_before, resource="spendledgers")]
    with play.played(*faults):
        play.limit(LOWERED)
        play.start()
        play.comes_to(lambda: closed().is_done, what="what is old to be put away", within=90)
        play.comes_to_rest()
        found = closed()
        return Came(
            found.spent,
            found.held(day_name(found.day)),
            found.held(month_name(history.month)),
            play.miscounted_by(),
            [name for name in play.written.names if "spendledgers" in name],
            faults[0].hit if faults else "",
        )


@pytest.mark.timeout(600)
@pytest.mark.lasts(4)
def test_a_crash_before_or_after_any_write_that_closes_loses_and_doubles_nothing(
    rig: Rig, tmp_path, record_property
):
    """Fault 29."""
    undisturbed = played(rig, tmp_path)
    closing = undisturbed.writes[:CLOSING]
    cases = [(n, is_before) for n in range(1, CLOSING + 1) for is_before in (True, False)]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        found = list(pool.map(lambda where: played(rig, tmp_path, where), cases))
    hit = Counter(each.crashed_at for each in found)
    record_property("writes that close", "; ".join(closing))
    record_property("crashes", ", ".join(f"{n} {what}" for what, n in sorted(hit.items())))
    everything = (undisturbed, *found)
    made = Counter(closing)
    assert (made["POST spendledgers"], made["DELETE spendledgers"]) == (3, 3)
    # Before and after each of them.
    assert (hit["POST spendledgers"], hit["DELETE spendledgers"], hit[""]) == (6, 6, 0)
    # 13 days of 24 hours at 0.01
    assert {each.spent for each in everything} == {Decimal("3.12")}
    # A whole day by hour, and two days of a month by day.
    assert {tuple(each.day) for each in everything} == {(PER_HOUR,) * len(undisturbed.day)}
    assert {tuple(each.month) for each in everything} == {(24 * PER_HOUR,) * 2}
    assert all(miscount <= most for miscount, most in (each.miscount for each in everything))
