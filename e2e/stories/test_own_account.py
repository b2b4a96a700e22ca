"""Story: the worst that the operator's account could do with its own token, and what refuses it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from e2e.rig import kubeconfig
from e2e.rig.cluster import Rig
from e2e.rig.kubeconfig import ApiAccess, Request
from e2e.rig.polling import poll
from e2e.rig.web import Answer
from e2e.stories.attacking import MERGE, PLAIN, engine
from e2e.world import API, fresh_namespace

from plafond.api.annotations import CEILINGS

OPERATOR = "system:serviceaccount:plafond-system:plafond"
LISTED = "deployments.apps/llm=4,statefulsets.apps/db=2"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
ROLES = "/apis/rbac.authorization.k8s.io/v1"
ONE, ZERO = {"spec": {"replicas": 1}}, {"spec": {"replicas": 0}}
NAMESPACES, SCALE, LEDGERS, EVENTS = "namespaces", "deployments", "spendledgers", "events"
QUOTAS, LEASES, STATEFUL = "resourcequotas", "leases", "statefulsets"
HELD = ["example.com/never"]


@dataclass(frozen=True)
class Deed:
    """One request, where `{ns}` is a governed namespace, and what refuses it."""

    what: str
    method: str
    path: str
    body: Any = None
    by: str = "RBAC"
    how: str = ""
    user: str | None = None


def annotated(**values: str | None) -> dict[str, Any]:
    return {"metadata": {"annotations": values}}


def metadata(**fields: Any) -> dict[str, Any]:
    return {"metadata": fields}


def owner() -> list[dict[str, str]]:
    return [{"apiVersion": "v1", "kind": "Namespace", "name": "default", "uid": "0"}]


def ledger(name: str, *, is_closed: bool = False, **fields: Any) -> dict[str, Any]:
    moment = "2026-11-01T00:00:00Z"
    rest = {"closed": {"since": moment, "until": moment}} if is_closed else {"memory": "{}"}
    spec = {"series": [], **rest}
    whole = {"name": name, **fields}
    return {"apiVersion": API, "kind": "SpendLedger", "metadata": whole, "spec": spec}


def event(component: str, **fields: Any) -> dict[str, Any]:
    about = {"kind": "Namespace", "namespace": "{ns}"}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": "told-", **fields},
        "involvedObject": about,
        "reason": "Told",
        "type": "Normal",
        "reportingComponent": component,
        "reportingInstance": component,
    }


def quota(name: str = "plafond", **spec: Any) -> dict[str, Any]:
    hard = {"requests.nvidia.com/gpu": "0"}
    metadata = {"name": name}
    whole = {"hard": hard, **spec}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": whole}


def lease(name: str) -> dict[str, Any]:
    version = "coordination.k8s.io/v1"
    spec = {"holderIdentity": "plafond"}
    return {"apiVersion": version, "kind": "Lease", "metadata": {"name": name}, "spec": spec}


POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "mine"},
    "spec": {"containers": [{"name": "x", "image": "x", "command": ["cat", "/secrets"]}]},
}
CORE, APPS = "/api/v1/namespaces/{ns}", "/apis/apps/v1/namespaces/{ns}"
IN_SYSTEM = "/apis/apps/v1/namespaces/kube-system/deployments/dns/scale"
OWN_LEDGERS = f"/apis/{API}/namespaces/{{ns}}/spendledgers"
POLICIES = f"/apis/{API}/namespaces/{{ns}}/costpolicies"
LEASES_OF = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
HPAS = "/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers/x"
TOKENS = "/api/v1/namespaces/kube-system/serviceaccounts/default/token"
GRANT = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "plafond-everything"},
    "roleRef": {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "cluster-admin",
    },
}

FORBIDDEN = (
    Deed("read a Secret", "GET", f"{CORE}/secrets/key"),
    Deed("list every Secret", "GET", "/api/v1/secrets"),
    Deed("read ConfigMaps", "GET", f"{CORE}/configmaps"),
    Deed("start a pod", "POST", f"{CORE}/pods", POD),
    Deed("run a command in a pod", "POST", f"{CORE}/pods/x/exec?command=id"),
    Deed("delete a pod", "DELETE", f"{CORE}/pods/x"),
    Deed("delete all pods", "DELETE", f"{CORE}/pods"),
    Deed("change an image", "PATCH", f"{APPS}/deployments/llm", {"spec": {}}),
    Deed("replace a Deployment", "PUT", f"{APPS}/deployments/llm", engine("Deployment", "llm", 1)),
    Deed("create a Deployment", "POST", f"{APPS}/deployments", engine("Deployment", "x", 1)),
    Deed("delete a Deployment", "DELETE", f"{APPS}/deployments/llm"),
    Deed("scale a ReplicaSet", "PATCH", f"{APPS}/replicasets/x/scale", ZERO),
    Deed("create a Job", "POST", "/apis/batch/v1/namespaces/{ns}/jobs", {}),
    Deed("change an HPA", "PATCH", HPAS, {}),
    Deed("create a Namespace", "POST", "/api/v1/namespaces", metadata(name="mine")),
    Deed("delete a Namespace", "DELETE", CORE),
    Deed("annotate through /status", "PATCH", f"{CORE}/status", annotated(x="y")),
    Deed("replace /finalize", "PUT", f"{CORE}/finalize", metadata(name="{ns}")),
    Deed("write a policy", "POST", POLICIES, {}),
    Deed("change a policy", "PATCH", f"{POLICIES}/ceiling", {"spec": {"mode": "Observe"}}),
    Deed("delete a policy", "DELETE", f"{POLICIES}/ceiling"),
    Deed("change prices", "PATCH", f"/apis/{API}/pricesheets/eur", {"spec": {}}),
    Deed("change somebody's ledger", "PATCH", f"{OWN_LEDGERS}/theirs", {"spec": {}}),
    Deed("change what is closed", "PATCH", f"{OWN_LEDGERS}/plafond-2026-11-01", {"spec": {}}),
    Deed("forget everything at once", "DELETE", OWN_LEDGERS),
    Deed("delete the team's quota", "DELETE", f"{CORE}/resourcequotas/theirs"),
    Deed("take a controller's Lease", "PATCH", f"{LEASES_OF}/kube-scheduler", {}),
    Deed("unbind self-restraint", "DELETE", f"{ADMISSION}/validatingadmissionpolicybindings/x"),
    Deed("change a policy of admission", "PATCH", f"{ADMISSION}/validatingadmissionpolicies/x", {}),
    Deed("add a mutating policy", "POST", f"{ADMISSION}/mutatingadmissionpolicies", {}),
    Deed("add a webhook", "POST", f"{ADMISSION}/mutatingwebhookconfigurations", {}),
    Deed("widen its own role", "PATCH", f"{ROLES}/clusterroles/plafond", {"rules": []}),
    Deed("bind itself to cluster-admin", "POST", f"{ROLES}/clusterrolebindings", GRANT),
    Deed("get somebody's token", "POST", TOKENS, {}),
    Deed("act as the administrator", "GET", CORE, user="admin"),
    Deed("cordon a node", "PATCH", "/api/v1/nodes/x", {"spec": {"unschedulable": True}}),
    Deed("delete a node", "DELETE", "/api/v1/nodes/x"),
    Deed("reach into a service", "GET", f"{CORE}/services/x/proxy/"),
    Deed("change a CRD", "PATCH", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/x", {}),
)

# What RBAC has to grant, because it knows neither fields nor the names of what is created.
RESTRAINED = (
    Deed("label a Namespace", "PATCH", CORE, metadata(labels={"x": "y"}), NAMESPACES),
    Deed("take a label away", "PATCH", CORE, metadata(labels={"team": None}), NAMESPACES),
    Deed("block a Namespace's end", "PATCH", CORE, metadata(finalizers=HELD), NAMESPACES),
    Deed("give it an owner", "PATCH", CORE, metadata(ownerReferences=owner()), NAMESPACES),
    Deed("another's annotation", "PATCH", CORE, annotated(**{"a.io/b": "c"}), NAMESPACES),
    Deed("remove another's", "PATCH", CORE, annotated(note=None), NAMESPACES),
    Deed("remove all annotations", "PATCH", CORE, metadata(annotations=None), NAMESPACES),
    Deed(
        "limit kube-system", "PATCH", "/api/v1/namespaces/kube-system",
        annotated(**{CEILINGS: "deployments.apps/dns=0"}), NAMESPACES,
    ),
    Deed(
        "limit its own namespace", "PATCH", "/api/v1/namespaces/plafond-system",
        annotated(**{CEILINGS: "deployments.apps/plafond=9"}), NAMESPACES,
    ),
    Deed(
        "freeze a workload by a ceiling that is no number", "PATCH", CORE,
        annotated(**{CEILINGS: "deployments.apps/llm=99999999999999999999"}), NAMESPACES,
    ),
    Deed(
        "ceilings that nobody can read", "PATCH", CORE,
        annotated(**{CEILINGS: "deployments.apps/llm=many"}), NAMESPACES,
    ),
    Deed(
        "ceilings longer than the operator writes", "PATCH", CORE,
        annotated(**{CEILINGS: ",".join(f"deployments.apps/x{n}=1" for n in range(1600))}),
        NAMESPACES,
    ),
    Deed("stop the cluster's DNS", "PATCH", IN_SYSTEM, ZERO, SCALE),
    Deed("scale what is not listed", "PATCH", f"{APPS}/deployments/web/scale", ZERO, SCALE),
    Deed("a name that begins alike", "PATCH", f"{APPS}/deployments/ll/scale", ZERO, SCALE),
    Deed("a name that ends alike", "PATCH", f"{APPS}/deployments/lm/scale", ZERO, SCALE),
    Deed("another kind of that name", "PATCH", f"{APPS}/statefulsets/llm/scale", ZERO, STATEFUL),
    Deed("a ledger of another name", "POST", OWN_LEDGERS, ledger("mine"), LEDGERS),
    Deed("a second ledger", "POST", OWN_LEDGERS, ledger("plafond-2"), LEDGERS),
    Deed(
        "a ledger that is closed from the start", "POST", OWN_LEDGERS,
        ledger("plafond", is_closed=True), LEDGERS,
    ),
    Deed(
        "a closed ledger of another name", "POST", OWN_LEDGERS,
        ledger("mine", is_closed=True), LEDGERS,
    ),
    Deed("forget what was spent", "DELETE", f"{OWN_LEDGERS}/plafond", None, LEDGERS),
    Deed("delete somebody's ledger", "DELETE", f"{OWN_LEDGERS}/theirs", None, LEDGERS),
    Deed(
        "a ledger of kube-system", "POST", OWN_LEDGERS.replace("{ns}", "kube-system"),
        ledger("plafond"), LEDGERS,
    ),
    Deed(
        "a ledger that blocks the Namespace's end", "POST", OWN_LEDGERS,
        ledger("plafond", finalizers=HELD), LEDGERS,
    ),
    Deed(
        "a ledger that somebody owns", "POST", OWN_LEDGERS,
        ledger("plafond", ownerReferences=owner()), LEDGERS,
    ),
    Deed("an Event in the kubelet's name", "POST", f"{CORE}/events", event("kubelet"), EVENTS),
    Deed("another's Event", "PATCH", f"{CORE}/events/theirs", {"message": "x"}, EVENTS),
    Deed(
        "an Event that blocks the Namespace's end", "POST", f"{CORE}/events",
        event("plafond", finalizers=HELD), EVENTS,
    ),
    Deed("a quota of another name", "POST", f"{CORE}/resourcequotas", quota("mine"), QUOTAS),
    Deed(
        "a quota in kube-system", "POST", "/api/v1/namespaces/kube-system/resourcequotas",
        quota(), QUOTAS,
    ),
    Deed("no pods at all", "POST", f"{CORE}/resourcequotas", quota(hard={"pods": "0"}), QUOTAS),
    Deed(
        "no processors", "POST", f"{CORE}/resourcequotas", quota(hard={"requests.cpu": "0"}), QUOTAS
    ),
    Deed("scopes", "POST", f"{CORE}/resourcequotas", quota(scopes=["BestEffort"]), QUOTAS),
)  # fmt: skip

# Were RBAC ever too wide by a mistake, self-restraint would still hold.
WIDE = (
    Deed("annotate through /status", "PATCH", f"{CORE}/status", annotated(x="y"), NAMESPACES),
    Deed("scale up in kube-system", "PATCH", IN_SYSTEM, ONE, SCALE),
    Deed(
        "scale a StatefulSet in kube-system", "PATCH",
        "/apis/apps/v1/namespaces/kube-system/statefulsets/dns/scale", ZERO, STATEFUL,
    ),
    Deed("the team's quota", "PATCH", f"{CORE}/resourcequotas/theirs", {"spec": {}}, QUOTAS),
    Deed(
        "change what is closed", "PATCH", f"{OWN_LEDGERS}/plafond-2026-10-31",
        metadata(labels={"x": "y"}), LEDGERS,
    ),
    Deed("delete the team's quota", "DELETE", f"{CORE}/resourcequotas/theirs", None, QUOTAS),
    Deed("another Lease", "POST", LEASES_OF, lease("mine"), LEASES),
    Deed(
        "another Lease of its own namespace", "POST",
        LEASES_OF.replace("kube-system", "plafond-system"), lease("mine"), LEASES,
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def victim(rig: Rig) -> Iterator[str]:
    """A governed namespace with everything that could be harmed."""
    namespace = fresh_namespace(rig, "own-account")
    own = {**metadata(name=namespace, labels={"team": "a"}), "apiVersion": "v1"}
    own["metadata"]["annotations"] = {"note": "theirs", CEILINGS: LISTED}
    rig.apply([{**own, "kind": "Namespace"}])
    for where in (namespace, "kube-system"):
        name = "dns" if where == "kube-system" else "llm"
        for kind in ("Deployment", "StatefulSet"):
            body = engine(kind, name, 0)
            rig.apply({**body, "metadata": {"name": name, "namespace": where}})
    for name in ("web", "ll", "lm"):
        body = engine("Deployment", name, 1)
        rig.apply({**body, "metadata": {"name": name, "namespace": namespace}})
    theirs = {"name": "theirs", "namespace": namespace}
    rig.apply({**quota("theirs"), "metadata": theirs})
    kept = ledger("plafond"), ledger("theirs"), ledger("plafond-2026-10-31", is_closed=True)
    for body in kept:
        rig.apply({**body, "metadata": {**body["metadata"], "namespace": namespace}})
    about = {"kind": "Namespace", "namespace": namespace}
    rig.apply({**event("kubelet"), "metadata": theirs, "involvedObject": about})
    yield namespace
    for kind in ("deployment", "statefulset"):
        rig.kubectl("delete", kind, "dns", "-n", "kube-system", "--wait=false")
    rig.kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.fixture(scope="module")
def account(rig: Rig, victim: str) -> ApiAccess:
    """Access with the operator's own token, once the policies are in force."""
    api = kubeconfig.access(rig.service_account_kubeconfig("plafond-system", "plafond"))
    probe = RESTRAINED[0]
    poll(lambda: refused_by(done(api, probe, victim)) != "nobody", what="self-restraint")
    return api


