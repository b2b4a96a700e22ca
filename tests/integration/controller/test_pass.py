"""One pass after another: what is written in which order, and what is kept when a write fails."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import (
    MINUTE,
    NOW,
    SECOND,
    budget,
    money,
    namespace,
    pods_of,
    policy,
)
from tests.integration.controller.support import LEDGERS, World, populated
from tests.integration.fakes import objects as made
from tests.integration.fakes.kubernetes_api import FakeKubernetes, failing, hanging, running
from tests.integration.report.ledgers import whole
from tests.unit.report.support import CHAT, world

from plafond.api.convert_closed import parse_closed
from plafond.api.convert_ledger import parse_ledger
from plafond.model.gap import Gap
from plafond.model.ledger import Fact, SeriesKey
from plafond.model.policy import Mode

KEY = "team-a/plafond"
SCALE = "/apis/apps/v1/namespaces/team-a/deployments/chat/scale"
# The embedder and one of two replicas of chat.
LIMITED = policy(cost_per_hour="8.00")


@pytest.fixture
async def fake():
    return FakeKubernetes()


@pytest.fixture
async def client(fake):
    async with running(fake) as client:
        yield client


@pytest.fixture
def limited(fake, client):
    """A world in which chat has one replica more than may be."""
    return World(fake, client, populated(fake, world(LIMITED)))


def stored(fake):
    return whole(fake).record


def replicas(fake, name="chat"):
    return fake.objects[made.DEPLOYMENTS][f"team-a/{name}"]["spec"]["replicas"]


def ceilings(fake):
    return fake.objects[made.NAMESPACES]["/team-a"]["metadata"]["annotations"]


def spent(fake):
    series = stored(fake).ledger.series
    return {
        key.unit: sum(b.value for b in each)
        for key, each in series.items()
        if key[0] == "spend" and not key.workload
    }


async def test_first_the_memory_then_the_ceiling_then_the_count_then_the_words(limited):
    await limited.run_pass()

    assert limited.writes[:4] == [
        "POST spendledgers",
        "PATCH namespaces",
        "PATCH deployments/scale",
        "POST resourcequotas",
    ]
    assert sorted(limited.writes[4:]) == [
        "PATCH costpolicies/status",
        "PATCH pricesheets/status",
        "POST events",
    ]
    assert (replicas(limited.fake), ceilings(limited.fake)["plafond.dev/ceilings"]) == (
        1,
        "deployments.apps/chat=1,deployments.apps/embedder=1",
    )


async def test_the_wanted_count_is_written_down_before_the_first_write_that_changes_it(limited):
    await limited.run_pass()

    (remembered,) = stored(limited.fake).memory.sets.values()
    assert remembered[CHAT.id].wanted_replicas == 2


async def test_without_the_memory_counts_stay_but_ceilings_stand(fake, limited):
    fake.answers[("POST", LEDGERS)] = [failing(403, "not allowed")]

    await limited.run_pass()

    assert replicas(fake) == 2
    assert "plafond.dev/ceilings" in ceilings(fake)
    conditions = fake.objects[made.POLICIES]["team-a/limits"]["status"]["conditions"]
    (enforcing,) = [c for c in conditions if c["type"] == "Enforcing"]
    assert (enforcing["status"], enforcing["reason"]) == ("False", "WriteFailed")
    assert enforcing["message"] == "the ledger could not be written: 403 not allowed"


async def test_what_had_to_be_kept_and_was_not_still_has_to_be_in_the_next_pass(fake, limited):
    fake.answers[("POST", LEDGERS)] = [failing(500)] * 2
    for _ in range(2):
        await limited.run_pass(SECOND)
        assert replicas(fake) == 2

    await limited.run_pass(SECOND)

    assert replicas(fake) == 1


async def test_a_ledger_that_does_not_answer_blocks_only_its_own_namespace(fake, client):
    both = world(LIMITED, replace(LIMITED, namespace="team-b", uid="uid-b"))
    other = replace(CHAT, id=CHAT.id._replace(namespace="team-b"), uid="uid-chat-b", replicas=3)
    facts = replace(
        both,
        workloads=(*both.workloads, other),
        pods=(*both.pods, *pods_of(other, uid="b")[:0]),
        namespaces={name: namespace(name) for name in ("team-a", "team-b")},
    )
    around = World(fake, client, populated(fake, facts))
    fake.answers[("POST", LEDGERS)] = [hanging()]

    await around.run_pass()

    counts = {key: raw["spec"]["replicas"] for key, raw in fake.objects[made.DEPLOYMENTS].items()}
    assert counts == {"team-a/chat": 2, "team-a/embedder": 1, "team-b/chat": 2}


async def test_observing_writes_nothing_but_words_and_the_ledger(fake, client):
    observing = world(replace(LIMITED, mode=Mode.OBSERVE))
    around = World(fake, client, populated(fake, observing))

    await around.run_pass()

    assert sorted(around.writes) == [
        "PATCH costpolicies/status",
        "PATCH pricesheets/status",
        "POST spendledgers",
    ]


async def test_an_unchanged_world_is_left_in_peace(fake, client, caplog):
    idle = world(policy(budgets=(budget(),)), workloads=())
    around = World(fake, client, populated(fake, idle))
    await around.run_pass()
    before, lines = len(fake.requests), len(caplog.records)

    for _ in range(25):
        await around.run_pass(MINUTE)

    assert fake.requests[before:] == []
    assert caplog.records[lines:] == []


async def test_the_ledger_is_written_when_its_time_has_come_and_not_before(fake, client):
    around = World(fake, client, populated(fake, world(policy(budgets=(budget(),)))))
    await around.run_pass()

    for _ in range(4):
        await around.run_pass(MINUTE)
    assert spent(fake)["EUR"] == 12

    await around.run_pass(MINUTE)
    assert spent(fake)["EUR"] == 13  # three replicas at 4.00 for five minutes more


async def test_ledgers_are_kept_of_namespaces_whose_policy_is_gone(fake, client):
    facts = populated(fake, world(policy(budgets=(budget(),))))
    await World(fake, client, facts).run_pass()

    successor = World(fake, client, replace(facts, policies=()))
    await successor.run_pass(timedelta(hours=1))

    assert spent(fake)["EUR"] == 24


async def test_namespaces_that_nobody_governs_have_no_ledger(fake, client):
    around = World(fake, client, populated(fake, replace(world(), policies=())))

    await around.run_pass()

    assert fake.objects[made.LEDGERS] == {}


async def test_a_namespace_that_is_being_deleted_is_written_nothing(fake, limited):
    ending = {"team-a": replace(namespace(), is_terminating=True)}
    limited.observer.facts = replace(limited.observer.facts, namespaces=ending)

    await limited.run_pass()

    assert "POST spendledgers" not in limited.writes


async def test_nothing_is_remembered_of_namespaces_that_are_gone(limited):
    await limited.run_pass()
    limited.observer.facts = replace(
        limited.observer.facts, namespaces={}, policies=(), workloads=(), pods=()
    )
    limited.fake.objects[made.LEDGERS].clear()

    await limited.run_pass(SECOND)

    assert limited.records._records == {}  # noqa: SLF001 - its size is the point
    assert limited.records._checkpoints._kept == {}  # noqa: SLF001 - its size is the point


async def test_a_loser_goes_on_from_what_the_winner_wrote(fake, client):
    around = World(fake, client, populated(fake, world(policy(budgets=(budget(),)))))
    await around.run_pass()
    theirs = fake.objects[made.LEDGERS][KEY]
    theirs["spec"]["series"][0]["runs"][0]["values"] = "100"
    fake.put(made.LEDGERS, theirs)
    won = spent(fake)["EUR"]

    await around.run_pass(5 * MINUTE)
    assert spent(fake)["EUR"] == won
    await around.run_pass(SECOND)

    assert won < spent(fake)["EUR"] < won + 2


async def test_a_loser_whose_cache_lags_does_not_go_back_to_older_facts(fake, client):
    around = World(fake, client, populated(fake, world(policy(budgets=(budget(),)))))
    await around.run_pass()
    around.observer.lags = True
    await around.run_pass(5 * MINUTE)
    assert spent(fake)["EUR"] == 13
    fake.objects[made.LEDGERS][KEY]["metadata"]["resourceVersion"] = "100000"
    fake.objects[made.LEDGERS][KEY]["spec"]["memory"] = "{}"

    for _ in range(3):
        await around.run_pass(5 * MINUTE)
    assert spent(fake)["EUR"] == 13  # not written before the winner's facts were read
    around.observer.lags = False
    await around.run_pass(SECOND)

    assert spent(fake)["EUR"] > 16


async def test_a_ledger_that_comes_while_meters_are_read_belongs_to_the_next_pass(fake, client):
    facts = populated(fake, world(policy(budgets=(budget(),))))
    around = World(fake, client, facts)
    around.observer.while_meters_are_read = [lambda: fake.put(made.LEDGERS, made.spent_days_ago(3))]
    await around.run_pass()

    # What we began without it cannot be written over it, and is dropped.
    await around.run_pass(5 * MINUTE)
    await around.run_pass(SECOND)

    found = around.records._records["team-a"].ledger  # noqa: SLF001 - what it goes on from
    assert found.series[SeriesKey(Fact.SPEND, "EUR")][0].value == 7


async def test_what_was_written_is_known_before_it_is_watched(limited):
    await limited.run_pass()

    assert limited.observer.learned == ["Namespace", "ResourceQuota"]


async def test_a_ledger_that_cannot_be_read_is_neither_used_nor_written(fake, limited):
    limited.observer.unreadable = {"team-a": Gap("nonsense")}
    limited.observer.facts = replace(limited.observer.facts, policies=())

    await limited.run_pass()

    assert "POST spendledgers" not in limited.writes


async def test_a_ledger_that_can_be_read_again_counts_at_once(fake, client):
    around = World(fake, client, populated(fake, world(policy(budgets=(budget(),)))))
    fake.put(made.LEDGERS, made.spent_days_ago(3))
    facts = around.observer.facts
    around.observer.unreadable = {"team-a": Gap("nonsense")}
    around.observer.facts = replace(facts, policies=())
    await around.run_pass()
    around.observer.unreadable, around.observer.facts = {}, facts

    await around.run_pass(SECOND)

    found = around.records._records["team-a"].ledger  # noqa: SLF001 - what it goes on from
    assert found.series[SeriesKey(Fact.SPEND, "EUR")][0].value == 7


async def test_a_failing_ledger_is_said_once_and_that_it_is_over(fake, client, caplog):
    caplog.set_level("INFO")
    around = World(fake, client, populated(fake, world(policy(budgets=(budget(),)))))
    fake.answers[("POST", LEDGERS)] = [failing(500, "etcd is full")] * 3

    for _ in range(5):
        await around.run_pass(SECOND)

    said = [r.getMessage() for r in caplog.records if r.name == "plafond.controller.records"]
    assert said == [
        "the ledger of team-a could not be written: 500 etcd is full",
        "the ledger of team-a can be written again",
    ]


async def test_what_is_old_is_closed_and_a_restart_goes_on_from_all_of_it(fake, client):
    facts = populated(fake, world(policy(budgets=(budget(),))))
    fake.put(made.LEDGERS, made.spent_days_ago(3))
    around = World(fake, client, facts)
    await around.run_pass()
    await around.run_pass(5 * MINUTE)
    # An hour and five minutes at 12.00 an hour; what is before noon is not in it any more.
    own = parse_ledger(fake.objects[made.LEDGERS][KEY]).ledger.series[SeriesKey(Fact.SPEND, "EUR")]
    assert (sum(b.value for b in own), spent(fake)["EUR"]) == (1, 7 + 13)

    successor = World(fake, client, facts)
    await successor.run_pass(6 * MINUTE)

    # 7 three days ago, and a minute more.
    found = successor.records._records["team-a"].ledger  # noqa: SLF001 - what it goes on from
    whole = sum(b.value for b in found.series[SeriesKey(Fact.SPEND, "EUR")])
    assert whole == 7 + 13 + money("0.2")


async def test_a_past_that_cannot_be_closed_is_said_once(fake, client, caplog):
    facts = populated(fake, world(policy(budgets=(budget(),))))
    fake.put(made.LEDGERS, made.spent_days_ago(3))
    fake.answers[("POST", LEDGERS)] = [failing(403, "not allowed")] * 3
    around = World(fake, client, facts)

    for _ in range(3):
        await around.run_pass(5 * MINUTE)

    said = [r.getMessage() for r in caplog.records if r.name == "plafond.controller.records"]
    assert said == ["the past of team-a could not be closed: 403 not allowed"]
    assert spent(fake)["EUR"] > 7


async def test_a_past_that_is_not_there_any_more_is_said_once(fake, client, caplog):
    facts = populated(fake, world(policy(budgets=(budget(),))))
    fake.put(made.LEDGERS, made.spent_days_ago(3))
    await World(fake, client, facts).run_pass(5 * MINUTE)
    (past,) = (key for key in fake.objects[made.LEDGERS] if "/plafond-past-" in key)
    del fake.objects[made.LEDGERS][past]
    around = World(fake, client, facts)
    caplog.clear()

    for _ in range(2):
        await around.run_pass(5 * MINUTE)

    said = [r.getMessage() for r in caplog.records if r.name == "plafond.controller.records"]
    (sentence,) = said
    assert sentence.startswith(f"the ledger of team-a continues {past.partition('/')[2]}, which is")


async def test_a_day_is_closed_with_the_checkpoint_after_its_end(fake, client):
    facts = populated(fake, world(policy(budgets=(budget(),))))
    around = World(fake, client, facts)
    await around.run_pass()
    # From noon to two in the night: the day is over, and its last hour is whole.
    for _ in range(14):
        await around.run_pass(60 * MINUTE)

    day = parse_closed(fake.objects[made.LEDGERS]["team-a/plafond-2026-11-16"]).ledger
    # 12 were spent before noon, and 12 hours at 12.00 after it.
    assert sum(b.value for b in day.series[SeriesKey(Fact.SPEND, "EUR")]) == 12 + 144
    assert [key for key in fake.objects[made.LEDGERS] if "2026-11-15" in key] == []


async def test_ended_pods_are_acknowledged_once_they_are_counted(limited):
    facts = limited.observer.facts
    gone = replace(facts.pods[0], ended_at=NOW - MINUTE)
    limited.observer.facts = replace(facts, pods=(gone, *facts.pods[1:]))

    await limited.run_pass()

    assert limited.observer.ended == [gone.uid]


async def test_at_the_end_everything_is_written_down(fake, client):
    around = World(fake, client, populated(fake, world(policy(budgets=(budget(),)))))
    await around.run_pass()
    await around.run_pass(MINUTE)
    assert spent(fake)["EUR"] == 12

    await around.loop.finish()

    assert spent(fake)["EUR"] == money("12.2")  # one minute of 12.00 an hour


async def test_a_pass_that_is_broken_off_loses_nothing_that_it_counted(fake, limited):
    fake.answers[("PATCH", SCALE)] = [failing(500)]
    await limited.run_pass()
    assert stored(fake).memory.sets["Enforce"][CHAT.id].wanted_replicas == 2

    await limited.loop.finish()

    assert stored(fake).memory.sets["Enforce"][CHAT.id].wanted_replicas == 2


async def test_a_restart_goes_on_from_the_ledger_and_writes_it_no_sooner_than_due(fake, client):
    facts = populated(fake, world(policy(budgets=(budget(),))))
    await World(fake, client, facts).run_pass()
    written = fake.objects[made.LEDGERS][KEY]["metadata"]["resourceVersion"]

    successor = World(fake, client, facts)
    await successor.run_pass(MINUTE)
    assert fake.objects[made.LEDGERS][KEY]["metadata"]["resourceVersion"] == written
    await successor.run_pass(4 * MINUTE)

    assert spent(fake)["EUR"] == 13
