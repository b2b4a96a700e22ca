"""
What ledgers cost the API server: `make bench-ledgers`.

A day is played for some namespaces, checkpoint by checkpoint, by the operator's own code, against a
server that keeps what it is sent and counts it. Namespaces do not know of each other, so a thousand
of them are a thousand times the mean of one. Every workload runs all day at a price that never
comes out even: amounts have all the digits that they can have.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from aiohttp import web
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from plafond.account.ledger import Charge, Grid, recorded
from plafond.api.constants import LEDGER_NAME, PAST_PREFIX
from plafond.api.convert_ledger import compact, ledger_spec
from plafond.api.writer import ApiWriter
from plafond.model.ledger import Fact, Ledger, SeriesKey
from plafond.model.memory import Memory, NamespaceRecord, OpenPod, WorkloadMemory
from plafond.model.money import GPU_HOURS
from plafond.model.window import Span
from plafond.model.workload import WorkloadId
from plafond.report.checkpoint import Checkpoints
from plafond.report.closed_days import ClosedDays

SCALED_TO: Final = 1000
BEGAN: Final = datetime(2026, 11, 16, tzinfo=UTC)
CHECKPOINT: Final = timedelta(minutes=5)
DAY: Final = timedelta(days=1)
HISTORY_DAYS: Final = 93
RATE: Final = Decimal("4.10") / 7
RATES: Final = {"EUR": RATE, GPU_HOURS: Decimal(1)}
GRID: Final = Grid(CHECKPOINT)
KINDS: Final = ("ledger", "past", "day")


@dataclass
class Namespace:
    """One namespace: what it has spent, and its workloads."""

    name: str
    workloads: tuple[WorkloadId, ...]
    record: NamespaceRecord

    def spend(self, since: datetime, until: datetime) -> None:
        """Let every workload run so long."""
        charges = tuple(charged(self.workloads, Span(since, until)))
        ledger = recorded(self.record.ledger, charges, until, GRID)
        self.record = NamespaceRecord(ledger, self.record.memory)


@dataclass
class Counting:
    """An API server that knows SpendLedgers alone, and counts what is written to it."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    writes: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    version: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        text = await request.text()
        raw = json.loads(text) if text else {}
        name = raw.get("metadata", {}).get("name") or request.path.rpartition("/")[2]
        if request.method == "GET":
            return web.json_response({"items": []})
        kind = kind_of(name)
        self.writes[f"{kind} {request.method}"] += 1
        self.sent[kind] += len(text)
        key = f"{request.path.split('/')[5]}/{name}"
        self.version += 1
        if request.method == "DELETE":
            del self.objects[key]
            return web.json_response({})
        meta = {**raw["metadata"], "resourceVersion": str(self.version), "uid": key}
        self.objects[key] = {"metadata": meta}
        return web.json_response(self.objects[key])

    def pasts(self) -> Mapping[str, Mapping[str, str]]:
        """Return the pasts that are there, as an operator sees them."""
        found: dict[str, dict[str, str]] = {}
        for key, raw in self.objects.items():
            namespace, _, name = key.partition("/")
            if name.startswith(PAST_PREFIX):
                found.setdefault(namespace, {})[name] = raw["metadata"]["uid"]
        return found


@dataclass(frozen=True)
class Played:
    """What a day came to: of what was written, and of one object that is rewritten whole."""

    counting: Counting
    namespaces: int
    whole: int
    seconds: float


def kind_of(name: str) -> str:
    """Return which of KINDS a SpendLedger of this name is."""
    if name == LEDGER_NAME:
        return "ledger"
    return "past" if name.startswith(PAST_PREFIX) else "day"


def charged(workloads: tuple[WorkloadId, ...], span: Span) -> Iterator[Charge]:
    """Yield what a stretch of time adds to a ledger."""
    for unit, rate in RATES.items():
        for fact in Fact:
            yield Charge(SeriesKey(fact, unit), span, rate * len(workloads))
        for workload in workloads:
            yield Charge(SeriesKey(Fact.SPEND, unit, str(workload)), span, rate)


