"""Real HPAs under a ceiling: held, obeyed at once, woken from zero, and released without a jump."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.control_plane import Settings
from e2e.rig.external_metrics import IN_FLIGHT
from e2e.rig.nodes import GPU_NODES
from e2e.rig.polling import poll
from e2e.stories.hpas import (
    GENTLE,
    HPA_CONTROLLER,
    OPERATOR,
    Scaled,
    hpa,
    most_asked,
    most_stored,
    stays,
)
from e2e.world import condition, fixed_budget, fresh_namespace, operator, policy, utc_now

# An HPA looks every 15 s. Here it looks every 3 s, so a minute stands for five.
SYNC_SECONDS = 3
FACTOR = 15 // SYNC_SECONDS
CEILING, NEEDED = 3, 9
AT_REST = {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}}
ANY_BEHAVIOR = pytest.mark.parametrize(
    "behavior", [pytest.param(None, id="by default"), pytest.param(GENTLE, id="4 pods a minute")]
)


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """A rig of this module's own, whose HPAs look more often and follow what the fleet plays."""
    with Rig(Settings(hpa_sync=f"{SYNC_SECONDS}s")) as started:
        started.install()
        started.add_nodes(GPU_NODES)
        started.show_demand_to_hpas()
        yield started


@pytest.fixture(autouse=True)
def only_counts_are_written(rig: Rig) -> Iterator[None]:
    """Whatever a story does, the operator writes to no HPA."""
    yield
    assert not rig.audit.writes_by(OPERATOR, "horizontalpodautoscalers")


def under(chat: Scaled, replicas: int) -> None:
    """Put all of the namespace under a ceiling of *replicas*."""
    chat.rig.apply(policy(chat.namespace, ceilings={"replicas": replicas}))


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("metric", "target", "needs"),
    [
        pytest.param(None, None, (4, 7, 12, 5), id="an average of what is offered"),
        # Two seconds each: six at once for a replica.
        pytest.param(
            IN_FLIGHT,
            {"type": "AverageValue", "averageValue": "6"},
            (4, 7, 5),
            id="an average of what is in flight",
        ),
    ],
)
def test_without_a_ceiling_the_wish_recomputed_is_what_the_hpa_desires(
    rig: Rig, namespace: str, metric: str | None, target: dict | None, needs: tuple[int, ...]
):
    more = {"metric": metric, "target": target} if metric else {}
    chat = Scaled.at(rig, namespace, needs[0], **AT_REST, **more)
    for needed in needs:
        chat.need(needed)
        chat.comes_to(needed, within=60)
        poll(lambda n=needed: chat.desired == n and chat.recomputed == n, 15, what=f"{needed}")


@pytest.mark.timeout(120)
def test_a_value_within_its_tolerance_is_recomputed_as_what_runs(rig: Rig, namespace: str):
    chat = Scaled.at(rig, namespace, 4)
    # 12 requests a second, where 11.5 should be: 1.04 is no reason to move.
    rig.apply(hpa(namespace, chat.name, target={"type": "Value", "value": "11500m"}))
    poll(lambda: chat.recomputed == 4, 15, what="the value to be measured")
    stays(lambda: chat.replicas == 4 and chat.recomputed == 4, 2 * SYNC_SECONDS, "at rest")


@ANY_BEHAVIOR
@pytest.mark.timeout(120)
def test_an_hpa_at_rest_above_a_lowered_ceiling_is_lowered_by_one_write_of_ours(
    rig: Rig, namespace: str, tmp_path, behavior: dict | None
):
    chat = Scaled.at(rig, namespace, NEEDED)
    rig.apply(hpa(namespace, chat.name, behavior))
    since = utc_now()
    under(chat, CEILING)
    with operator(rig, tmp_path):
        chat.comes_to(CEILING, within=10)
        stays(lambda: chat.replicas == CEILING, 3 * SYNC_SECONDS, "held at the ceiling")
        # By its status alone the HPA would ask for 6, twice what runs.
        poll(lambda: chat.recommended == NEEDED, 10, what="the wish beyond the ceiling")
    assert len(chat.written(OPERATOR, since)) == 1


@ANY_BEHAVIOR
@pytest.mark.timeout(150)
@pytest.mark.parametrize("is_alive", [True, False], ids=["operator alive", "operator dead"])
def test_an_hpa_that_wants_three_times_the_ceiling_never_gets_past_it(
    rig: Rig, namespace: str, tmp_path, behavior: dict | None, *, is_alive: bool
):
    chat = Scaled.at(rig, namespace, CEILING, **({"behavior": behavior} if behavior else {}))
    under(chat, CEILING)
    with operator(rig, tmp_path) as running:
        poll(lambda: chat.ceiling == CEILING, 20, what="the ceiling")
        if not is_alive:
            running.kill()
        since = utc_now()
        chat.need(NEEDED)
        tried = lambda: chat.written(HPA_CONTROLLER, since)  # noqa: E731 - it is asked again
        poll(lambda: len(tried()) >= 3 or (behavior and tried()), 30, what="the HPA to try")
        stays(lambda: chat.replicas == CEILING, 3 * SYNC_SECONDS, "held at the ceiling")
    assert most_asked(tried()) > CEILING
    assert most_stored(chat.written(since=since)) == CEILING


