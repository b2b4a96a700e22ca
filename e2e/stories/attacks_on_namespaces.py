"""Every way to the annotation that holds the ceilings, and every way around it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from e2e.rig.polling import poll
from e2e.rig.web import Answer
from e2e.stories.attacking import (
    APPLY,
    BREAK_GLASS,
    EVE,
    GITOPS,
    JSON_PATCH,
    MERGE,
    OURS,
    PLAIN,
    STRATEGIC,
    Scene,
    engine,
)
from e2e.stories.attacks import (
    CLAMPED,
    HARMLESS,
    OR,
    REFUSED,
    Attack,
    applied,
    bigger,
    created,
    llm,
    on_llm,
    patched,
    twice,
)
from e2e.stories.attacks import NINE as MORE

from plafond.api.annotations import CEILINGS

REMOVED = {"metadata": {"annotations": {CEILINGS: None}}}
RAISED = {"metadata": {"annotations": {CEILINGS: "deployments.apps/llm=99"}}}
POLICIES = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies"
KEPT, NOT_KEPT = "accepted, ceilings kept", "refused, ceilings kept"


def ceilings(scene: Scene) -> str:
    return "ceilings kept" if scene.annotations() == OURS else "ceilings changed"


def on_namespace(what: str, do: Callable[[Scene], Answer], both: str = "") -> Attack:
    return Attack(what, do, both or KEPT, both or NOT_KEPT, ceilings)


def to_namespace(
    how: str, body: object, sub: str = "", user: str = EVE
) -> Callable[[Scene], Answer]:
    return lambda s: s.send("PATCH", f"{s.itself}{sub}", body, how, user)


def replaced(annotations: dict[str, str] | None, sub: str = "", user: str = EVE):
    """Send the whole Namespace back, with other annotations."""

    def put(scene: Scene) -> Answer:
        whole = dict(scene.find(scene.itself))
        whole["metadata"] = {**whole["metadata"], "annotations": annotations}
        return scene.send("PUT", f"{scene.itself}{sub}", whole, PLAIN, user)

    return put


def namespace_applied(annotations: dict[str, str], user: str = EVE) -> Callable[[Scene], Answer]:
    def apply(scene: Scene) -> Answer:
        body = manifest(scene, annotations)
        query = "?fieldManager=tenant&force=true"
        return scene.send("PATCH", f"{scene.itself}{query}", body, APPLY, user)

    return apply


def manifest(scene: Scene, annotations: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": scene.namespace, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def synced(annotations: dict[str, str], *command: str) -> Callable[[Scene], Answer]:
    """Sync a Namespace manifest as a GitOps controller does."""
    return lambda s: s.kubectl(*command, "-f", "-", stdin=manifest(s, annotations), user=GITOPS)


def new_namespace(**metadata: str) -> Callable[[Scene], Answer]:
    def create(scene: Scene) -> Answer:
        named = metadata or {"name": f"{scene.namespace}-more"}
        body = {**manifest(scene, {}), "metadata": {**named, "annotations": OURS}}
        return scene.send("POST", "/api/v1/namespaces", body, PLAIN, GITOPS)

    return create


def deleted_and_created(scene: Scene) -> Answer:
    scene.send("DELETE", scene.itself, user=GITOPS)
    poll(lambda: not scene.find(scene.itself), deadline=60, what="the namespace to be gone")
    body = {**manifest(scene, {}), "metadata": {"name": scene.namespace}}
    return scene.send("POST", "/api/v1/namespaces", body, PLAIN, GITOPS)


def broken_glass(scene: Scene) -> Answer:
    done = scene.rig.kubectl(
        "annotate", "namespace", scene.namespace, f"{CEILINGS}-", "--as", GITOPS,
        "--as-group", BREAK_GLASS, "--as-group", "system:serviceaccounts",
    )  # fmt: skip
    return Answer(0 if done.returncode else 200, {"message": done.stderr})


def token_of_the_operator(scene: Scene) -> Answer:
    path = "/api/v1/namespaces/plafond-system/serviceaccounts/plafond/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    return scene.send("POST", path, body)


def unbound(scene: Scene) -> Answer:
    api = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
    return scene.send("DELETE", f"{api}/plafond-ceiling-backstop")


def own_policy(scene: Scene) -> Answer:
    """Write a policy that lets the tenant spend more."""
    path = f"/apis/plafond.dev/v1alpha1/namespaces/{scene.namespace}/costpolicies"
    body = {
        "apiVersion": "plafond.dev/v1alpha1",
        "kind": "CostPolicy",
        "metadata": {"name": "mine"},
        "spec": {"mode": "Enforce", "ceilings": {"replicas": 99}},
    }
    return scene.send("POST", path, body)


@contextmanager
def another_mutator(scene: Scene, rule: dict[str, Any], patch: str, again: str) -> Iterator[Answer]:
    """Have another mutating policy change what is written in this namespace."""
    name = f"zz-{scene.namespace}"
    only_here = {"kubernetes.io/metadata.name": scene.namespace}
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "reinvocationPolicy": again,
            "failurePolicy": "Fail",
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": only_here},
                "resourceRules": [{"apiVersions": ["v1"], "operations": ["UPDATE"], **rule}],
            },
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}}],
        },
    }
    binding = {
        **policy,
        "kind": "MutatingAdmissionPolicyBinding",
        "spec": {"policyName": name},
    }
    answer = scene.send("POST", POLICIES, policy, PLAIN, GITOPS)
    bindings = POLICIES.replace("policies", "policybindings")
    scene.send("POST", bindings, binding, PLAIN, GITOPS)
    try:
        yield answer
    finally:
        for path in (f"{bindings}/{name}", f"{POLICIES}/{name}"):
            scene.send("DELETE", path, user=GITOPS)


def raised_by_another_mutator(scene: Scene, again: str) -> Answer:
    """Have it write nine replicas wherever a Deployment is labelled."""
    rule = {"apiGroups": ["apps"], "resources": ["deployments"]}
    patch = (
        '[JSONPatch{op: "add", path: "/spec/replicas", value: 9},'
        ' JSONPatch{op: "add", path: "/metadata/labels/seen", value: "yes"}]'
    )
    scene.send("POST", scene.at("deployments"), engine("Deployment", "free", 1))
    with another_mutator(scene, rule, patch, again) as installed:
        if not installed.is_done:
            return installed
        labelled = {"metadata": {"labels": {"x": "y"}}}

        def acts() -> bool:
            answer = scene.send("PATCH", scene.at("deployments", "free"), labelled, MERGE)
            return "seen" in answer.body["metadata"].get("labels", {}) or not answer.is_done

        poll(acts, what="the other mutating policy to act")
        return scene.send("PATCH", scene.at("deployments", "llm"), labelled, MERGE)


def annotated_by_another_mutator(scene: Scene, again: str) -> Answer:
    """Have it take the ceilings away wherever the Namespace is labelled."""
    rule = {"apiGroups": [""], "resources": ["namespaces"]}
    key = CEILINGS.replace("/", "~1")
    patch = (
        '[JSONPatch{op: "add", path: "/metadata/annotations/seen", value: "yes"},'
        f' JSONPatch{{op: "replace", path: "/metadata/annotations/{key}", value: ""}}]'
    )
    with another_mutator(scene, rule, patch, again) as installed:
        if not installed.is_done:
            return installed

        def acts() -> Answer | None:
            body = {"metadata": {"labels": {"x": "y"}}}
            answer = scene.send("PATCH", scene.itself, body, MERGE)
            found = scene.find(scene.itself)["metadata"]["annotations"]
            return answer if "seen" in found or not answer.is_done else None

        return poll(acts, what="the other mutating policy to act")


def around(what: str, do: Callable[[Scene], Answer]) -> Attack:
    """Something that a count of replicas does not bound; the listed workload stays."""
    return Attack(what, do, HARMLESS, HARMLESS, llm)


ANNOTATIONS = (
    on_namespace("remove by merge patch", to_namespace(MERGE, REMOVED)),
    on_namespace("raise by merge patch", to_namespace(MERGE, RAISED)),
    on_namespace("empty by merge patch", to_namespace(MERGE, {"metadata": {"annotations": None}})),
    on_namespace("raise by strategic patch", to_namespace(STRATEGIC, RAISED)),
    on_namespace(
        "replace all by strategic patch",
        to_namespace(STRATEGIC, {"metadata": {"annotations": {"$patch": "replace", "a": "b"}}}),
    ),
    on_namespace(
        "remove all by JSON patch",
        to_namespace(JSON_PATCH, [{"op": "remove", "path": "/metadata/annotations"}]),
    ),
    on_namespace("replace without annotations", replaced(None)),
    on_namespace("replace with higher ones", replaced(RAISED["metadata"]["annotations"])),
    on_namespace(
        "server-side apply with force", namespace_applied(RAISED["metadata"]["annotations"])
    ),
    on_namespace(
        "take over by apply, then let go",
        twice(namespace_applied({CEILINGS: OURS[CEILINGS]}), namespace_applied({})),
        KEPT,
    ),
    on_namespace(
        "another annotation of ours",
        to_namespace(MERGE, {"metadata": {"annotations": {"plafond.dev/new": "x"}}}),
    ),
    on_namespace("kubectl annotate", lambda s: s.kubectl(*ANNOTATE, s.namespace, f"{CEILINGS}-")),
    on_namespace("through /status", to_namespace(MERGE, REMOVED, "/status"), NOT_KEPT),
    on_namespace("replace /status", replaced(None, "/status"), NOT_KEPT),
    on_namespace("replace /finalize", replaced(None, "/finalize"), NOT_KEPT),
    on_namespace("GitOps syncs the Namespace", synced({"team": "a"}, "apply"), KEPT),
    on_namespace("GitOps applies it on the server", synced({}, "apply", "--server-side"), KEPT),
    on_namespace(
        "GitOps syncs higher ceilings", synced(RAISED["metadata"]["annotations"], "apply")
    ),
    on_namespace("GitOps replaces the Namespace", synced({"team": "a"}, "replace")),
    on_namespace(
        "fill the annotations up",
        to_namespace(MERGE, {"metadata": {"annotations": {"fat": "é" * 125_000}}}),
        NOT_KEPT,
    ),
    on_namespace(
        "many annotations",
        to_namespace(MERGE, {"metadata": {"annotations": {f"k{n}": "" for n in range(25_000)}}}),
        NOT_KEPT,
    ),
    on_namespace("create a Namespace with ceilings", new_namespace(), NOT_KEPT),
    on_namespace("the same with generateName", new_namespace(generateName="attack-"), NOT_KEPT),
    on_namespace("a tenant deletes the Namespace", lambda s: s.send("DELETE", s.itself), NOT_KEPT),
    on_namespace(
        "another mutating policy removes them once",
        lambda s: annotated_by_another_mutator(s, "Never"),
    ),
    on_namespace(
        "another mutating policy insists on none",
        lambda s: annotated_by_another_mutator(s, "IfNeeded"),
        f"{NOT_KEPT}{OR}{KEPT}",
    ),
    on_namespace("a token of the operator", token_of_the_operator, NOT_KEPT),
    on_namespace("unbind the policy", unbound, NOT_KEPT),
    on_namespace("a policy of her own", own_policy, NOT_KEPT),
    on_namespace("break-glass removes them", broken_glass, "accepted, ceilings changed"),
    on_namespace(
        "GitOps deletes and creates the Namespace",
        deleted_and_created,
        "accepted, ceilings changed",
    ),
)
ANNOTATE = ("annotate", "namespace")

AROUND = (
    on_llm("another mutating policy raises once", lambda s: raised_by_another_mutator(s, "Never")),
    on_llm(
        "another mutating policy insists on more",
        lambda s: raised_by_another_mutator(s, "IfNeeded"),
        f"{REFUSED}{OR}{CLAMPED}",
    ),
    on_llm(
        "call the Namespace kube-system, then scale",
        twice(
            to_namespace(
                MERGE, {"metadata": {"labels": {"kubernetes.io/metadata.name": "kube-system"}}}
            ),
            patched(MERGE, MORE, "scale"),
        ),
    ),
    around(
        "generateName",
        created({**engine("Deployment", "llm", 9), "metadata": {"generateName": "llm-"}}),
    ),
    around("a name that is not listed", applied(engine("Deployment", "llm2", 9))),
    around(
        "the same name as a StatefulSet",
        created(engine("StatefulSet", "llm", 9), "statefulsets"),
    ),
    around("a ReplicaSet of her own", created(engine("ReplicaSet", "bare", 9), "replicasets")),
    around(
        "more GPUs for each pod",
        bigger(template=engine("Deployment", "llm", 1)["spec"]["template"]),
    ),
    around(
        "a surge of 100 %",
        bigger(strategy={"rollingUpdate": {"maxSurge": "100%", "maxUnavailable": 0}}),
    ),
    around(
        "ending takes a day",
        bigger(template={"spec": {"terminationGracePeriodSeconds": 86_400}}),
    ),
)
