"""
Tokens from counters: what each pod has processed since its counter was last seen.

A counter that fell began again at zero; one that is seen for the first time tells of the pod's
whole life. What cannot be seen is not nothing: it is reckoned with at the last known rate, beside
the ledger, and the next sight of the counter brings what it really was.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from plafond.account.accrual import charges_of
from plafond.account.ledger import Charge
from plafond.account.token_rates import Served, last_known
from plafond.model.gap import Gap
from plafond.model.ledger import OTHERS, Fact, SeriesKey
from plafond.model.memory import Memory, OpenPod
from plafond.model.meters import MeterReading
from plafond.model.money import TOKENS, ZERO, hourly
from plafond.model.window import Span
from plafond.model.workload import Pod

# A pod that is gone, and was last seen longer ago than this, has processed more since.
LONGEST_SILENCE = timedelta(minutes=2)
# Beyond it a float counts no single tokens any more, and no engine has come that far.
LARGEST = 2.0**53
# Of so many workloads the ledger says it one by one: it has to fit into one object.
MOST_SERIES = 150
SPEND = SeriesKey(Fact.SPEND, TOKENS)


@dataclass(frozen=True, slots=True)
class Look:
    """
    One look at the counters of a namespace.

    Attributes:
        reading: what they say; None where nobody asks.
        memory: what they said before, and what replicas process.
        as_of: the ledger's last entry before.
        lag: how much later than it is processed a token is seen.

    """

    reading: MeterReading | None
    memory: Memory
    as_of: datetime | None
    now: datetime
    lag: timedelta

    def value_of(self, pod: Pod, last: Decimal | None) -> Decimal | None:
        """Return what the counter of *pod* says, which said *last* before; None if unknown."""
        if self.reading is None:
            return None
        found = self.reading.values.get(pod.key)
        # A pod that is not ready yet may bear the name, and still the series, of one before it.
        if found is None or found > LARGEST or (last is None and not pod.is_ready):
            return None
        value = Decimal(round(found))
        # In an answer that lacks something a counter that fell has lost a part, not begun again.
        has_lost = last is not None and value < last and self.reading.gap is not None
        return None if has_lost else value

    @property
    def is_dark(self) -> bool:
        """The counters cannot be looked at, so one that is missing may have risen."""
        return self.reading is None or self.reading.gap is not None

    def seen_at(self, uid: str) -> datetime:
        """Return when the counter of a pod was last seen."""
        return self.memory.unseen_since.get(uid) or self.as_of or self.now

    def rate_of(self, pod: OpenPod) -> Decimal:
        """Return what *pod* was last known to process per hour."""
        return last_known(self.memory.token_rates.get(pod.workload))

    def has_ended(self, pod: Pod) -> bool:
        """Say whether *pod* runs no more."""
        return pod.ended_at is not None and pod.ended_at <= self.now


@dataclass(frozen=True, slots=True)
class Processed:
    """
    What one look came to.

    Attributes:
        charges: what is certain, for the ledger.
        unseen: what has to be reckoned with beside it, until it is seen.
        unseen_gap: why counters that were seen before are not seen now.
        counters: what they said when they were last seen, by pod.
        unseen_since: when that was, of those that are not seen now.
        served: what ready replicas have processed, by workload.

    """

    charges: tuple[Charge, ...] = ()
    unseen: tuple[Charge, ...] = ()
    unseen_gap: Gap | None = None
    counters: Mapping[str, Decimal] = field(default_factory=dict)
    unseen_since: Mapping[str, datetime] = field(default_factory=dict)
    served: Mapping[str, Served] = field(default_factory=dict)


def processed(pods: Iterable[Pod], open_pods: Mapping[str, OpenPod], look: Look) -> Processed:
    """Return what *pods* processed, of which *open_pods* are those that have not ended."""
    memory, tally = look.memory, _Tally(look, open_pods)
    if look.as_of is not None and look.now <= look.as_of:
        # The clock has stepped back: counters wait for it, as the ledger does.
        return Processed(counters=memory.counters, unseen_since=memory.unseen_since)
    listed = set()
    for pod in pods:
        listed.add(pod.uid)
        tally.count(pod)
    for uid in memory.counters:
        if uid not in listed:
            tally.lose(uid, look.now)
    return Processed(
        tuple(tally.charges()),
        tuple(Charge(SPEND, Span(at, look.now), rate) for at, rate in tally.reckoned.items()),
        tally.gap,
        tally.counters,
        tally.unseen_since,
        tally.served,
    )


# Whose tokens, whether a policy may scale them, and since when: pods of one kind are one charge.
_Kind = tuple[str, bool, datetime]


@dataclass(slots=True)
class _Tally:
    look: Look
    open_pods: Mapping[str, OpenPod]
    risen: dict[_Kind, Decimal] = field(default_factory=dict)
    lost: list[Charge] = field(default_factory=list)
    reckoned: dict[datetime, Decimal] = field(default_factory=dict)
    counters: dict[str, Decimal] = field(default_factory=dict)
    unseen_since: dict[str, datetime] = field(default_factory=dict)
    served: dict[str, Served] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def count(self, pod: Pod) -> None:
        """Count what the counter of *pod* says, or keep what it said."""
        last = self.look.memory.counters.get(pod.uid)
        value, opened = self.look.value_of(pod, last), self._known(pod.uid)
        if opened is None:
            return
        if value is None:
            if last is not None:
                self._miss(pod, opened, last)
            return
        since = pod.scheduled_at if last is None else self.look.seen_at(pod.uid)
        if since is None or since >= self.look.now:
            return
        increase = value if last is None or value < last else value - last
        kind = opened.workload, opened.is_managed, since
        self.risen[kind] = self.risen.get(kind, ZERO) + increase
        if not self.look.has_ended(pod):
            self.counters[pod.uid] = value
            self._reckon(opened, self.look.now)
        if pod.ready_at is not None and pod.is_ready:
            begun = since if last is not None else max(since, pod.ready_at)
            self._serve(opened.workload, Served(increase, self.look.now - begun))

    def lose(self, uid: str, until: datetime) -> None:
        """Count a pod that is gone: as it was last seen, and more where that is long ago."""
        since, opened = self.look.seen_at(uid), self._known(uid)
        if opened is not None and until - since > LONGEST_SILENCE:
            rates = {TOKENS: self.look.rate_of(opened)}
            self.lost += charges_of(replace(opened, rates=rates), Span(since, until))

    def charges(self) -> Iterable[Charge]:
        """Return everything that is certain."""
        known = {*self.look.memory.token_rates, *(kind[0] for kind in self.risen)}
        named = frozenset(sorted(known)[:MOST_SERIES])
        for (workload, is_managed, since), tokens in self.risen.items():
            span = Span(since, self.look.now)
            rates = {TOKENS: hourly(tokens, span.length)}
            name = workload if workload in named else OTHERS
            yield from charges_of(OpenPod(rates, is_managed, name), span)
        yield from self.lost

    @property
    def gap(self) -> Gap | None:
        """Why counters are missing: what is wrong with the meter, or else whose they are."""
        if not self.missing:
            return None
        if self.look.reading is not None and self.look.reading.gap is not None:
            return self.look.reading.gap
        more = f" and {len(self.missing) - 1} more" if len(self.missing) > 1 else ""
        return Gap(f"tokens: the counter of {min(self.missing)}{more} is not seen any more")

    def _known(self, uid: str) -> OpenPod | None:
        return self.open_pods.get(uid) or self.look.memory.open_pods.get(uid)

    def _miss(self, pod: Pod, opened: OpenPod, last: Decimal) -> None:
        if self.look.has_ended(pod):
            self.lose(pod.uid, pod.ended_at or self.look.now)
            return
        self.counters[pod.uid] = last
        if pod.is_ready or self.look.is_dark:
            since = self.look.seen_at(pod.uid)
            self.missing.append(pod.name)
            self.unseen_since[pod.uid] = since
            self._reckon(opened, since)
        elif pod.uid in self.look.memory.unseen_since:
            # An engine that starts anew, or shuts down, shows nothing and has nothing to show; but
            # what it did while nobody could look is not told by anything else any more.
            self.lose(pod.uid, self.look.now)

    def _reckon(self, opened: OpenPod, seen_at: datetime) -> None:
        # What is seen now was processed a while ago: as much again is on its way.
        begin, rate = seen_at - self.look.lag, self.look.rate_of(opened)
        self.reckoned[begin] = self.reckoned.get(begin, ZERO) + rate

    def _serve(self, workload: str, served: Served) -> None:
        self.served[workload] = self.served.get(workload, Served()) + served
