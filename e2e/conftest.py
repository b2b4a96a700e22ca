"""A real control plane for the stories: one rig per pytest worker, one namespace per test."""

import contextlib
import itertools
import os
import re
import secrets
from collections.abc import Iterator

import pytest

from e2e.rig.backends import KUBECONFIG_VARIABLE
from e2e.rig.binaries import binaries
from e2e.rig.cluster import Rig
from e2e.rig.errors import RigError
from e2e.rig.nodes import GPU_NODES


def pytest_sessionstart(session: pytest.Session) -> None:
    """Get the rig's programs before the first test's time limit begins to run."""
    is_worker = hasattr(session.config, "workerinput")
    if is_worker or session.config.option.collectonly or KUBECONFIG_VARIABLE in os.environ:
        return
    # Another backend may do without; if none does, the tests fail with this sentence.
    with contextlib.suppress(RigError):
        binaries()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Put the longest stories to both ends of the list.

    Each of two workers begins with one half of it and then takes over what the other has left; the
    last test of a worker cannot be taken over, so two long ones must not stand side by side.
    """
    lasting = {
        id(item): mark.args[0] for item in items if (mark := item.get_closest_marker("lasts"))
    }
    longest = max(lasting.values(), default=0)
    items.sort(key=lambda item: {None: 0, longest: -1}.get(lasting.get(id(item)), 1))


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
    # Long names of parametrized tests may differ only in what is cut off.
    name = f"{words[:50].strip('-')}-{secrets.token_hex(2)}"
    rig.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    rig.kubectl("delete", "namespace", name, "--wait=false")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Keep the logs of the rigs on which a test failed, and say where they are."""
    report = yield
    used = [each for each in getattr(item, "funcargs", {}).values() if isinstance(each, Rig)]
    for each in used if report.failed else ():
        each.keep_logs = True
        report.sections.append(("rig", f"its logs and audit log are in {each.directory}"))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that stories measured."""
    reports = [r for found in terminalreporter.stats.values() for r in found]
    measured = [
        (report.nodeid.partition("::")[2], *figure)
        for report in reports
        if getattr(report, "when", "") == "call"
        for figure in report.user_properties
    ]
    if measured:
        terminalreporter.section("figures")
    for story, figures in itertools.groupby(measured, key=lambda figure: figure[0]):
        terminalreporter.write_line(story)
        for _, name, value in figures:
            terminalreporter.write_line(f"  {name}: {value}")