@pytest.mark.timeout(180)
def test_from_a_zero_that_money_brought_it_starts_again_when_money_is_back(
    rig: Rig, namespace: str, tmp_path
):
    chat = Scaled.at(rig, namespace, NEEDED)
    # What ran in the ten seconds before has spent more than that already.
    start, lasts = utc_now() - timedelta(seconds=10), timedelta(seconds=45)
    budget = fixed_budget("0.001", start, lasts, "StopAll")
    rig.apply(policy(namespace, currency="EUR", budgets=[budget]))
    with operator(rig, tmp_path):
        chat.comes_to(0, within=25)
        poll(lambda: chat.desired == 0, 15, what="the HPA to sleep")
        chat.comes_to(NEEDED, within=90)
        assert utc_now() >= start + lasts - timedelta(seconds=1)
        since = utc_now()
        rig.kubectl("scale", "deployment/chat", "--replicas=0", "-n", namespace)
        stays(lambda: chat.replicas == 0, 2 * SYNC_SECONDS, "the zero that somebody chose")
    assert not chat.written(OPERATOR, since)


@pytest.mark.timeout(150)
def test_without_metrics_a_falling_ceiling_is_obeyed_and_a_rising_one_waits(
    rig: Rig, namespace: str, tmp_path
):
    chat = Scaled.at(rig, namespace, NEEDED)
    under(chat, 20)
    with operator(rig, tmp_path):
        poll(lambda: chat.ceiling, 20, what="a ceiling with headroom")
        rig.show_demand_to_hpas(lost=True)
        try:
            _lose_and_lower(rig, chat)
        finally:
            rig.show_demand_to_hpas()
        chat.comes_to(NEEDED, within=60)
        poll(lambda: condition(rig, namespace, "MetricsAvailable")[0] == "True", 15, what="metrics")


def _lose_and_lower(rig: Rig, chat: Scaled) -> None:
    poll(lambda: chat.recomputed is None, 15, what="the HPA to lose its metrics")
    under(chat, CEILING)
    chat.comes_to(CEILING, within=10)
    poll(
        lambda: condition(rig, chat.namespace, "MetricsAvailable")[0] == "False",
        15,
        what="the policy to say so",
    )
    under(chat, 20)
    stays(lambda: chat.ceiling == CEILING, 3 * SYNC_SECONDS, "nothing is raised")


@pytest.mark.timeout(180)
def test_what_it_remembers_when_money_is_back_does_not_count(
    rig: Rig, namespace: str, tmp_path, record_property
):
    chat = Scaled.at(rig, namespace, CEILING)
    under(chat, CEILING)
    with operator(rig, tmp_path):
        poll(lambda: chat.ceiling == CEILING, 20, what="the ceiling")
        chat.need(NEEDED)
        poll(lambda: chat.recommended == NEEDED, 20, what="the wish beyond the ceiling")
        # Demand falls, and with the next look of the HPA money is back.
        chat.need(CEILING + 2)
        poll(lambda: chat.recommended == CEILING + 2, 20, what="what is needed now")
        since = utc_now()
        under(chat, 30)
        poll(lambda: chat.replicas == CEILING + 2, 30, what="what is needed to run")
        remembered = chat.desired
        stays(lambda: chat.replicas == CEILING + 2, 10 * SYNC_SECONDS, "no more than is needed")
    record_property("HPAs look more often by a factor of", FACTOR)
    record_property("replicas desired from memory", remembered)
    assert most_asked(chat.written(HPA_CONTROLLER, since)) > CEILING + 2
    assert most_stored(chat.written(since=since)) == CEILING + 2


@pytest.fixture
def older_rig() -> Iterator[Rig]:
    """The same on an API server that refuses what is above a ceiling, and clamps nothing."""
    with Rig(Settings(hpa_sync=f"{SYNC_SECONDS}s", emulated_version="1.35")) as started:
        started.install()
        started.add_nodes(GPU_NODES)
        started.show_demand_to_hpas()
        yield started


@pytest.mark.timeout(180)
def test_where_nothing_clamps_its_write_is_refused_and_its_wish_is_known_all_the_same(
    older_rig: Rig, tmp_path
):
    chat = Scaled.at(older_rig, fresh_namespace(older_rig, "older"), CEILING)
    under(chat, CEILING + 2)
    with operator(older_rig, tmp_path):
        poll(lambda: chat.ceiling, 20, what="a ceiling")
        since = utc_now()
        chat.need(NEEDED)
        poll(lambda: chat.is_refused, 30, what="the HPA's write to be refused")
        poll(lambda: chat.recommended == NEEDED, 15, what="the wish beyond the ceiling")
        stays(lambda: chat.replicas <= CEILING + 2, 3 * SYNC_SECONDS, "within the ceiling")
    stored = chat.written(since=since)
    assert not stored or most_stored(stored) <= CEILING + 2
