"""The past of a namespace: when history is wanted, when nothing is raised for lack of it."""

from dataclasses import replace

import pytest
from tests.builders import (
    DAY,
    EUR,
    HOUR,
    MINUTE,
    NOW,
    SETTINGS,
    TEAM,
    budget,
    fixed,
    money,
    namespace,
    pods_of,
    policy,
    snapshot,
    workload,
)

from plafond.account.asking import history_wanted
from plafond.decide.evaluate import evaluate
from plafond.model.gap import Gap
from plafond.model.history import Counter, History, Point

OPENED = NOW - 2 * HOUR
PATIENCE = SETTINGS.timing.history_patience
UNREAD = {TEAM: Gap("history: Prometheus does not answer")}
CHAT = workload("chat", 2)


def world(opened=OPENED, created=NOW - 9 * DAY, watched=NOW, **more):
    """A policy whose window is open since two hours, and an operator that has come just now."""
    limited = policy(budgets=(budget("9999", window=fixed(opened, 10 * HOUR)),))
    return snapshot(
        policies=(limited,),
        workloads=(CHAT,),
        pods=pods_of(CHAT),
        namespaces={TEAM: replace(namespace(), created_at=created)},
        watched_since=watched,
        **more,
    )


def after(before, **more):
    """The world of the next pass."""
    records = evaluate(before, SETTINGS).records
    return replace(before, now=before.now + MINUTE, records=records, history={}, **more)


def account_of(found):
    return evaluate(found, SETTINGS).account.sets[0]


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        pytest.param(world(), {TEAM: OPENED}, id="a window older than the operator"),
        pytest.param(world(watched=OPENED - HOUR), {}, id="an operator older than the window"),
        pytest.param(after(world(watched=OPENED - HOUR)), {}, id="counted from the start"),
        pytest.param(
            world(created=NOW - MINUTE, watched=NOW - HOUR),
            {TEAM: OPENED},
            id="a new namespace: one of its name may have been there before",
        ),
        pytest.param(after(world()), {TEAM: OPENED}, id="still, until it is read"),
        pytest.param(
            after(world(history={TEAM: History(OPENED, MINUTE)})), {}, id="not when it was read"
        ),
        pytest.param(replace(world(), policies=()), {}, id="not without a policy"),
    ],
)
def test_history_is_wanted_where_a_window_is_older_than_what_was_counted(found, wanted):
    assert history_wanted(found, SETTINGS) == wanted


def test_a_policy_with_an_earlier_window_wants_more_history():
    read = after(world(history={TEAM: History(OPENED, MINUTE)}))
    earlier = policy(budgets=(budget("9999", window=fixed(OPENED - DAY, 2 * DAY)),))

    assert history_wanted(replace(read, policies=(earlier,)), SETTINGS) == {TEAM: OPENED - DAY}


@pytest.mark.parametrize(
    ("found", "is_awaited"),
    [
        pytest.param(world(history=UNREAD), True, id="what was spent before is not known"),
        pytest.param(
            world(history=UNREAD, created=NOW - MINUTE, watched=NOW - HOUR),
            None,
            id="a namespace that came to be while it was watched has no past",
        ),
        pytest.param(
            world(history=UNREAD, watched=OPENED - HOUR), None, id="everything was counted"
        ),
        pytest.param(world(history={TEAM: History(OPENED, MINUTE)}), False, id="it tells nothing"),
    ],
)
def test_it_is_waited_for_where_a_part_of_a_window_is_unknown(found, is_awaited):
    untold = account_of(found).untold

    assert (untold.is_awaited if untold else None) is is_awaited


def raised(found):
    """The ceiling that *found* comes to; two replicas run, and money is no object."""
    (judgement,) = evaluate(found, SETTINGS).judgements
    return judgement.ceilings[CHAT.id]


def test_nothing_is_raised_until_history_is_read_or_patience_ends():
    waiting = after(world(history=UNREAD))
    late = replace(waiting, now=NOW + PATIENCE, history=UNREAD)

    assert raised(world(history=UNREAD)) == 2
    assert raised(replace(waiting, history=UNREAD)) == 2
    assert raised(replace(waiting, history={TEAM: History(OPENED, MINUTE)})) > 2
    assert raised(late) > 2
    assert account_of(late).untold.why == UNREAD[TEAM]


def test_what_history_tells_is_spent_before_anything_is_decided():
    points = tuple(Point(OPENED + n * MINUTE, money(n)) for n in range(61))
    told = History(OPENED, MINUTE, OPENED - DAY, (Counter(EUR, points),))
    found = account_of(world(history={TEAM: told}))

    # One a minute for an hour; then two pods at 4.00 for the hour that they say themselves.
    assert found.positions[0].spend.value == pytest.approx(60 + 8, rel=money("1e-20"))
    assert found.untold is None


def test_what_was_filled_in_is_kept_and_not_asked_for_again():
    points = (Point(OPENED, money(0)), Point(OPENED + MINUTE, money(7)))
    told = History(OPENED, MINUTE, OPENED - DAY, (Counter(EUR, points),))

    later = after(world(history={TEAM: told}))

    assert account_of(later).positions[0].spend.value == pytest.approx(
        7 + 8 + money("8") / 60, rel=money("1e-9")
    )
    assert history_wanted(later, SETTINGS) == {}
