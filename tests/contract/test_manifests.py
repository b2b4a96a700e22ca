"""The shipped manifests are valid, grant only what is needed, and hold ceilings in one way."""

from datetime import UTC, datetime
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from e2e.rig.install import NAMESPACE, SERVICE_ACCOUNT

from plafond.api import annotations
from plafond.api.constants import LEDGER_NAME
from plafond.api.convert_closed import day_name, month_name, past_name
from plafond.controller.config import load_config
from plafond.model.settings import Settings
from plafond.model.window import Span
from plafond.observe import kinds
from plafond.observe.store import Kind

MANIFESTS = Path(__file__).parents[2] / "manifests"
DOCUMENTS = [
    document
    for path in sorted(MANIFESTS.glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
]
# GA in 1.36, and unknown before.
SINCE_136 = {"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"}


def text_of(file: str) -> str:
    return (MANIFESTS / file).read_text(encoding="utf-8")


def of_kind(*kinds: str):
    return [document for document in DOCUMENTS if document["kind"] in kinds]


def named(kind: str, name: str):
    return next(each for each in of_kind(kind) if each["metadata"]["name"] == name)


POLICIES = of_kind("MutatingAdmissionPolicy", "ValidatingAdmissionPolicy")
ON_CEILINGS = [each for each in POLICIES if each["metadata"]["name"].startswith("plafond-ceiling")]
ON_OURSELVES = [each for each in POLICIES if "-self-restraint-" in each["metadata"]["name"]]
OPERATOR = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
OPERATOR_RULES = named("ClusterRole", "plafond")["rules"]


@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda each: f"{each['kind']}/{each['metadata']['name']}"
)
def test_every_manifest_is_valid_kubernetes(document):
    versions = ["1.36"] if document["kind"] in SINCE_136 else ["1.30", "1.36"]

    for version in versions:
        kubernetes_validate.validate(document, version, strict=True)