def done(api: ApiAccess, deed: Deed, namespace: str) -> Answer:
    how = deed.how or (MERGE if deed.method == "PATCH" else PLAIN)
    body = filled(deed.body, namespace)
    path = deed.path.replace("{ns}", namespace)
    return api.send(deed.method, path, body, Request(how, deed.user))


def filled(value: Any, namespace: str) -> Any:
    """Return a body with the namespace's name in its place."""
    if isinstance(value, dict):
        return {key: filled(each, namespace) for key, each in value.items()}
    return value.replace("{ns}", namespace) if isinstance(value, str) else value


def refused_by(answer: Answer) -> str:
    """Return RBAC, the kind whose self-restraint refuses, or nobody."""
    if answer.is_done:
        return "nobody"
    policy = re.search(r"'plafond-self-restraint-(\w+)' with binding", answer.message)
    if policy:
        return policy[1]
    is_of_rbac = answer.code == 403 and f'User "{OPERATOR}" cannot' in answer.message
    return "RBAC" if is_of_rbac else f"{answer.code}: {answer.message}"


@pytest.mark.parametrize("table", [FORBIDDEN, RESTRAINED], ids=["forbidden", "restrained"])
def test_everything_bad_that_our_token_could_do_is_refused(
    table, account: ApiAccess, victim: str, record_property
):
    observed = {deed.what: refused_by(done(account, deed, victim)) for deed in table}
    for what, by in observed.items():
        record_property(what, by)

    assert observed == {deed.what: deed.by for deed in table}


