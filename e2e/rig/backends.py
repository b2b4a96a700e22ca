"""Where a rig's cluster comes from: one that the user names, our own programs, or kind."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from e2e.rig import components
from e2e.rig.binaries import binaries
from e2e.rig.components import Ports
from e2e.rig.control_plane import ControlPlane, Settings
from e2e.rig.errors import MissingBinaryError, RigError
from e2e.rig.processes import Process
from e2e.rig.products import TOOLS

KUBECONFIG_VARIABLE = "PLAFOND_KUBECONFIG"


@dataclass(frozen=True)
class Cluster:
    """A running cluster; `control_plane` is None if its programs are not ours to kill."""

    kubeconfig: Path
    binaries: Mapping[str, Path]
    control_plane: ControlPlane | None = None
    plays_nodes: bool = True
    end: Callable[[], None] = lambda: None


def start_cluster(directory: Path, ports: Ports, settings: Settings) -> Cluster:
    """Start or name the cluster for the rig in *directory*; first hit wins."""
    named = os.environ.get(KUBECONFIG_VARIABLE)
    if named:
        return _named(Path(named))
    try:
        programs = binaries()
    except MissingBinaryError:
        if not has_docker():
            raise
        return _kind(directory)
    control_plane = ControlPlane(directory, programs, ports, settings)
    try:
        control_plane.start()
    except BaseException:
        control_plane.kill()
        raise
    return Cluster(control_plane.kubeconfig, programs, control_plane, end=control_plane.kill)


def _named(path: Path) -> Cluster:
    if not path.is_file():
        msg = f"{KUBECONFIG_VARIABLE} names {path}, which is no file"
        raise RigError(msg)
    return Cluster(path.resolve(), binaries(TOOLS), plays_nodes=False)


def has_docker() -> bool:
    """Whether a Docker engine answers."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    asked = subprocess.run([docker, "info"], capture_output=True, timeout=20, check=False)  # noqa: S603 - docker as found on the path
    return asked.returncode == 0


def _kind(directory: Path) -> Cluster:
    # Imported here because it brings a client library that nothing else needs.
    from pytest_kind import KindCluster  # noqa: PLC0415 - see above

    cluster = KindCluster(f"plafond-{directory.name}", kubeconfig=directory / "admin.kubeconfig")
    programs = binaries((*TOOLS, "kwok"))
    cluster.create()
    command = components.kwok(programs["kwok"], cluster.kubeconfig_path, beside_kubelets=True)
    kwok = Process("kwok", command, directory)
    kwok.spawn()

    def end() -> None:
        kwok.kill()
        cluster.delete()

    return Cluster(cluster.kubeconfig_path, programs, end=end)