def test_no_role_has_a_wildcard_or_reads_secrets():
    rules = [rule for role in of_kind("ClusterRole") for rule in role["rules"]]

    for rule in rules:
        words = [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert "*" not in words
        assert "secrets" not in rule["resources"]


def test_the_operator_may_scale_a_workload_but_not_change_one():
    writes = {
        (resource, verb)
        for rule in OPERATOR_RULES
        for resource in rule["resources"]
        for verb in rule["verbs"]
        if verb not in {"get", "list", "watch"}
    }

    assert writes == {
        ("costpolicies/status", "patch"),
        ("pricesheets/status", "patch"),
        ("spendledgers", "create"),
        ("spendledgers", "patch"),
        ("spendledgers", "delete"),
        ("events", "create"),
        ("events", "patch"),
        ("namespaces", "patch"),
        ("resourcequotas", "create"),
        ("resourcequotas", "patch"),
        ("resourcequotas", "delete"),
        ("deployments/scale", "patch"),
        ("statefulsets/scale", "patch"),
    }


def test_who_spends_does_not_set_the_limit():
    labels = "rbac.authorization.k8s.io/aggregate-to-"
    aggregated = {
        (role["metadata"]["name"], label.removeprefix(labels))
        for role in of_kind("ClusterRole")
        for label in role["metadata"].get("labels", {})
        if label.startswith(labels)
    }
    view = named("ClusterRole", "plafond-view")

    assert aggregated == {("plafond-view", "view")}
    assert {verb for rule in view["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}


def test_the_operator_passes_the_restricted_pod_security_level():
    pod = named("Deployment", "plafond")["spec"]["template"]["spec"]
    container = pod["containers"][0]["securityContext"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["allowPrivilegeEscalation"] is False
    assert container["readOnlyRootFilesystem"] is True
    assert container["capabilities"] == {"drop": ["ALL"]}
    enforced = named("Namespace", "plafond-system")["metadata"]["labels"]
    assert enforced["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_operator_finds_its_configuration_and_is_probed():
    pod = named("Deployment", "plafond")["spec"]["template"]["spec"]
    container = pod["containers"][0]
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}

    assert container["args"] == ["--config", f"{mounted['config']}/config.yaml"]
    assert "config.yaml" in named("ConfigMap", "plafond")["data"]
    assert {p["name"]: p["containerPort"] for p in container["ports"]} == {
        "health": 8080,
        "metrics": 8081,
    }
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "health"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}


def test_instances_elect_the_one_that_decides():
    config = yaml.safe_load(named("ConfigMap", "plafond")["data"]["config.yaml"])

    # Without an election a rolling update would have two of them decide.
    assert config.get("leaderElection", {}).get("enabled", True)
    assert "strategy" not in named("Deployment", "plafond")["spec"]


@pytest.mark.parametrize("policy", ON_CEILINGS, ids=lambda each: each["metadata"]["name"])
def test_system_namespaces_are_never_governed(policy):
    expressions = policy["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"]

    assert [(each["key"], each["operator"]) for each in expressions] == [
        ("kubernetes.io/metadata.name", "NotIn")
    ]
    assert set(expressions[0]["values"]) == Settings().excluded_namespaces


def test_all_ceiling_policies_look_at_the_same_writes_and_read_the_ceiling_in_the_same_way():
    first, *others = ON_CEILINGS
    shared = [v for v in first["spec"]["variables"] if v["name"] != "allowed"]

    for other in others:
        variables = [v for v in other["spec"]["variables"] if v["name"] != "isRefused"]
        assert variables == shared
        assert other["spec"]["matchConstraints"] == first["spec"]["matchConstraints"]


def test_a_write_that_cannot_be_judged_is_refused_but_never_for_the_sake_of_a_notice():
    lenient = {p["metadata"]["name"] for p in POLICIES if p["spec"]["failurePolicy"] != "Fail"}

    assert lenient == {"plafond-ceiling-notice"}


def test_every_policy_is_bound_once_and_all_but_the_notice_deny():
    bindings = of_kind("MutatingAdmissionPolicyBinding", "ValidatingAdmissionPolicyBinding")
    actions = {
        each["spec"]["policyName"]: each["spec"].get("validationActions") for each in bindings
    }
    mutating = {each["metadata"]["name"] for each in of_kind("MutatingAdmissionPolicy")}
    denying = {each["metadata"]["name"] for each in POLICIES} - mutating

    assert len(bindings) == len(POLICIES)
    assert actions == {
        **dict.fromkeys(mutating),
        **{name: ["Deny"] for name in denying},
        "plafond-ceiling-notice": ["Warn"],
    }


def test_the_operator_and_break_glass_are_exempt_from_keeping_and_nobody_else():
    keep, backstop = (
        named("MutatingAdmissionPolicy", "plafond-keep"),
        named("ValidatingAdmissionPolicy", "plafond-keep-backstop"),
    )
    conditions = keep["spec"]["matchConditions"]

    assert backstop["spec"]["matchConditions"] == conditions
    assert [each["expression"] for each in conditions] == [
        f"request.userInfo.username != '{OPERATOR}'",
        (
            "!request.userInfo.?groups.orValue([]).exists(group, "
            "group in ['system:masters', 'plafond:break-glass'])"
        ),
    ]


@pytest.mark.parametrize("policy", ON_OURSELVES, ids=lambda each: each["metadata"]["name"])
def test_self_restraint_is_about_one_kind_and_our_own_account(policy):
    (condition,) = policy["spec"]["matchConditions"]
    (rule,) = policy["spec"]["matchConstraints"]["resourceRules"]

    assert condition["expression"] == f"request.userInfo.username == '{OPERATOR}'"
    assert len({resource.partition("/")[0] for resource in rule["resources"]}) == 1


@pytest.mark.parametrize("policy", ON_OURSELVES, ids=lambda each: each["metadata"]["name"])
def test_self_restraint_names_every_system_namespace_or_none(policy):
    text = "".join(each["expression"] for each in policy["spec"]["validations"])

    excluded = Settings().excluded_namespaces
    named_here = {name for name in excluded if f"'{name}'" in text}
    # A Lease lives in our namespace and Events anywhere.
    whole = policy["metadata"]["name"].rpartition("-")[2] not in {"leases", "events"}
    assert (named_here == excluded) is whole


def test_what_the_operator_writes_is_restrained_or_kept_apart_by_the_api_server():
    restrained = {
        (group, resource)
        for policy in ON_OURSELVES
        for rule in policy["spec"]["matchConstraints"]["resourceRules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    written = {
        (group, resource)
        for rule in OPERATOR_RULES
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        if {"create", "patch", "update", "delete"} & set(rule["verbs"])
    }
    # The status of a custom resource is written by itself; a write to it changes nothing else.
    status = {("plafond.dev", "costpolicies/status"), ("plafond.dev", "pricesheets/status")}

    assert written - restrained == status


def test_the_policies_read_the_annotations_that_the_operator_writes():
    ceilings, ours = (text_of(each) for each in ("admission-ceiling.yaml", "admission-keep.yaml"))

    assert f"annotations['{annotations.CEILINGS}']" in ceilings
    assert f"annotations['{annotations.CEILINGS}']" in text_of("admission-self-restraint.yaml")
    assert f"annotations['{annotations.WHY}']" in ceilings
    assert f"startsWith('{annotations.CEILINGS.partition('/')[0]}/')" in ours


def test_the_ledgers_names_are_those_that_the_account_is_held_to():
    day = Span(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
    text = text_of("admission-self-restraint.yaml")

    assert f"variables.name == '{LEDGER_NAME}'" in text
    for name in (past_name({}), day_name(day), month_name(day)):
        assert name.startswith(f"{LEDGER_NAME}-")
    assert f"variables.name.startsWith('{LEDGER_NAME}-')" in text


def test_what_is_observed_may_be_listed_and_watched_and_nothing_else():
    granted = {
        (group, resource)
        for rule in OPERATOR_RULES
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        if {"list", "watch"} <= set(rule["verbs"])
    }

    assert granted == {resource_at(kind.path) for kind in vars(kinds).values() if is_kind(kind)}


def is_kind(value):
    return isinstance(value, Kind)


def resource_at(path: str) -> tuple[str, str]:
    """Return group and resource of a list's path: /api/v1/pods, /apis/apps/v1/deployments."""
    *prefix, resource = path.strip("/").split("/")
    return (prefix[1] if prefix[0] == "apis" else "", resource)


def test_the_shipped_configuration_is_understood(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(named("ConfigMap", "plafond")["data"]["config.yaml"], encoding="utf-8")

    config = load_config(file)

    container = named("Deployment", "plafond")["spec"]["template"]["spec"]["containers"][0]
    ports = {str(port["containerPort"]) for port in container["ports"]}
    addresses = (config.health_address, config.metrics_address)
    assert {str(address.port) for address in addresses} == ports