@pytest.fixture
def every_right(rig: Rig, account: ApiAccess, victim: str) -> Iterator[None]:
    """Bind the operator to cluster-admin, as a mistake would."""
    subject = {"kind": "ServiceAccount", "name": "plafond", "namespace": "plafond-system"}
    rig.apply({**GRANT, "subjects": [subject]})
    poll(lambda: account.send("GET", "/api/v1/secrets").is_done, what="every right")
    yield
    rig.kubectl("delete", "clusterrolebinding", GRANT["metadata"]["name"])
    poll(lambda: not account.send("GET", "/api/v1/secrets").is_done, what="its own rights")


def test_self_restraint_holds_also_when_its_rights_are_too_wide(
    every_right, account: ApiAccess, victim: str, record_property
):
    table = (*RESTRAINED, *WIDE)
    observed = {deed.what: refused_by(done(account, deed, victim)) for deed in table}
    for deed in WIDE:
        record_property(deed.what, observed[deed.what])

    assert observed == {deed.what: deed.by for deed in table}


def test_what_it_is_there_for_is_allowed(account: ApiAccess, victim: str):
    deeds = (
        Deed("lower a ceiling", "PATCH", CORE, annotated(**{CEILINGS: LISTED})),
        Deed("scale what is listed", "PATCH", f"{APPS}/deployments/llm/scale", ONE),
        Deed("keep a ledger", "PATCH", f"{OWN_LEDGERS}/plafond", {"spec": {"memory": "{ }"}}),
        Deed("close a day", "POST", OWN_LEDGERS, ledger("plafond-2026-11-01", is_closed=True)),
        Deed("delete what is closed", "DELETE", f"{OWN_LEDGERS}/plafond-2026-11-01"),
        Deed("tell", "POST", f"{CORE}/events", event("plafond")),
    )

    assert {d.what: refused_by(done(account, d, victim)) for d in deeds} == {
        deed.what: "nobody" for deed in deeds
    }
