"""
What a pod asks of a node, as the scheduler counts it, in base units.

CPU is in cores, memory in bytes, everything else in pieces.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache

from kubernetes.utils.quantity import parse_quantity

from plafond.observe.records.fields import Raw, part, parts

Amounts = dict[str, Decimal]

# With requests for the whole pod (Kubernetes 1.34), only these replace the sum of the containers.
_POD_LEVEL = ("cpu", "memory")


def effective_requests(pod_spec: Raw) -> Mapping[str, Decimal]:
    """
    Return the requests that the scheduler reserves for a pod of *pod_spec*.

    Sidecars (init containers that restart always) run beside everything after them; other init
    containers run alone, before the containers, so of these only the largest need counts.
    """
    running = _sum(_requests(container) for container in parts(pod_spec, "containers"))
    sidecars: Amounts = {}
    starting: Amounts = {}
    for container in parts(pod_spec, "initContainers"):
        if container.get("restartPolicy") == "Always":
            sidecars = _sum((sidecars, _requests(container)))
            starting = _largest(starting, sidecars)
        else:
            starting = _largest(starting, _sum((sidecars, _requests(container))))
    needed = _largest(_sum((running, sidecars)), starting)
    whole_pod = _requests(pod_spec)
    needed |= {name: whole_pod[name] for name in _POD_LEVEL if name in whole_pod}
    found = _sum((needed, quantities(part(pod_spec, "overhead"))))
    return _shared(tuple((name, str(amount)) for name, amount in found.items()))


# What pods of one template ask for is one object, so that a pass looks at it and prices it once.
@lru_cache(maxsize=4096)
def _shared(amounts: tuple[tuple[str, str], ...]) -> Mapping[str, Decimal]:
    # By their texts: 1 and 1.000 are equal, and each is written as it was read.
    return {name: Decimal(text) for name, text in amounts}


def quantities(raw: Raw) -> Amounts:
    """Return *raw* resource quantities as numbers."""
    return {name: quantity(str(text)) for name, text in raw.items()}


def _requests(container: Raw) -> Amounts:
    resources = part(container, "resources")
    # A template may give limits only: the API server copies them to requests when the pod is made.
    return quantities({**part(resources, "limits"), **part(resources, "requests")})


@lru_cache(maxsize=4096)
def quantity(text: str) -> Decimal:
    """Return the resource quantity *text* as a number."""
    found: Decimal = parse_quantity(text)
    if not found.is_finite() or found < 0:
        msg = f"{text} is not a resource quantity"
        raise ValueError(msg)
    return found


def _sum(summands: Iterable[Mapping[str, Decimal]]) -> Amounts:
    total: Amounts = {}
    for summand in summands:
        for name, value in summand.items():
            total[name] = total.get(name, Decimal(0)) + value
    return total


def _largest(left: Mapping[str, Decimal], right: Mapping[str, Decimal]) -> Amounts:
    return {
        name: max(left.get(name, Decimal(0)), right.get(name, Decimal(0)))
        for name in {**left, **right}
    }
