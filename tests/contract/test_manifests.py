"""The shipped manifests are valid, grant only what is needed, and hold ceilings in one way."""

from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from plafond.api import annotations
from plafond.controller.config import load_config
from plafond.model.settings import Settings
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


def of_kind(*kinds: str):
    return [document for document in DOCUMENTS if document["kind"] in kinds]


def named(kind: str, name: str):
    return next(each for each in of_kind(kind) if each["metadata"]["name"] == name)


POLICIES = of_kind("MutatingAdmissionPolicy", "ValidatingAdmissionPolicy")
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
        ("events", "create"),
        ("events", "patch"),
        ("namespaces", "patch"),
        ("deployments/scale", "patch"),
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


def test_one_instance_at_a_time():
    deployment = named("Deployment", "plafond")["spec"]

    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})


@pytest.mark.parametrize("policy", POLICIES, ids=lambda each: each["metadata"]["name"])
def test_system_namespaces_are_never_governed(policy):
    expressions = policy["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"]

    assert [(each["key"], each["operator"]) for each in expressions] == [
        ("kubernetes.io/metadata.name", "NotIn")
    ]
    assert set(expressions[0]["values"]) == Settings().excluded_namespaces


def test_all_policies_look_at_the_same_writes_and_read_the_ceiling_in_the_same_way():
    first, *others = POLICIES
    shared = [v for v in first["spec"]["variables"] if v["name"] != "allowed"]

    for other in others:
        variables = [v for v in other["spec"]["variables"] if v["name"] != "isRefused"]
        assert variables == shared
        assert other["spec"]["matchConstraints"] == first["spec"]["matchConstraints"]


def test_a_write_that_cannot_be_judged_is_refused_but_never_for_the_sake_of_a_notice():
    policies = {each["metadata"]["name"]: each["spec"]["failurePolicy"] for each in POLICIES}

    assert policies == {
        "plafond-ceiling": "Fail",
        "plafond-ceiling-backstop": "Fail",
        "plafond-ceiling-notice": "Ignore",
    }


def test_every_policy_is_bound_and_only_the_backstop_denies():
    bindings = {
        each["spec"]["policyName"]: each["spec"].get("validationActions")
        for each in of_kind("MutatingAdmissionPolicyBinding", "ValidatingAdmissionPolicyBinding")
    }

    assert bindings == {
        "plafond-ceiling": None,
        "plafond-ceiling-backstop": ["Deny"],
        "plafond-ceiling-notice": ["Warn"],
    }


def test_the_policies_read_the_annotations_that_the_operator_writes():
    text = (MANIFESTS / "admission.yaml").read_text(encoding="utf-8")

    assert f"annotations['{annotations.CEILINGS}']" in text
    assert f"annotations['{annotations.WHY}']" in text


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
