"""Quantities and pod requests are exact."""

from fractions import Fraction

import pytest
from e2e.rig.quantities import pod_requests, quantity


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        pytest.param("500m", Fraction(1, 2), id="a half"),
        pytest.param("2Gi", Fraction(2 * 1024**3), id="binary"),
        pytest.param("1k", Fraction(1000), id="decimal"),
        pytest.param(8, Fraction(8), id="a number"),
        pytest.param("1e3", Fraction(1000), id="scientific"),
        pytest.param("0.1", Fraction(1, 10), id="a fraction"),
    ],
)
def test_a_quantity_is_what_it_says(text, amount):
    assert quantity(text) == amount


def container(cpu, **more):
    return {"resources": {"requests": {"cpu": cpu}}, **more}


def test_the_larger_of_starting_and_running_is_reserved():
    # Running: 1 + sidecar 1 = 2; starting: step 3 beside the sidecar started before it = 4.
    spec = {
        "containers": [container("1")],
        "initContainers": [container("1", restartPolicy="Always"), container("3")],
    }

    assert pod_requests(spec) == {"cpu": Fraction(4)}


def test_the_runtimes_overhead_comes_on_top():
    spec = {"containers": [container("1"), container("2")], "overhead": {"cpu": "250m"}}

    assert pod_requests(spec) == {"cpu": Fraction(13, 4)}
