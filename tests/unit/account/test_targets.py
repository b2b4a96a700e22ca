"""What a policy set may scale, and which class, floor and signal each workload has."""

import pytest
from tests.builders import (
    SETTINGS,
    class_rule,
    concurrency,
    hpa,
    policy,
    quantities,
    target,
    utilization,
    workload,
)

from plafond.account.targets import targeted
from plafond.model.policy import Mode, PolicySet, policy_sets
from plafond.model.workload import WorkloadClass


def found(workloads, *policies):
    policy_set = PolicySet("team-a", Mode.ENFORCE, policies or (policy(),))
    return targeted(policy_set, workloads, SETTINGS)


def names(workloads, *policies):
    return [each.workload.id.name for each in found(workloads, *policies)]


def test_without_targets_every_deployment_that_requests_an_accelerator_is_meant():
    workloads = (
        workload("llm"),
        workload("mig", requests={"nvidia.com/mig-1g.10gb": 1}),
        workload("web", requests=quantities(cpu=1)),
        workload("off", requests=quantities(gpu=0)),
        workload("other", namespace="team-b"),
        workload("stateful", kind="StatefulSet"),
    )

    assert names(workloads) == ["llm", "mig"]


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        pytest.param((target("llm"),), ["llm"], id="by name"),
        pytest.param((target(tier="hot"),), ["chat", "llm"], id="by selector"),
        pytest.param((target("web"), target("llm")), ["llm", "web"], id="the union"),
        pytest.param((target("llm", kind="StatefulSet"),), [], id="of another kind"),
        pytest.param((target("db", kind="StatefulSet"),), ["db"], id="a StatefulSet by name"),
        pytest.param(
            (target(kind="StatefulSet", tier="hot"),), ["db"], id="a StatefulSet by selector"
        ),
        pytest.param((), [], id="none at all"),
    ],
)
def test_targets_name_workloads_or_select_them(targets, expected):
    workloads = (
        workload("llm", tier="hot"),
        workload("chat", tier="hot"),
        workload("web", tier="cold", requests=quantities(cpu=1)),
        workload("db", kind="StatefulSet", tier="hot"),
    )

    assert names(workloads, policy(targets=targets)) == expected


def test_what_is_ignored_or_being_deleted_is_no_target():
    workloads = (workload("a", is_ignored=True), workload("b", is_terminating=True), workload("c"))

    assert names(workloads) == ["c"]


def test_the_first_class_that_matches_counts():
    rules = (
        class_rule(WorkloadClass.HOT, 2),
        class_rule(WorkloadClass.COLD, 0, selector=class_rule(WorkloadClass.HOT).selector),
    )

    (llm,) = found((workload(tier="hot"),), policy(classes=rules))

    assert llm.class_rule == rules[0]


def test_what_no_class_matches_is_warm_with_a_floor_of_one():
    (llm,) = found((workload(tier="strange"),), policy(classes=(class_rule(WorkloadClass.HOT),)))

    rule = llm.class_rule
    assert (rule.workload_class, rule.min_replicas, rule.max_replicas) == ("Warm", 1, None)
    assert rule.utilization_limit_percent == 85


def test_policies_of_one_namespace_merge_by_name():
    # b targets llm by name without a class for it, a selects it and knows it as hot.
    b = policy("b", targets=(target("llm"), target("web")), classes=(class_rule(),))
    a = policy("a", targets=(target(tier="hot"),), classes=(class_rule(WorkloadClass.HOT, 3),))
    workloads = (workload("llm", tier="hot"), workload("web"))

    (merged,) = policy_sets((b, a))
    llm, web = targeted(merged, workloads, SETTINGS)

    assert (llm.policies, llm.class_rule.min_replicas) == (("a", "b"), 3)
    assert (web.policies, web.class_rule.workload_class) == (("b",), "Warm")


def test_the_first_policy_that_targets_a_workload_and_scales_decides_how():
    a = policy("a", targets=(target("llm"),))
    b = policy("b", scaling=concurrency())
    c = policy("c", scaling=utilization())

    (llm,) = found((workload(),), a, b, c)

    assert llm.scaling == concurrency()


def test_what_an_autoscaler_scales_follows_no_demand_of_ours():
    (llm,) = found((workload(autoscaler=hpa(3)),), policy(scaling=concurrency()))

    assert llm.scaling is None


def test_enforced_policies_are_one_set_and_each_observing_one_is_its_own():
    policies = (
        policy("d", mode=Mode.OBSERVE),
        policy("c"),
        policy("b", mode=Mode.OBSERVE),
        policy("a"),
        policy("z", namespace="another"),
    )

    assert [(s.namespace, s.key, [p.name for p in s.policies]) for s in policy_sets(policies)] == [
        ("another", "Enforce", ["z"]),
        ("team-a", "Enforce", ["a", "c"]),
        ("team-a", "Observe/b", ["b"]),
        ("team-a", "Observe/d", ["d"]),
    ]
