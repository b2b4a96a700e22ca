"""
Every way to more GPUs that does not raise the count of a listed workload.

The tenant runs an `llm` of two replicas and a `db` of one, one GPU each, under the quota of five
that the operator has left behind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from e2e.rig.kubeconfig import Request
from e2e.rig.polling import poll
from e2e.rig.web import Answer
from e2e.stories.attacking import GITOPS, MERGE, STRATEGIC, Scene, engine

RUN, GPUS = 3, 5
GPU = "nvidia.com/gpu"
QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "plafond"},
    "spec": {"hard": {f"requests.{GPU}": str(GPUS)}},
}
TEMPLATE = engine("Deployment", "x", 1)["spec"]["template"]


@dataclass(frozen=True)
class Route:
    """One way to more GPUs, and whether the API server accepts the request itself."""

    what: str
    do: Callable[[Scene], Answer]
    is_accepted: bool = True


def bound(scene: Scene) -> Scene:
    """Give the namespace its quota and let its `llm` run."""
    path = f"{scene.itself}/resourcequotas"
    db = scene.at("statefulsets", "db")
    # What is created in the same moment as the quota it counts minutes later, at its next recount.
    poll(lambda: scene.find(db)["status"].get("replicas"), what="the db to be seen")
    assert scene.rig.send("POST", path, QUOTA).is_done

    def is_in_force() -> bool:
        status = scene.find(f"{path}/plafond").get("status", {})
        return bool(status.get("hard") == QUOTA["spec"]["hard"])

    poll(is_in_force, what=f"the quota of {scene.namespace}")
    running = {"spec": {"paused": False}}
    answer = scene.rig.send("PATCH", scene.at("deployments", "llm"), running, Request(MERGE))
    assert answer.is_done
    return scene


def used(scene: Scene) -> int:
    """Return how many GPUs the quota counts."""
    status = scene.find(f"{scene.itself}/resourcequotas/plafond").get("status", {})
    return int(status.get("used", {}).get(f"requests.{GPU}", 0))


def created(plural: str, body: dict[str, Any]) -> Callable[[Scene], Answer]:
    return lambda s: s.send("POST", s.at(plural), body)


def rolled_out(pod: dict[str, Any], **spec: Any) -> Callable[[Scene], Answer]:
    """Change the pods of the listed workload without changing its count."""
    body = {"spec": {**spec, "template": {"metadata": {"labels": {"v": "2"}}, "spec": pod}}}
    return lambda s: s.send("PATCH", s.at("deployments", "llm"), body, STRATEGIC)


def asking(name: str, gpus: int) -> dict[str, Any]:
    return {"name": name, "image": "x", "resources": {"limits": {GPU: str(gpus)}}}


def pods(count: int, gpus: int = 1) -> Callable[[Scene], Answer]:
    """Create pods that nobody owns; the last answer counts."""

    def create(scene: Scene) -> Answer:
        path = f"{scene.itself}/pods"
        answers = [
            scene.send("POST", path, pod({"generateName": "mine-"}, gpus)) for _ in range(count)
        ]
        return answers[-1]

    return create


def pod(metadata: dict[str, Any], gpus: int) -> dict[str, Any]:
    spec = {"containers": [asking("engine", gpus)]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def job(scene: Scene) -> Answer:
    path = f"/apis/batch/v1/namespaces/{scene.namespace}/jobs"
    template = {**TEMPLATE, "spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}
    spec = {"parallelism": 9, "completions": 9, "template": template}
    metadata = {"name": "batch"}
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}
    return scene.send("POST", path, body)


def own_replica_set(scene: Scene) -> Answer:
    """Scale the ReplicaSet that belongs to the listed Deployment."""

    def first() -> str:
        found = scene.find(scene.at("replicasets"))["items"]
        return found[0]["metadata"]["name"] if found else ""

    name = poll(first, what="the ReplicaSet of llm")
    return scene.send("PATCH", scene.at("replicasets", name, "scale"), NINE, MERGE)


def quota_as(user: str, method: str, body: object = None) -> Callable[[Scene], Answer]:
    path = "resourcequotas/plafond"
    return lambda s: s.send(method, f"{s.itself}/{path}", body, MERGE, user)


def another_quota(scene: Scene) -> Answer:
    """Two quotas hold together: the lower one counts, also if somebody may create the other."""
    spec = {"hard": {f"requests.{GPU}": "99"}}
    body = {**QUOTA, "metadata": {"name": "more"}, "spec": spec}
    scene.send("POST", f"{scene.itself}/resourcequotas", body, user=GITOPS)
    return pods(9)(scene)


NINE = {"spec": {"replicas": 9}}
MORE = {"spec": {"hard": {f"requests.{GPU}": "99"}}}
RUNNING = {"paused": False}
GENERATED = {**engine("Deployment", "llm", 9, **RUNNING), "metadata": {"generateName": "llm-"}}
SURGE = {"rollingUpdate": {"maxSurge": "100%", "maxUnavailable": 0}}

ROUTES = (
    Route("a Deployment with generateName", created("deployments", GENERATED)),
    Route(
        "a Deployment of another name",
        created("deployments", engine("Deployment", "more", 9, **RUNNING)),
    ),
    Route("a StatefulSet", created("statefulsets", engine("StatefulSet", "more", 9))),
    Route("a ReplicaSet", created("replicasets", engine("ReplicaSet", "more", 9))),
    Route("the Deployment's own ReplicaSet", own_replica_set),
    Route("a Job of nine at once", job),
    Route("nine bare pods", pods(9), is_accepted=False),
    Route("one pod of eight GPUs", pods(1, 8), is_accepted=False),
    Route("more GPUs for each replica", rolled_out({"containers": [asking("engine", 4)]})),
    Route("a second container", rolled_out({"containers": [asking("more", 2)]})),
    Route("an init container", rolled_out({"initContainers": [asking("first", 8)]})),
    Route("a surge of 100 %", rolled_out({}, strategy=SURGE)),
    Route(
        "a surge of 100 % of pods that end late",
        rolled_out({"terminationGracePeriodSeconds": 600}, strategy=SURGE),
    ),
    Route("raise the quota", quota_as("eve", "PATCH", MORE), is_accepted=False),
    Route("delete the quota", quota_as("eve", "DELETE"), is_accepted=False),
    Route("a second, larger quota", another_quota, is_accepted=False),
)
