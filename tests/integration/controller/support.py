"""A loop with a world that a test sets, and an API server that takes what it writes."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.builders import NOW, SETTINGS, TEAM
from tests.integration.fakes import objects as made
from tests.integration.fakes.kubernetes_api import FakeKubernetes

from plafond.api.constants import MONTH
from plafond.api.writer import ApiWriter, WriteTimeouts
from plafond.controller.leadership import Alone
from plafond.controller.loop import ControlLoop, Surroundings
from plafond.controller.records import Records
from plafond.enforce.enforcer import ClusterEnforcer, ObservingEnforcer
from plafond.model.gap import Gap
from plafond.model.policy import Mode
from plafond.model.settings import Settings
from plafond.model.snapshot import Snapshot
from plafond.observe.errors import ObservationError
from plafond.observe.join import joined_namespaces
from plafond.observe.ledgers import Ledgers
from plafond.observe.records.ledgers import LedgerRecord, parse
from plafond.observe.records.quotas import parse as parse_quota
from plafond.report.checkpoint import Checkpoints
from plafond.report.closed_days import ClosedDays
from plafond.report.metrics import Metrics
from plafond.report.reporter import Reporter, ReportSettings

LEDGER = "/apis/plafond.dev/v1alpha1/namespaces/team-a/spendledgers/plafond"
LEDGERS = LEDGER.removesuffix("/plafond")
TIMEOUTS = WriteTimeouts(1, 1)


class SetClock:
    """A clock that a test moves."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@dataclass
class SetObserver:
    """Sees what a test says, and the ledgers and quotas that are in the API server."""

    fake: FakeKubernetes
    facts: Snapshot
    found: tuple[Gap, ...] = ()
    unreadable: dict[str, Gap] = field(default_factory=dict)
    silence: timedelta | None = timedelta(0)
    raises: Exception | None = None
    ended: list[str] = field(default_factory=list)
    lags: bool = False
    while_meters_are_read: list[Callable[[], object]] = field(default_factory=list)
    learned: list[str] = field(default_factory=list)
    _seen: dict[str, LedgerRecord] = field(default_factory=dict)

    async def wait_synced(self, within: timedelta) -> None:
        if isinstance(self.raises, ObservationError):
            raise self.raises

    async def snapshot(self, now: datetime) -> Snapshot:
        if self.raises is not None:
            raise self.raises
        records = {name: each.record for name, each in self.ledgers().items()}
        quotas = [parse_quota(raw) for raw in self.fake.objects[made.QUOTAS].values()]
        namespaces = joined_namespaces(self.facts.namespaces.values(), quotas)
        while self.while_meters_are_read:
            self.while_meters_are_read.pop()()
        return replace(self.facts, now=now, records=records, namespaces=namespaces)

    def ledgers(self) -> dict[str, LedgerRecord]:
        if not self.lags:
            held = self.fake.objects[made.LEDGERS].values()
            counted = [raw for raw in held if MONTH not in raw["metadata"].get("labels", {})]
            whole = Ledgers().whole(map(parse, counted), ())
            self._seen = {name: each for name, each in whole.items() if name not in self.unreadable}
        return self._seen

    def learn(self, stored) -> None:
        self.learned += [each["kind"] for each in stored]

    def unreadable_ledgers(self) -> dict[str, Gap]:
        return self.unreadable

    def gaps(self) -> tuple[Gap, ...]:
        return self.found

    def oldest_contact(self, now: datetime) -> timedelta | None:
        return self.silence

    def forget_ended(self, before: datetime) -> None:
        self.forgotten_before = before

    def acknowledge_ended(self, uids) -> None:
        self.ended += uids


class World:
    """Everything around one loop."""

    def __init__(self, fake: FakeKubernetes, client, facts: Snapshot, **more) -> None:
        self.fake = fake
        self.clock = SetClock()
        self.observer = SetObserver(fake, facts)
        self.metrics = Metrics()
        may_write = more.pop("may_write", lambda: True)
        writer = ApiWriter(client, "plafond", TIMEOUTS, may_write)
        longest = timedelta(seconds=3)
        checkpoints = Checkpoints(writer, more.pop("interval", timedelta(minutes=5)))
        self.records = Records(checkpoints, ClosedDays(writer), self.metrics, longest)
        around = Surroundings(
            self.observer,
            {
                Mode.ENFORCE: ClusterEnforcer(client, "plafond", TIMEOUTS, may_write),
                Mode.OBSERVE: ObservingEnforcer(),
            },
            self.records,
            Reporter(writer, self.metrics, ReportSettings(longest=longest)),
            self.metrics,
            self.clock,
            more.pop("leadership", Alone()),
        )
        self.loop = ControlLoop(more.pop("settings", SETTINGS), around)

    async def run_pass(self, later: timedelta = timedelta(0)) -> None:
        """Run a pass, so much later than the one before."""
        self.clock.now += later
        await self.loop.run_pass()

    def passes(self, result: str) -> float:
        return (
            self.metrics.registry.get_sample_value("plafond_passes_total", {"result": result}) or 0
        )

    @property
    def writes(self) -> list[str]:
        """The writes so far, each by its verb and the kind that it was on."""
        return [
            _short(verb, path) for verb, path in self.fake.requests if verb in {"POST", "PATCH"}
        ]


def _short(verb: str, path: str) -> str:
    parts = path.split("/")
    named = verb == "POST" or parts[-1] in {"status", "scale"}
    kind = parts[-1] if verb == "POST" else parts[-3] if named else parts[-2]
    suffix = f"/{parts[-1]}" if named and verb != "POST" else ""
    return f"{verb} {kind}{suffix}"


def settings(period: float) -> Settings:
    """Settings with a period of so many seconds."""
    timing = replace(SETTINGS.timing, evaluation_period=timedelta(seconds=period))
    return replace(SETTINGS, timing=timing)


def populated(fake: FakeKubernetes, facts: Snapshot) -> Snapshot:
    """Put the objects of *facts* that are written to into the API server."""
    for name in facts.namespaces:
        fake.put(made.NAMESPACES, made.namespace(name))
    for policy in facts.policies:
        raw = made.policy(policy.name, policy.namespace)
        raw["metadata"]["uid"] = policy.uid
        fake.put(made.POLICIES, raw)
    fake.put(made.PRICES, made.price_sheet("prices"))
    versions = {}
    for each in facts.workloads:
        raw = made.deployment(each.id.name, each.id.namespace, each.replicas, uid=each.uid)
        versions[each.id] = fake.put(made.DEPLOYMENTS, raw)["metadata"]["resourceVersion"]
    sheets = tuple(replace(sheet, uid="uid-prices") for sheet in facts.sheets)
    workloads = tuple(replace(w, resource_version=versions[w.id]) for w in facts.workloads)
    return replace(facts, workloads=workloads, sheets=sheets)


TEAM_PATH = f"/api/v1/namespaces/{TEAM}"
