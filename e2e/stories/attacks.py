"""
Every way past a ceiling that was thought of, as data: who tries what, and what comes of it.

The tenant has an `llm` of 2 replicas under a ceiling of 4 and a `db` of 1 under a ceiling of 2.
"""

from collections.abc import Callable
from dataclasses import dataclass

from e2e.rig.web import Answer
from e2e.stories.attacking import (
    APPLY,
    DOTS,
    GITOPS,
    JSON_PATCH,
    LATER,
    LONG,
    LONGEST,
    MERGE,
    STRATEGIC,
    Scene,
    engine,
)

from plafond.api.annotations import IGNORE

NINE = {"spec": {"replicas": 9}}


@dataclass(frozen=True)
class Attack:
    """One way past a ceiling; *clamped* is expected since 1.36, *refused* before."""

    what: str
    do: Callable[[Scene], Answer]
    clamped: str
    refused: str
    look: Callable[[Scene], str]


def llm(scene: Scene) -> str:
    return scene.replicas("deployments", "llm")


def db(scene: Scene) -> str:
    return scene.replicas("statefulsets", "db")


def born(name: str) -> Callable[[Scene], str]:
    return lambda scene: scene.replicas("deployments", name)


# Mutating policies run in no fixed order, so an attack by one may end in two ways.
OR = " or "
CLAMPED, REFUSED, HARMLESS = "accepted, llm 4", "refused, llm 2", "accepted, llm 2"


def on_llm(what: str, do: Callable[[Scene], Answer], both: str = "") -> Attack:
    return Attack(what, do, both or CLAMPED, both or REFUSED, llm)


def on_db(what: str, do: Callable[[Scene], Answer]) -> Attack:
    return Attack(what, do, "accepted, db 2", "refused, db 1", db)


def births(what: str, do: Callable[[Scene], Answer], name: str, shown: str) -> Attack:
    return Attack(what, do, f"accepted, {shown} 4", f"refused, {shown} gone", born(name))


def patched(how: str, body: object, sub: str = "", user: str = "eve") -> Callable[[Scene], Answer]:
    return lambda s: s.send("PATCH", s.at("deployments", "llm", sub), body, how, user)


def set_at_db(how: str, body: object, sub: str = "") -> Callable[[Scene], Answer]:
    return lambda s: s.send("PATCH", s.at("statefulsets", "db", sub), body, how)


def created(body: dict, plural: str = "deployments") -> Callable[[Scene], Answer]:
    return lambda s: s.send("POST", s.at(plural), body)


def applied(body: dict, user: str = "eve") -> Callable[[Scene], Answer]:
    query = "?fieldManager=gitops&force=true"
    path = f"{body['metadata']['name']}{query}"
    return lambda s: s.send("PATCH", s.at("deployments", path), body, APPLY, user)


def scale_of(plural: str, name: str) -> Callable[[Scene], Answer]:
    def put(scene: Scene) -> Answer:
        metadata = {"name": name, "namespace": scene.namespace}
        body = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": metadata, **NINE}
        return scene.send("PUT", scene.at(plural, name, "scale"), body)

    return put


def twice(first: Callable[[Scene], Answer], then: Callable[[Scene], Answer]):
    """Do one thing, then another; the second answer counts if it comes to that."""

    def both(scene: Scene) -> Answer:
        answer = first(scene)
        return then(scene) if answer.is_done else answer

    return both


def deleted(plural: str = "deployments", name: str = "llm") -> Callable[[Scene], Answer]:
    return lambda s: s.send("DELETE", s.at(plural, name))


def bigger(**spec: object) -> Callable[[Scene], Answer]:
    return patched(STRATEGIC, {"spec": spec})


def to_status(scene: Scene) -> Answer:
    return scene.send("PATCH", scene.at("deployments", "llm", "status"), NINE, MERGE, GITOPS)


def synced(scene: Scene) -> Answer:
    body = engine("Deployment", "llm", 9)
    return scene.kubectl("apply", "-f", "-", stdin=body, user=GITOPS)


NEW = engine("Deployment", "llm", 9)
STATEFUL_NINE = engine("StatefulSet", "db", 9)

