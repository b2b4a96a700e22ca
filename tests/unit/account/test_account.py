"""The account of a pass: prices of replicas, what is unmanaged, what belongs to nobody."""

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
    node,
    node_price,
    pod,
    pods_of,
    policy,
    quantities,
    record,
    sheet,
    snapshot,
    workload,
)

from plafond.account.account import account
from plafond.account.ledger import spent
from plafond.account.unallocated import unallocated
from plafond.model.memory import WorkloadMemory
from plafond.model.policy import Mode
from plafond.model.window import Span

SPOT_OR_NOT = sheet(node_price("spot", {"pool": "spot"}, gpu="1"), node_price("any", gpu="4"))
NODES = {"n1": node("n1"), "n2": node("n2", pool="spot")}


def counted(**world):
    defaults = {"sheets": (SPOT_OR_NOT,), "nodes": NODES, "policies": (policy(),)}
    return account(snapshot(**{**defaults, **world}), SETTINGS)


def target_in(**world):
    (target,) = counted(**world).sets[0].targets
    return target


def test_a_replica_costs_as_much_as_the_dearest_of_its_pods():
    llm = workload(replicas=2)
    pods = (pod("llm-0", node="n2"), pod("llm-1", node="n1"))

    assert target_in(workloads=(llm,), pods=pods).price == {EUR: 4, "gpuHours": 1}
    assert target_in(workloads=(llm,), pods=pods[:1]).price[EUR] == 1


def test_without_pods_a_replica_costs_the_dearest_that_it_could():
    assert target_in(workloads=(workload(replicas=0),)).price[EUR] == 4


def test_an_implausible_price_of_a_replica_holds_the_last_one():
    # 4.00 after 0.01 is four hundred times as much.
    llm = workload(replicas=0)
    before = WorkloadMemory(price={EUR: money("0.01")}, priced_requests=llm.requests)

    target = target_in(workloads=(llm,), records={TEAM: record({llm.id: before})})

    assert target.price[EUR] == money("0.01")
    assert "not plausible" in target.gaps[EUR].why


def test_a_replica_that_asks_for_something_else_has_no_last_price():
    llm = workload(replicas=0)
    before = WorkloadMemory(price={EUR: money("0.01")}, priced_requests=quantities(cpu=1))

    target = target_in(workloads=(llm,), records={TEAM: record({llm.id: before})})

    assert (target.price[EUR], target.gaps) == (4, {})


def test_pods_of_nobody_and_of_what_is_no_target_are_unmanaged():
    web = workload("web", 1, requests=quantities(cpu=1, gpu=0))
    pods = (pod("notebook", None), *pods_of(web, requests=quantities(gpu=1)))

    (found,) = counted(workloads=(web, workload(replicas=0)), pods=pods).sets

    assert found.unmanaged[EUR] == 8
    assert found.burn_rate[EUR] == 8


def test_a_notebook_that_has_just_started_is_reserved_at_its_mean_and_counted_as_it_is():
    # Six hours of a pod that has ended, then an hour of the notebook: 4.00 in seven hours.
    earlier = pod("llm-old", ended_at=NOW - HOUR, scheduled_at=NOW - 7 * HOUR, ready_at=None)
    pods = (earlier, pod("notebook", None, scheduled_at=NOW - HOUR, ready_at=None))

    (found,) = counted(workloads=(workload(replicas=0),), pods=pods).sets

    assert found.unmanaged[EUR] == 4
    # The ledger knows the first start to its grain, five minutes.
    assert float(found.unmanaged_mean[EUR]) == pytest.approx(4 / 7, rel=0.02)


def test_spend_is_counted_in_namespaces_without_a_policy_too():
    pods = (pod("job", None, namespace="team-z"),)

    found = counted(pods=pods, policies=(), namespaces={"team-z": namespace("team-z")})

    assert found.sets == ()
    assert found.counted["team-z"].accrued == {EUR: 4, "gpuHours": 1}


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(
            {
                "policies": (policy(namespace="kube-system"),),
                "namespaces": {"kube-system": namespace("kube-system")},
            },
            id="a system namespace",
        ),
        pytest.param(
            {"namespaces": {TEAM: replace(namespace(), is_terminating=True)}}, id="being deleted"
        ),
        pytest.param({"namespaces": {}}, id="not known yet"),
    ],
)
def test_policies_where_nothing_may_be_governed_are_not_decided(world):
    assert counted(**world).sets == ()