def begun(number: int, workloads: int) -> Namespace:
    """Return a namespace that has spent for months."""
    name = f"team-{number}"
    ids = tuple(
        WorkloadId(name, "Deployment", f"a-service-with-a-name-of-forty-characters-{n}")
        for n in range(workloads)
    )
    remembered = WorkloadMemory(3, 4, price=RATES, explanation=("FollowsDemand:3:4",))
    pods = {
        f"87855e48-c902-4f69-9afa-{n:012d}": OpenPod(
            RATES, is_managed=True, workload=str(ids[n // 2])
        )
        for n in range(2 * workloads)
    }
    memory = Memory(sets={"Enforce": dict.fromkeys(ids, remembered)}, open_pods=pods)
    found = Namespace(name, ids, NamespaceRecord(Ledger(), memory))
    found.spend(BEGAN - HISTORY_DAYS * DAY, BEGAN)
    return found


async def play(namespaces: list[Namespace], client: ApiClient, counting: Counting) -> int:
    """Play a day; return how many bytes one object each, rewritten whole, would have been."""
    writer, whole = ApiWriter(client, "plafond"), 0
    checkpoints, days = Checkpoints(writer, CHECKPOINT), ClosedDays(writer)
    # As it was before the day: that is no part of it.
    for each in namespaces:
        await checkpoints.write(each.name, each.record, BEGAN)
        await days.close(each.name, each.record)
    counting.writes.clear()
    counting.sent.clear()
    now = BEGAN
    while now < BEGAN + DAY:
        since, now = now, now + CHECKPOINT
        checkpoints.see(counting.pasts())
        for each in namespaces:
            each.spend(since, now)
            whole += len(compact(ledger_spec(each.record)))
            await checkpoints.write(each.name, each.record, now)
            await days.close(each.name, each.record)
    return whole


async def measured(count: int, workloads: int) -> Played:
    """Serve, and play."""
    counting, app = Counting(), web.Application(client_max_size=2**22)
    app.router.add_route("*", "/{path:.*}", counting.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    began = time.monotonic()
    try:
        host = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with ApiClient(Configuration(host=host)) as client:
            whole = await play([begun(n, workloads) for n in range(count)], client, counting)
    finally:
        await runner.cleanup()
    return Played(counting, count, whole, time.monotonic() - began)


def table(played: Played) -> Iterator[str]:
    """Yield the lines of the table: of an hour, for as many namespaces as it is scaled to."""
    scale = SCALED_TO / played.namespaces / 24
    yield f"{f'{SCALED_TO} namespaces, an hour of a day':36} {'writes':>9} {'MB':>8} {'kB each':>8}"
    for kind in KINDS:
        writes = Counter({n: c for n, c in played.counting.writes.items() if n.startswith(kind)})
        sent = played.counting.sent[kind]
        made = sum(c for n, c in writes.items() if not n.endswith("DELETE"))
        verbs = ", ".join(
            f"{c * scale:.0f} {n.partition(' ')[2]}" for n, c in sorted(writes.items())
        )
        yield (
            f"{kind:36} {writes.total() * scale:9.0f} {sent * scale / 1e6:8.1f}"
            f" {sent / max(1, made) / 1e3:8.1f}   {verbs}"
        )
    sent = played.counting.sent.total()
    yield f"{'together':36} {played.counting.writes.total() * scale:9.0f} {sent * scale / 1e6:8.1f}"
    writes = played.counting.writes["ledger PATCH"]
    whole = played.whole
    yield (
        f"{'one object, rewritten whole':36} {writes * scale:9.0f} {whole * scale / 1e6:8.1f}"
        f" {whole / writes / 1e3:8.1f}"
    )
    yield f"bytes of what they would be as one object: {sent / whole:.2f}"


def main() -> int:
    """Measure and print; nothing is kept."""
    parser = argparse.ArgumentParser(prog="python -m e2e.bench.ledgers", description=__doc__)
    parser.add_argument("--namespaces", type=int, default=4, help="that are played (4)")
    parser.add_argument("--workloads", type=int, default=10, help="of each (10)")
    asked = parser.parse_args()
    played = asyncio.run(measured(asked.namespaces, asked.workloads))
    sys.stdout.write("\n".join(table(played)) + "\n")
    sys.stdout.write(f"{asked.namespaces} namespaces were played in {played.seconds:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
