"""Deployments as workloads: beside what all share, the surge of their rollouts."""

from dataclasses import replace
from typing import Final

from plafond.model.workload import Surge, Workload
from plafond.observe.records import workloads
from plafond.observe.records.fields import Raw, part

_DEFAULT_SURGE: Final = "25%"


def parse(raw: Raw) -> Workload:
    """Return the workload that *raw* describes, without its autoscaler."""
    strategy = part(part(raw, "spec"), "strategy")
    return replace(workloads.parse(raw, "Deployment"), surge=_surge(strategy))


def _surge(strategy: Raw) -> Surge:
    if strategy.get("type") == "Recreate":
        return Surge()
    most = part(strategy, "rollingUpdate").get("maxSurge", _DEFAULT_SURGE)
    if isinstance(most, int):
        return Surge(count=most)
    return Surge(percent=int(str(most).removesuffix("%")))