def test_all_budgets_are_views_on_the_same_spend():
    # The pod costs 4.00 since an hour; the later budget counts from half an hour ago.
    budgets = (
        budget("100", name="long", window=fixed(NOW - DAY, 2 * DAY)),
        budget("50", name="short", window=fixed(NOW - 30 * MINUTE, HOUR)),
        budget("9", name="over", window=fixed(NOW - 2 * HOUR, HOUR)),
        budget("7", name="gpus", unit="gpuHours", window=fixed(NOW - DAY, 2 * DAY)),
    )

    (found,) = counted(
        workloads=(workload(),), pods=(pod(),), policies=(policy(budgets=budgets),)
    ).sets

    # Where a grain is no round part of an hour, the last of 28 digits is rounded.
    spends = [(p.budget.name, round(p.spend.value, 20), p.used_percent) for p in found.positions]
    assert spends == [
        ("long", 4, 4),
        ("short", 2, 4),
        ("gpus", 1, 14),
    ]


def test_relabelling_or_renaming_changes_nothing_that_was_spent():
    limits = policy(budgets=(budget("100", window=fixed(NOW - DAY, 2 * DAY)),))
    world = {"workloads": (workload(),), "pods": (pod(),), "policies": (limits,)}
    before = counted(**world)
    records = {name: each.record for name, each in before.counted.items()}
    renamed = replace(limits, name="other", uid="new")

    after = counted(
        **{**world, "policies": (renamed,), "workloads": (workload(tier="cold"),)},
        records=records,
        now=NOW,
    )

    assert after.sets[0].positions[0].spend == before.sets[0].positions[0].spend


def test_namespaces_and_what_is_unallocated_come_to_what_nodes_cost():
    # Two nodes with eight GPUs: 8 x 4.00 and 8 x 1.00. One pod on the first, two on the second.
    pods = (
        pod("a", None),
        pod("b", None, node="n2"),
        pod("c", None, namespace="team-z", node="n2"),
    )
    world = snapshot(pods=pods, sheets=(SPOT_OR_NOT,), nodes=NODES)
    found = account(world, SETTINGS)

    assert unallocated(world, found) == {("any", EUR): 32 - 4, ("spot", EUR): 8 - 2}


def test_an_observed_set_alone_is_reckoned_like_an_enforced_one():
    llm = workload(replicas=2)
    world = {"workloads": (llm,), "pods": pods_of(llm)}
    observing = policy(mode=Mode.OBSERVE)

    (enforced,) = counted(**world).sets
    (observed,) = counted(**world, policies=(observing,)).sets

    assert observed.unmanaged == enforced.unmanaged == {}
    assert observed.unmanaged_mean == enforced.unmanaged_mean
    assert observed.targets[0].price == enforced.targets[0].price


def test_what_ended_without_a_price_is_a_gap_that_costs_nothing_now():
    # A node that was taken away before anybody could ask for its price.
    gone = pod("job", None, node="gone", ended_at=NOW - MINUTE)

    (found,) = counted(workloads=(workload(replicas=0),), pods=(gone,)).sets

    assert found.owing[EUR].why == "its node is not known"
    assert (found.unpriced, found.burn_rate) == ({}, {})


def test_the_ledger_knows_what_each_workload_spent():
    pods = (*pods_of(workload("chat", 2)), pod("notebook", None))

    found = counted(workloads=(workload("chat", 2),), pods=pods).counted[TEAM].record.ledger

    last = Span(NOW - DAY, NOW)
    spend = {k.workload: spent(found, k, last) for k in found.series if k[:2] == ("spend", EUR)}
    # An hour each, at 4.00; of single workloads the ledger keeps nine digits.
    spend = {name: round(value, 6) for name, value in spend.items()}
    assert spend == {"": 12, "deployments.apps/chat": 8, "others": 4}
