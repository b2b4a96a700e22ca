"""Ten minutes of HPAs at three times their ceilings, and what becomes of them after."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from e2e.rig.cluster import Rig
from e2e.stories.hpas import (
    GENTLE,
    HPA_CONTROLLER,
    OPERATOR,
    Scaled,
    hpa,
    most_asked,
    most_stored,
)
from e2e.world import fresh_namespace, operator, policy, utc_now

CEILING, NEEDED, FALLEN = 3, 9, 5
# The clock is the real one: HPAs look every 15 s and remember for 300 s, and the operator's timing
# is that of production, but for the status, which is looked at here.
CONFIG = {"evaluationPeriod": "5s", "timing": {"statusInterval": "1s"}}
FALLS, RELEASED, ENDS = (timedelta(seconds=seconds) for seconds in (370, 400, 600))
LOOKED_AT = timedelta(seconds=30)
# After the write that lowers, its next look and the operator's next pass.
SETTLED = timedelta(seconds=30)


@dataclass(frozen=True)
class Look:
    """One HPA's workload at one moment."""

    at: timedelta
    replicas: int
    ceiling: int | None
    recomputed: int | None
    desired: int

    def __str__(self) -> str:
        return f"{self.replicas}/{self.ceiling}/{self.recomputed}/{self.desired}"


@pytest.mark.lasts(12)
@pytest.mark.timeout(900)
def test_ten_minutes_at_three_times_the_ceiling_and_then_as_much_as_demand_asks_for(
    rig: Rig, tmp_path, record_property
):
    rig.show_demand_to_hpas()
    began = utc_now()
    with _teams(rig) as chats, operator(rig, tmp_path, **CONFIG):
        start = utc_now()
        _limit(chats, CEILING)
        looks = _watch(chats, start)
    _record(looks, record_property)
    held = {name: [x for x in all_ if SETTLED <= x.at < FALLS] for name, all_ in looks.items()}
    for name, chat in chats.items():
        assert {look.replicas for look in held[name]} == {CEILING}
        # Within a tenth of what is truly asked for, which no count of the HPA shows.
        assert all(abs(look.recomputed - NEEDED) <= NEEDED / 10 for look in held[name]), name
        lowered = [x for x in chat.written(OPERATOR, start) if most_stored([x]) == CEILING]
        assert len(lowered) == 1
        assert looks[name][-1].replicas == (FALLEN if name == "falling" else NEEDED)
        assert most_stored(chat.written(since=start)) <= NEEDED
    _compare_with_demand(chats["falling"], start, record_property)
    writes = rig.audit.writes_by(OPERATOR, "horizontalpodautoscalers")
    assert not [write for write in writes if write.at >= began]


@contextmanager
def _teams(rig: Rig) -> Iterator[Mapping[str, Scaled]]:
    behaviors = {"plain": None, "gentle": GENTLE, "falling": None}
    namespaces = {name: fresh_namespace(rig, f"hpa-{name}") for name in behaviors}
    try:
        chats = {name: Scaled.at(rig, here, NEEDED) for name, here in namespaces.items()}
        for name, chat in chats.items():
            rig.apply(hpa(chat.namespace, chat.name, behaviors[name]))
        yield chats
    finally:
        for namespace in namespaces.values():
            rig.kubectl("delete", "namespace", namespace, "--wait=false")


def _limit(chats: Mapping[str, Scaled], replicas: int) -> None:
    for chat in chats.values():
        chat.rig.apply(policy(chat.namespace, ceilings={"replicas": replicas}))


def _watch(chats: Mapping[str, Scaled], start: datetime) -> dict[str, list[Look]]:
    """Look every few seconds; let one demand fall, and then release all."""
    looks: dict[str, list[Look]] = {name: [] for name in chats}
    to_come = [
        (FALLS, lambda: chats["falling"].need(FALLEN)),
        (RELEASED, lambda: _limit(chats, 30)),
    ]
    while (now := utc_now() - start) < ENDS:
        if to_come and now >= to_come[0][0]:
            to_come.pop(0)[1]()
        for name, chat in chats.items():
            looks[name].append(
                Look(now, chat.replicas, chat.ceiling, chat.recomputed, chat.desired)
            )
        time.sleep(2)
    return looks


def _record(looks: Mapping[str, list[Look]], record_property) -> None:
    """Write down, twice a minute, replicas/ceiling/recomputed wish/desired of every workload."""
    record_property("replicas/ceiling/wish/desired of", ", ".join(looks))
    for number in range(ENDS // LOOKED_AT):
        rows = [
            next((x for x in all_ if x.at >= number * LOOKED_AT), None) for all_ in looks.values()
        ]
        record_property(f"{number * LOOKED_AT}", "  ".join(f"{x!s:>10}" for x in rows))


def _compare_with_demand(chat: Scaled, start: datetime, record_property) -> None:
    """What it still remembered when it was released is asked for, and never stored."""
    since = start + RELEASED
    record_property(
        "the most asked for from memory", most_asked(chat.written(HPA_CONTROLLER, since))
    )
    assert most_stored(chat.written(since=since)) == FALLEN
