"""What a pod asks of a node."""

from decimal import Decimal

import pytest

from plafond.observe.records.requests import effective_requests


def container(name="c", restart=None, limits=None, **requests):
    resources = {"requests": requests} | ({"limits": limits} if limits else {})
    return {"name": name, "resources": resources} | ({"restartPolicy": restart} if restart else {})


def numbers(**found):
    return {name: Decimal(text) for name, text in found.items()}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, {}, id="nothing at all"),
        pytest.param({"containers": [{"name": "c"}]}, {}, id="no resources"),
        pytest.param({"containers": [{"name": "c", "resources": None}]}, {}, id="null resources"),
        pytest.param(
            # 500m is half a core, 1Gi is 2**30 bytes.
            {"containers": [container(cpu="500m", memory="1Gi")]},
            numbers(cpu="0.5", memory="1073741824"),
            id="base units",
        ),
        pytest.param(
            {"containers": [container(cpu="1"), container(cpu="250m", memory="1M")]},
            numbers(cpu="1.25", memory="1000000"),
            id="containers add up",
        ),
        pytest.param(
            {"containers": [container(limits={"gpu": "2", "cpu": "4"}, cpu="1")]},
            numbers(gpu="2", cpu="1"),
            id="a limit is a request where there is none",
        ),
        pytest.param(
            {"containers": [container(cpu="1")], "initContainers": [container(cpu="3")]},
            numbers(cpu="3"),
            id="a larger init container counts instead",
        ),
        pytest.param(
            {"containers": [container(cpu="4")], "initContainers": [container(cpu="3")]},
            numbers(cpu="4"),
            id="a smaller one does not",
        ),
        pytest.param(
            {
                "containers": [container(cpu="4")],
                "initContainers": [container(restart="Always", cpu="1")],
            },
            numbers(cpu="5"),
            id="a sidecar adds up",
        ),
        pytest.param(
            # Beside the sidecar of 1 the init container of 6 needs 7, later 4 + 1 = 5.
            {
                "containers": [container(cpu="4")],
                "initContainers": [container(restart="Always", cpu="1"), container(cpu="6")],
            },
            numbers(cpu="7"),
            id="an init container runs beside earlier sidecars",
        ),
        pytest.param(
            # Before the sidecar the init container of 6 runs alone.
            {
                "containers": [container(cpu="4")],
                "initContainers": [container(cpu="6"), container(restart="Always", cpu="1")],
            },
            numbers(cpu="6"),
            id="but not beside later ones",
        ),
        pytest.param(
            {"containers": [container(cpu="1")], "overhead": {"cpu": "100m", "memory": "10"}},
            numbers(cpu="1.1", memory="10"),
            id="the runtime's overhead is on top",
        ),
        pytest.param(
            # For the whole pod 2 cores, whatever its containers say; GPUs only come per container.
            {
                "containers": [container(cpu="1", gpu="1"), container(cpu="3")],
                "resources": {"requests": {"cpu": "2"}},
            },
            numbers(cpu="2", gpu="1"),
            id="requests of the whole pod replace the sum",
        ),
    ],
)
def test_effective_requests_are_what_the_scheduler_reserves(spec, expected):
    assert effective_requests(spec) == expected


def test_pods_of_one_template_share_what_they_ask_for():
    one, other = ({"containers": [container(cpu="2", memory="1Gi")]} for _ in range(2))

    assert effective_requests(one) is effective_requests(other)


@pytest.mark.parametrize("text", ["", "one", "1Xi", "NaN", "Infinity", "-1", "1e999999999"])
def test_a_quantity_that_is_none_is_an_error(text):
    with pytest.raises((ValueError, ArithmeticError)):
        effective_requests({"containers": [container(cpu=text)]})
