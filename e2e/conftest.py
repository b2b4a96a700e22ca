"""A real control plane for the stories: one rig per pytest worker, one namespace per test."""

import re
from collections.abc import Iterator

import pytest

from e2e.rig.cluster import Rig
from e2e.rig.nodes import GPU_NODES


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    """A rig with Plafond installed and four GPU nodes; without its programs, tests fail."""
    with Rig() as started:
        started.install()
        started.add_nodes(GPU_NODES)
        yield started


@pytest.fixture
def namespace(rig: Rig, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, named after it."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    name = words[:50].strip("-")
    rig.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    rig.kubectl("delete", "namespace", name, "--wait=false")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Keep the logs of a rig on which a test failed, and say where they are."""
    report = yield
    used = getattr(item, "funcargs", {}).get("rig")
    if report.failed and isinstance(used, Rig):
        used.keep_logs = True
        report.sections.append(("rig", f"its logs and audit log are in {used.directory}"))
    return report
