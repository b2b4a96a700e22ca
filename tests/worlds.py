"""Hypothesis strategies over the builders: small worlds in which everything that matters varies."""

from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import strategies as st
from tests.builders import (
    EUR,
    GPU,
    HOUR,
    MINUTE,
    NOW,
    TEAM,
    budget,
    calendar,
    class_rule,
    concurrency,
    fixed,
    hpa,
    in_time,
    money,
    node,
    node_price,
    pod,
    policy,
    quantities,
    sheet,
    snapshot,
    total,
    utilization,
    workload,
)

from plafond.model.autoscaler import Autoscaler
from plafond.model.budget import Budget, OnExhausted
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.model.memory import Memory, NamespaceRecord, TokenRate, WorkloadMemory
from plafond.model.meters import Meter, MeterReading, PodKey
from plafond.model.money import GPU_HOURS, TOKENS
from plafond.model.policy import Ceilings, ClassRule, CostPolicy, Mode, Scaling
from plafond.model.snapshot import Namespace, Quota, Snapshot
from plafond.model.window import Period
from plafond.model.workload import Pod, Surge, Workload, WorkloadClass

TIERS = st.sampled_from(["hot", "warm", "cold", "none"])
COUNTS = st.integers(0, 6)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may vary; a law that holds only without something switches it off and says why."""

    one_price: bool = False
    floors: bool = True
    ceilings: bool = True
    in_force: bool = True
    above_ceilings: bool = True
    autoscalers: bool = True
    meters_may_miss: bool = True
    surge: bool = True
    budgets: int = 2
    unmanaged: bool = True


ANYTHING = Bounds()


@st.composite
def worlds(draw, bounds: Bounds = ANYTHING) -> Snapshot:
    """One namespace with up to four workloads, one policy, and a past."""
    workloads = tuple(
        draw(_workloads(name, bounds))
        for name in draw(st.sampled_from([("a",), ("a", "b"), ("a", "b", "c", "d")]))
    )
    pods = tuple(p for w in workloads for p in draw(_pods(w, bounds)))
    if bounds.unmanaged and draw(st.booleans()):
        pods += (pod("notebook", None, requests=quantities(gpu=draw(st.integers(0, 2)))),)
    namespace = draw(_namespaces(workloads, bounds))
    record = draw(_records(workloads, namespace))
    return snapshot(
        workloads=tuple(draw(_written(w, record)) for w in workloads),
        pods=pods,
        policies=(draw(policies(bounds)),),
        sheets=(sheet(node_price("n2", {"pool": "two"}, gpu="7"), node_price(gpu="3")),),
        nodes={"n1": node("n1"), "n2": node("n2", pool="one" if bounds.one_price else "two")},
        namespaces={TEAM: namespace},
        meters=draw(_meters(pods, bounds)),
        records={TEAM: record},
    )


@st.composite
def policies(draw, bounds: Bounds = ANYTHING, mode: Mode = Mode.ENFORCE) -> CostPolicy:
    return policy(
        mode=mode,
        budgets=tuple(
            draw(budgets(f"budget-{i}")) for i in range(draw(st.integers(0, bounds.budgets)))
        ),
        ceilings=draw(_ceilings()) if bounds.ceilings else Ceilings(),
        classes=draw(_classes(bounds)),
        scaling=draw(_scalings()),
    )


@st.composite
def budgets(draw, name: str = "launch") -> Budget:
    ends = draw(st.sampled_from(list(OnExhausted)))
    unit = draw(st.sampled_from([EUR, EUR, GPU_HOURS, TOKENS]))
    windows = st.builds(
        fixed,
        st.sampled_from([NOW - HOUR, NOW - 30 * HOUR, NOW + HOUR]),
        st.sampled_from([40 * HOUR, 3 * HOUR]),
    ) | st.builds(calendar, st.sampled_from(list(Period)))
    limit = draw(st.sampled_from(["1", "30", "100", "300", "1000", "9000"]))
    return budget(limit, name=name, unit=unit, window=draw(windows), on_exhausted=ends)


@st.composite
def _workloads(draw, name: str, bounds: Bounds) -> Workload:
    requests = quantities(gpu=1 if bounds.one_price else draw(st.sampled_from([1, 1, 2, 4])))
    made = workload(
        name,
        draw(COUNTS),
        tier=draw(TIERS),
        requests=requests,
        created_at=NOW - draw(st.integers(1, 3)) * HOUR,
        surge=draw(st.sampled_from([Surge(), Surge(percent=25), Surge(count=3)])),
    )
    if bounds.autoscalers and draw(st.integers(0, 4)) == 0:
        return replace(made, autoscaler=draw(_autoscalers()))
    return made


@st.composite
def _autoscalers(draw) -> Autoscaler:
    readings = draw(st.lists(st.builds(total, st.integers(0, 20)), max_size=2))
    return hpa(
        draw(st.none() | COUNTS),
        is_limited=draw(st.booleans()),
        seen=draw(COUNTS),
        readings=tuple(readings),
        least=draw(st.integers(1, 3)),
        most=draw(st.integers(3, 9)),
        is_refused=draw(st.booleans()),
    )


@st.composite
def _written(draw, of: Workload, record: NamespaceRecord) -> Workload:
    # What a count was before our first write is remembered before that write.
    memory = record.memory.sets.get(Mode.ENFORCE.value, {}).get(of.id, WorkloadMemory())
    return replace(of, is_count_ours=memory.wanted_replicas is not None and draw(st.booleans()))


@st.composite
def _pods(draw, of: Workload, bounds: Bounds) -> tuple[Pod, ...]:
    beyond = draw(st.integers(-2, 2)) if bounds.surge else 0
    places = ["n1"] if bounds.one_price else ["n1", "n2"]
    made = []
    for index in range(max(0, of.replicas + beyond)):
        is_ready = draw(st.integers(0, 5)) > 0
        since = draw(st.sampled_from([NOW - HOUR, NOW - MINUTE]))
        one = pod(
            f"{of.id.name}-{index}",
            of.id,
            requests=of.requests,
            node=draw(st.sampled_from(places)),
            scheduled_at=since,
            ready_at=since + timedelta(seconds=30) if is_ready else None,
            is_terminating=index >= of.replicas,
        )
        made.append(one)
    return tuple(made)


@st.composite
def _ceilings(draw) -> Ceilings:
    most = draw(st.none() | st.integers(1, 12))
    rate = draw(st.none() | st.sampled_from(["5", "20", "60"]))
    gpus = draw(st.none() | st.integers(1, 16))
    return Ceilings(
        most,
        {} if gpus is None else {GPU: money(gpus)},
        None if rate is None else money(rate),
    )


@st.composite
def _classes(draw, bounds: Bounds) -> tuple[ClassRule, ...]:
    rules = []
    for each in WorkloadClass:
        floor = draw(st.integers(0, 3)) if bounds.floors else 0
        most = draw(st.none() | st.integers(max(floor, 1), 8))
        rules.append(class_rule(each, floor, max_replicas=most))
    if not bounds.floors:
        rules.append(class_rule(WorkloadClass.WARM, 0, selector=class_rule().selector.__class__()))
    return tuple(rules)


def _scalings() -> st.SearchStrategy[Scaling | None]:
    return st.sampled_from(
        [
            None,
            concurrency(),
            utilization(),
            replace(concurrency(), gpu_utilization_target_percent=70),
            in_time(),
            in_time(2, concurrency()),
        ]
    )


@st.composite
def _meters(draw, pods: tuple[Pod, ...], bounds: Bounds) -> dict[Meter, MeterReading]:
    keys = [PodKey(each.namespace, each.name) for each in pods if each.is_ready]
    most = {
        Meter.GPU_UTILIZATION: 100,
        Meter.RUNNING_REQUESTS: 40,
        Meter.WAITING_REQUESTS: 20,
        Meter.TOKENS: 200,
        Meter.LATENCY_P95: 5,
    }
    found = {}
    for meter, high in most.items():
        values = {}
        for key in keys:
            value = draw(st.integers(0, high))
            if not bounds.meters_may_miss or draw(st.integers(0, 5)) > 0:
                values[key] = float(value)
        found[meter] = MeterReading(values)
    return found


@st.composite
def _namespaces(draw, workloads: tuple[Workload, ...], bounds: Bounds) -> Namespace:
    quota = draw(_quotas()) if bounds.in_force else None
    if not bounds.in_force or draw(st.booleans()):
        return Namespace(TEAM, "uid", quota=quota)
    # A count above its ceiling: we were killed between the two writes.
    least = {w.id: 0 if bounds.above_ceilings else w.replicas for w in workloads}
    listed = {each: least[each] + draw(COUNTS) for each in least if draw(st.booleans())}
    return Namespace(TEAM, "uid", listed, "before", quota=quota)


@st.composite
def _quotas(draw) -> Quota | None:
    if draw(st.booleans()):
        return None
    hard = {f"requests.{GPU}": money(draw(st.integers(0, 30))), "requests.amd.com/gpu": money(0)}
    return Quota("uid-quota", hard, is_ours=True)


@st.composite
def _records(draw, workloads: tuple[Workload, ...], namespace: Namespace) -> NamespaceRecord:
    if draw(st.booleans()):
        return NamespaceRecord()
    as_of = NOW - draw(st.sampled_from([15, 60, 900])) * timedelta(seconds=1)
    ledger = Ledger(
        as_of,
        {
            SeriesKey(Fact.SPEND, unit): (
                Bucket(as_of - HOUR, HOUR, money(draw(st.integers(0, 300)))),
            )
            for unit in (EUR, GPU_HOURS, TOKENS)
        },
    )
    # A ceiling that was decided is in force by the next pass.
    in_force = namespace.ceilings or {}
    memories = {w.id: draw(_memories(in_force.get(w.id))) for w in workloads if draw(st.booleans())}
    sets = {Mode.ENFORCE.value: memories} if memories else {}
    rates = {str(w.id): draw(_token_rates()) for w in workloads if draw(st.integers(0, 4)) > 0}
    return NamespaceRecord(ledger, Memory(sets=sets, token_rates=rates))


def _token_rates() -> st.SearchStrategy[TokenRate]:
    # Per replica and hour, beside limits of some hundreds.
    measured = st.builds(
        lambda n: TokenRate((money(n),) * 3, money(n)), st.sampled_from([3, 20, 90])
    )
    return st.just(TokenRate()) | measured


@st.composite
def _memories(draw, ceiling: int | None) -> WorkloadMemory:
    past = st.none() | st.sampled_from([NOW - 20 * MINUTE, NOW - 3 * MINUTE, NOW - MINUTE / 2])
    return WorkloadMemory(
        wanted_replicas=draw(st.none() | COUNTS),
        ceiling=ceiling,
        was_waiting=draw(st.booleans()),
        # Only a ceiling that is in force can have bound, or been raised.
        bound_at=draw(past) if ceiling is not None else None,
        raised_at=draw(past) if ceiling is not None else None,
        funded_floor=draw(st.none() | st.integers(0, 3)),
        floor_dropped_at=draw(past),
        floor_until=draw(past),
    )
