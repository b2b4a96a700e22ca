"""Deployments under a real HPA that follows what the fleet plays."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from e2e.rig.audit import AuditWrite
from e2e.rig.cluster import Rig
from e2e.rig.external_metrics import OFFERED, WORKLOAD
from e2e.rig.install import NAMESPACE, SERVICE_ACCOUNT
from e2e.world import Watched, annotations, deployment, price_sheet, status, utc_now

from plafond.api.annotations import CEILINGS, decode_ceilings
from plafond.forecast.autoscaled import asked
from plafond.model.gap import Gap
from plafond.model.workload import Pod, Workload, WorkloadId
from plafond.observe.records import hpas

OPERATOR = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
HPA_CONTROLLER = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"
# A replica serves four requests a second; three of them are what it should be asked for.
PER_REPLICA = 3.0
# As careful as people are with engines that take minutes to start.
GENTLE = {"scaleUp": {"policies": [{"type": "Pods", "value": 4, "periodSeconds": 60}]}}


def hpa(
    namespace: str,
    name: str,
    behavior: Mapping[str, Any] | None = None,
    target: Mapping[str, str] | None = None,
    metric: str = OFFERED,
) -> dict[str, Any]:
    """Return an HPA that gives each replica three requests a second, unless *target* differs."""
    target = target or {"type": "AverageValue", "averageValue": f"{PER_REPLICA:g}"}
    selector = {"matchLabels": {WORKLOAD: name}}
    external = {"metric": {"name": metric, "selector": selector}, "target": target}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "maxReplicas": 30,
            "metrics": [{"type": "External", "external": external}],
            **({"behavior": behavior} if behavior else {}),
        },
    }


@dataclass(frozen=True)
class Scaled(Watched):
    """One Deployment under an HPA of the same name."""

    @classmethod
    def at(cls, rig: Rig, namespace: str, needed: int, **more: Any) -> "Scaled":
        """Create both, ask for *needed* replicas and wait for them."""
        found = cls(rig, namespace, "chat")
        rig.apply(price_sheet("story-eur", "EUR"))
        rig.apply(deployment(namespace, found.name, 1))
        found.need(needed)
        rig.apply(hpa(namespace, found.name, **more))
        found.comes_to(needed, within=90)
        return found

    def need(self, replicas: float) -> None:
        """Ask for as much as *replicas* carry at their target."""
        self.rig.fleet.set_demand(f"{self.namespace}/{self.name}", replicas * PER_REPLICA)

    @property
    def autoscaler(self) -> Mapping[str, Any]:
        """The HPA, as the API server has it."""
        path = f"/apis/autoscaling/v2/namespaces/{self.namespace}/horizontalpodautoscalers"
        found: Mapping[str, Any] = self.rig.get(f"{path}/{self.name}")
        return found

    @property
    def desired(self) -> int:
        """What the HPA says that it wants."""
        return int(self.autoscaler["status"].get("desiredReplicas", 0))

    @property
    def is_refused(self) -> bool:
        """Whether its last write was refused."""
        return hpas.parse(self.autoscaler).autoscaler.is_refused

    @property
    def recomputed(self) -> int | None:
        """What it asks for, by what it measured; everything that runs is taken for ready."""
        now, count = utc_now(), self.replicas
        record = hpas.parse(self.autoscaler)
        of = Workload(record.target, "", "", now, count, {}, autoscaler=record.autoscaler)
        pods = (Pod(str(n), self.namespace, str(n), {}, of.id, "n", now, now) for n in range(count))
        found = asked(of, pods)
        return None if found is None else found.replicas

    @property
    def ceiling(self) -> int | None:
        """The ceiling in force."""
        text = annotations(self.rig, self.namespace).get(CEILINGS, "")
        listed = decode_ceilings(self.namespace, text)
        assert not isinstance(listed, Gap), listed
        return listed.get(WorkloadId(self.namespace, "Deployment", self.name))

    @property
    def recommended(self) -> int | None:
        """What the operator says that demand asks for."""
        targets = status(self.rig, self.namespace).get("targets") or [{}]
        found: int | None = targets[0].get("recommendedReplicas")
        return found

    def written(self, by: str | None = None, since: datetime | None = None) -> list[AuditWrite]:
        """Return the writes of the count that the API server stored."""
        return [
            write
            for write in self.rig.audit.writes()
            if (write.resource, write.namespace) == ("deployments", self.namespace)
            and write.succeeded
            and by in {None, write.user}
            and (since is None or write.at >= since)
            and "spec" in (write.response_object or {})
        ]


def most_stored(writes: list[AuditWrite]) -> int:
    """Return the highest count that *writes* left behind."""
    return max((w.response_object or {})["spec"].get("replicas", 0) for w in writes)


def most_asked(writes: list[AuditWrite]) -> int:
    """Return the highest count that *writes* asked for."""
    return max((w.request_object or {})["spec"].get("replicas", 0) for w in writes)


def stays(so: Callable[[], bool], seconds: float, what: str) -> None:
    """Look for *seconds* whether *so* remains true."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        assert so(), what
        time.sleep(0.25)