COUNTS = (
    on_llm("kubectl scale", lambda s: s.kubectl("scale", "deployment/llm", "--replicas=9")),
    on_llm("merge patch of /scale", patched(MERGE, NINE, "scale")),
    on_llm(
        "JSON patch of /scale",
        patched(JSON_PATCH, [{"op": "replace", "path": "/spec/replicas", "value": 9}], "scale"),
    ),
    on_llm("replace /scale", scale_of("deployments", "llm")),
    on_llm("strategic patch", patched(STRATEGIC, NINE)),
    on_llm("merge patch", patched(MERGE, NINE)),
    on_llm(
        "JSON patch",
        patched(JSON_PATCH, [{"op": "add", "path": "/spec/replicas", "value": 9}]),
    ),
    on_llm("replace", lambda s: s.send("PUT", s.at("deployments", "llm"), NEW)),
    on_llm("kubectl apply", lambda s: s.kubectl("apply", "-f", "-", stdin=NEW)),
    on_llm("server-side apply with force", applied(NEW)),
    on_llm(
        "patch of count and label together",
        patched(MERGE, {**NINE, "metadata": {"labels": {"tier": "hot"}}}),
    ),
    on_llm("JSON that says replicas twice", patched(MERGE, '{"spec":{"replicas":1,"replicas":9}}')),
    on_llm("the highest count there is", patched(MERGE, {"spec": {"replicas": 2**31 - 1}})),
    on_llm("a count that is too large", patched(MERGE, {"spec": {"replicas": 2**31}}), REFUSED),
    on_llm("a count below zero", patched(MERGE, {"spec": {"replicas": -9}}), REFUSED),
    on_llm("a count as text", patched(MERGE, {"spec": {"replicas": "9"}}), REFUSED),
    on_llm("no count at all", patched(MERGE, {"spec": {"replicas": None}}), "accepted, llm 1"),
    on_llm("the count in /status", to_status, HARMLESS),
    Attack(
        "a dry run",
        lambda s: s.send("PATCH", s.at("deployments", "llm?dryRun=All"), NINE, MERGE),
        HARMLESS,
        REFUSED,
        llm,
    ),
    Attack(
        "up to the ceiling, then one more",
        twice(patched(MERGE, {"spec": {"replicas": 4}}), patched(MERGE, {"spec": {"replicas": 5}})),
        CLAMPED,
        "refused, llm 4",
        llm,
    ),
    on_llm("edit of the selector", bigger(selector={"matchLabels": {"app": "x"}}), REFUSED),
    on_llm(
        "labels and annotations",
        patched(MERGE, {"metadata": {"labels": {"app": "x"}, "annotations": {"a": "b"}}}),
        HARMLESS,
    ),
    on_llm(
        "plafond.dev/ignore, then scale",
        twice(
            patched(MERGE, {"metadata": {"annotations": {IGNORE: "true"}}}),
            patched(MERGE, NINE, "scale"),
        ),
    ),
    on_llm("GitOps syncs the Deployment", synced),
    on_llm("GitOps applies on the server side", applied(NEW, GITOPS)),
    on_llm("GitOps scales", patched(MERGE, NINE, "scale", GITOPS)),
    on_llm("GitOps syncs without a count", applied(engine("Deployment", "llm", None)), HARMLESS),
)

BIRTHS = (
    births("create", created(engine("Deployment", LATER, 9)), LATER, "later"),
    births("create by apply", applied(engine("Deployment", LATER, 9)), LATER, "later"),
    births(
        "create with name and generateName",
        created({**NEW, "metadata": {"name": LATER, "generateName": "x-"}}),
        LATER,
        "later",
    ),
    births("a name with dots", created(engine("Deployment", DOTS, 9)), DOTS, DOTS),
    births("a name of 63 letters", created(engine("Deployment", LONG, 9)), LONG, "63 letters"),
    births("a name of 253", created(engine("Deployment", LONGEST, 9)), LONGEST, "253 letters"),
    births("delete, then create", twice(deleted(), created(NEW)), "llm", "llm"),
    births(
        "deletecollection, then create",
        twice(lambda s: s.send("DELETE", s.at("deployments")), created(NEW)),
        "llm",
        "llm",
    ),
    births(
        "kubectl replace --force",
        lambda s: s.kubectl("replace", "--force", "-f", "-", stdin=NEW),
        "llm",
        "llm",
    ),
    on_llm("a name in capitals", created(engine("Deployment", "LLM", 9)), REFUSED),
)

STATEFUL = (
    on_db("kubectl scale", lambda s: s.kubectl("scale", "statefulset/db", "--replicas=9")),
    on_db("merge patch of /scale", set_at_db(MERGE, NINE, "scale")),
    on_db("replace /scale", scale_of("statefulsets", "db")),
    on_db("strategic patch", set_at_db(STRATEGIC, NINE)),
    on_db(
        "JSON patch",
        set_at_db(JSON_PATCH, [{"op": "replace", "path": "/spec/replicas", "value": 9}]),
    ),
    on_db("kubectl apply", lambda s: s.kubectl("apply", "-f", "-", stdin=STATEFUL_NINE)),
    Attack(
        "delete, then create",
        twice(deleted("statefulsets", "db"), created(STATEFUL_NINE, "statefulsets")),
        "accepted, db 2",
        "refused, db gone",
        db,
    ),
)
