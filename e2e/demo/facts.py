"""What the play came to, one sentence per fact, by the audit log and the fleet's own counters."""

from datetime import datetime
from fractions import Fraction

from e2e.demo.play import Play
from e2e.demo.scene import NAMESPACE, WORKLOADS
from e2e.rig.audit import AuditWrite
from e2e.rig.lifetimes import PodLifetime, spend
from e2e.world import GPU


def facts(play: Play) -> list[str]:
    """Return the sentences for the end."""
    scene, end = play.scene, play.start + play.scene.lasts
    spent = _spent(play, end)
    limit, unlimited = scene.limit, scene.unlimited_cost
    served = play.rig.fleet.served()
    mine = [served[f"{NAMESPACE}/{w.name}"] for w in WORKLOADS]
    offered, done = sum(s.offered for s in mine), sum(s.served for s in mine)
    clamped = len(_clamped(play.rig.audit.writes(), play.start))
    work, dead = 100 * done / offered, play.killed_for.total_seconds()
    share, kept = 100 * spent / float(limit), 100 * spent / float(unlimited)
    return [
        f"Spent {spent:.0f} EUR of the limit of {limit} EUR ({share:.1f} %), by the audit log.",
        f"An ideal autoscaler without a limit would spend {unlimited:.0f} EUR on it (computed).",
        f"Served {done:.0f} of {offered:.0f} requests ({work:.0f} %) for {kept:.0f} % of that.",
        f"The operator was dead for {dead:.0f} s; meanwhile {'; '.join(play.tried)}.",
        f"The API server clamped {clamped} writes that asked for more than a ceiling allowed.",
    ]


def _spent(play: Play, end: datetime) -> float:
    price = Fraction(play.scene.price_per_gpu_hour)

    def hourly(life: PodLifetime) -> Fraction:
        return life.requests.get(GPU, Fraction()) * price

    return float(spend(play.rig.audit.pod_lifetimes(NAMESPACE), hourly, play.start, end))


def _clamped(writes: tuple[AuditWrite, ...], since: datetime) -> list[AuditWrite]:
    return [
        write
        for write in writes
        if write.namespace == NAMESPACE
        and write.resource == "deployments"
        and write.succeeded
        and write.at >= since
        and _replicas(write.request_object) > _replicas(write.response_object)
        and write.subresource in ("", "scale")
    ]


def _replicas(found: object) -> int:
    spec = found.get("spec", {}) if isinstance(found, dict) else {}
    return int(spec.get("replicas") or 0)
