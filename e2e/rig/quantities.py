"""Kubernetes quantities and pod requests as exact numbers."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

BINARY = {f"{letter}i": Fraction(1024) ** power for power, letter in enumerate("KMGTPE", start=1)}
DECIMAL = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 10**3),
    **{letter: Fraction(1000) ** power for power, letter in enumerate("kMGTPE", start=1)},
}
Requests = Mapping[str, Fraction]


def quantity(text: str | int) -> Fraction:
    """Return what a quantity such as "500m", "2Gi" or 8 says, exactly."""
    written = str(text)
    for suffix, factor in {**BINARY, **DECIMAL}.items():
        if written.endswith(suffix):
            return Fraction(written.removesuffix(suffix)) * factor
    return Fraction(written)


def pod_requests(spec: Mapping[str, Any]) -> dict[str, Fraction]:
    """Return what the scheduler reserves for a pod with *spec*."""
    initial = spec.get("initContainers", ())
    sidecars = [each for each in initial if each.get("restartPolicy") == "Always"]
    running = _total([*spec["containers"], *sidecars])
    reserved = dict(running)
    started: list[Mapping[str, Any]] = []
    for each in initial:
        # A step of the start runs beside the sidecars that were started before it.
        for name, amount in _total([*started, each]).items():
            reserved[name] = max(reserved.get(name, Fraction()), amount)
        if each in sidecars:
            started.append(each)
    reserved |= _parsed(spec.get("resources", {}).get("requests", {}))
    for name, amount in _parsed(spec.get("overhead", {})).items():
        reserved[name] = reserved.get(name, Fraction()) + amount
    return reserved


def _total(containers: Iterable[Mapping[str, Any]]) -> dict[str, Fraction]:
    total: dict[str, Fraction] = {}
    for each in containers:
        for name, amount in _parsed(each.get("resources", {}).get("requests", {})).items():
            total[name] = total.get(name, Fraction()) + amount
    return total


def _parsed(amounts: Mapping[str, str]) -> dict[str, Fraction]:
    return {name: quantity(amount) for name, amount in amounts.items()}
