"""
What our admission policies add to a write: `make bench-admission`.

PATCHes of `/scale` go round and round: to a namespace that the policies do not select, then to one
with 1, with 100 and with the most ceilings that an annotation holds. So whatever else the machine
does meets all of them alike. The listed workload is the last of its list.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPSConnection

from e2e.rig import kubeconfig
from e2e.rig.cluster import Rig
from e2e.rig.kubeconfig import ApiAccess
from e2e.rig.kubectl import as_text
from e2e.rig.polling import poll
from e2e.rig.progress import doing
from e2e.stories.attacking import MERGE, engine
from plafond.api.annotations import CEILINGS, MAX_CEILINGS_BYTES

NAME = "z" * 63
CEILING = 5
NOT_SELECTED = "kube-public"
ENTRIES = (1, 100)
WARM_UP = 50
PERCENTS = (50, 99)


@dataclass
class Case:
    """One namespace, and how long each write in it took."""

    title: str
    namespace: str
    entries: int
    seconds: list[float] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Where the scale is served."""
        return f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{NAME}/scale"

    def percentile(self, percent: int) -> float:
        """Return a percentile in milliseconds."""
        return statistics.quantiles(self.seconds, n=100)[percent - 1] * 1000


def main() -> int:
    """Measure and print; nothing is kept."""
    parser = argparse.ArgumentParser(prog="python -m e2e.bench.admission", description=__doc__)
    parser.add_argument("--writes", type=int, default=1000, help="for each row of the table (1000)")
    writes = parser.parse_args().writes
    with Rig() as rig:
        with doing("preparing four namespaces"):
            rig.install()
            cases = list(prepared(rig))
        with doing(f"writing {writes} times to each"):
            measure(kubeconfig.access(rig.kubeconfig), cases, writes)
    sys.stdout.write("\n".join(table(cases)) + "\n")
    return 0


def most_entries() -> int:
    """Return how many entries with names of 63 letters an annotation holds."""
    return (MAX_CEILINGS_BYTES + 1) // len(f"deployments.apps/{NAME}={CEILING},")


def prepared(rig: Rig) -> Iterator[Case]:
    """Make the namespaces, wait until the ceilings are in force, and yield what to measure."""
    yield made(rig, Case("not selected by any policy", NOT_SELECTED, 0))
    for entries in (*ENTRIES, most_entries()):
        case = made(rig, Case(f"{entries} in the annotation", f"bench-{entries}", entries))
        poll(lambda at=case: is_held(rig, at), deadline=30, what=f"the ceiling of {case.title}")
        yield case


def made(rig: Rig, case: Case) -> Case:
    """Make the namespace of *case* with its workload and its annotation."""
    names = [*(f"{number:063}" for number in range(case.entries - 1)), NAME][: case.entries]
    listed = ",".join(f"deployments.apps/{name}={CEILING}" for name in names)
    annotations = {CEILINGS: listed} if listed else {}
    metadata = {"name": case.namespace, "annotations": annotations}
    whole = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    # The largest annotation does not fit twice: a client-side apply would copy it.
    rig.kubectl("apply", "--server-side", "-f", "-", stdin=as_text(whole))
    workload = engine("Deployment", NAME, 1)
    rig.apply({**workload, "metadata": {"name": NAME, "namespace": case.namespace}})
    return case


def is_held(rig: Rig, case: Case) -> bool:
    """Say whether the ceiling is in force."""
    rig.merge(case.path, {"spec": {"replicas": 9}})
    return bool(rig.get(case.path)["spec"]["replicas"] == CEILING)


def measure(api: ApiAccess, cases: Sequence[Case], writes: int) -> None:
    """Write to each case in turns, over one connection that stays open."""
    with closing(HTTPSConnection(api.server.partition("//")[2], context=api.tls)) as connection:
        patch = patching(connection)
        for turn in range(WARM_UP + writes):
            for case in cases:
                # Never the count that is there: a write that changes nothing is not stored.
                took = patch(case.path, turn % CEILING + 1)
                if turn >= WARM_UP:
                    case.seconds.append(took)


def patching(connection: HTTPSConnection) -> Callable[[str, int], float]:
    """Return what sends one PATCH and says how many seconds it took."""

    def patch(path: str, replicas: int) -> float:
        body = json.dumps({"spec": {"replicas": replicas}})
        began = time.perf_counter()
        connection.request("PATCH", path, body, {"Content-Type": MERGE})
        with connection.getresponse() as answer:
            answer.read()
        took = time.perf_counter() - began
        if answer.status != 200:
            msg = f"{path} was answered with {answer.status}"
            raise RuntimeError(msg)
        return took

    return patch


def table(cases: Sequence[Case]) -> Iterator[str]:
    """Yield the lines of the table; ratios are to the namespace that is not selected."""
    base = cases[0]
    yield f"{'PATCH of /scale':28} {'p50':>8} {'p99':>8}   {'p50':>6} {'p99':>6}"
    for case in cases:
        shown = [case.percentile(percent) for percent in PERCENTS]
        ratios = [case.percentile(percent) / base.percentile(percent) for percent in PERCENTS]
        times = " ".join(f"{each:5.2f} ms" for each in shown)
        yield f"{case.title:28} {times}   " + " ".join(f"{each:5.2f}x" for each in ratios)


if __name__ == "__main__":
    sys.exit(main())
