"""Asking the rig's Prometheus."""

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass

from e2e.rig.web import call


@dataclass(frozen=True)
class Sample:
    """One row of an instant query."""

    labels: Mapping[str, str]
    value: float


def query(url: str, promql: str) -> list[Sample]:
    """Return the rows of an instant query."""
    answer = call(f"{url}/api/v1/query?{urllib.parse.urlencode({'query': promql})}")
    return [Sample(row["metric"], float(row["value"][1])) for row in answer["data"]["result"]]
