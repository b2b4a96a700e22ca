"""One rig: a cluster with nodes, Prometheus and a fleet, and everything a story does to it."""

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from types import TracebackType
from typing import Any, Self

from e2e.rig import components, kubeconfig
from e2e.rig.audit import AuditLog
from e2e.rig.backends import Cluster, start_cluster
from e2e.rig.certificates import Pki
from e2e.rig.components import LOOPBACK, Ports
from e2e.rig.control_plane import ControlPlane, SecondApiServer, Settings
from e2e.rig.errors import PortTakenError, RigError
from e2e.rig.external_metrics import ROOT, registration
from e2e.rig.fleet_client import Fleet
from e2e.rig.home import RigHome, take_home
from e2e.rig.install import NAMESPACE, REPOSITORY, SERVICE_ACCOUNT, install
from e2e.rig.kubeconfig import Request
from e2e.rig.kubectl import Kubectl, Objects, as_text
from e2e.rig.nodes import Node, is_open, manifest
from e2e.rig.polling import poll
from e2e.rig.ports import free_ports
from e2e.rig.processes import Process
from e2e.rig.prometheus import Sample, query
from e2e.rig.web import Answer, is_up

START_ATTEMPTS = 3


class Rig:
    """A real control plane that lives as long as the `with` block, or until `stop`."""

    def __init__(self, settings: Settings | None = None):
        self._settings = settings or Settings()
        self._processes: dict[str, Process] = {}
        self._cluster: Cluster | None = None
        self._audit: AuditLog | None = None
        self.keep_logs = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.keep_logs = self.keep_logs or error is not None
        self.stop()

    def start(self) -> None:
        """Start everything; a port that another program took meanwhile only costs a new try."""
        for attempt in range(1, START_ATTEMPTS + 1):
            self._home: RigHome = take_home()
            try:
                self._start()
            except PortTakenError:
                self.stop()
                if attempt == START_ATTEMPTS:
                    raise
            except BaseException:
                self.keep_logs = True
                self.stop()
                raise
            else:
                return

    def _start(self) -> None:
        self._ports = Ports(*free_ports(Ports.count()))
        self._cluster = start_cluster(self.directory, self._ports, self._settings)
        self._kubectl = Kubectl(
            self._running.binaries["kubectl"], self.kubeconfig, self.directory / "kubectl-cache"
        )
        self._api = kubeconfig.access(self.kubeconfig)
        self.fleet = Fleet(f"http://{LOOPBACK}:{self._ports.fleet}")
        self._start_prometheus()
        self._start_fleet()

    def stop(self) -> None:
        """End everything; the logs stay if something failed."""
        for process in self._processes.values():
            process.kill()
        self._processes.clear()
        if self._cluster is not None:
            self._cluster.end()
            self._cluster = None
        self._home.release(keep=self.keep_logs)

    @property
    def directory(self) -> Path:
        """Where this rig's logs, keys and data are."""
        return self._home.directory

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self._running.kubeconfig

    @property
    def kubectl_binary(self) -> Path:
        """The kubectl of the rig's own version."""
        return self._running.binaries["kubectl"]

    @property
    def prometheus(self) -> Process:
        """Prometheus, to be killed and started again on the same port."""
        return self._processes["prometheus"]

    @property
    def prometheus_url(self) -> str:
        """Where Prometheus answers."""
        return f"http://{LOOPBACK}:{self._ports.prometheus}"

    @property
    def operator_metrics_port(self) -> int:
        """The port on which Prometheus expects the operator's own metrics."""
        return self._ports.operator

    @property
    def control_plane(self) -> ControlPlane:
        """The control plane's programs."""
        if self._running.control_plane is None:
            msg = "this cluster is not the rig's own: its programs and audit log are out of reach"
            raise RigError(msg)
        return self._running.control_plane

    @property
    def audit(self) -> AuditLog:
        """Who wrote what; only the rig's own control plane keeps it where we can read it."""
        paths = self.control_plane.audit_logs
        if self._audit is None or self._audit.paths != paths:
            self._audit = AuditLog(*paths)
        return self._audit

    @property
    def _running(self) -> Cluster:
        if self._cluster is None:
            msg = "the rig is not started"
            raise RigError(msg)
        return self._cluster

    @property
    def api_server(self) -> Process:
        """The API server, to be killed and started again on the same port and etcd."""
        return self.control_plane.api_server

    def start_second_api_server(self, emulated_version: str | None = None) -> SecondApiServer:
        """Start another API server on the same etcd; the audit log has its writes, too."""
        return self.control_plane.start_second_api_server(emulated_version)

    def kubectl(
        self, *args: str, stdin: str | None = None, as_user: str | None = None
    ) -> CompletedProcess[str]:
        """Run kubectl as administrator, or impersonating *as_user*; a failure is an answer, too."""
        return self._kubectl(*args, stdin=stdin, as_user=as_user)

    def apply(self, objects: Objects) -> str:
        """Apply YAML text or objects; a refusal is an error with the API server's words."""
        return self._kubectl.check("apply", "-f", "-", stdin=as_text(objects))

    def get(self, path: str) -> Any:
        """Return the JSON that the API server has at *path*; cheaper than kubectl when polling."""
        return self._api.get(path)

    def merge(self, path: str, patch: object) -> int:
        """Merge *patch* into the object at *path*; return the code, 0 without an answer."""
        return self._api.merge(path, patch)

    def query(self, promql: str) -> list[Sample]:
        """Return the rows of an instant query to Prometheus."""
        return query(self.prometheus_url, promql)

    def send(
        self, method: str, path: str, body: object = None, how: Request | None = None
    ) -> Answer:
        """Send one request as the administrator or somebody else; a refusal is an answer, too."""
        return self._api.send(method, path, body, how)

    def install(self, leave_out: Collection[str] = ()) -> frozenset[str]:
        """Apply the repository's CRDs and manifests; return the kinds that are not served."""
        return install(self._kubectl, leave_out)

    def show_demand_to_hpas(self, *, lost: bool = False) -> None:
        """Serve the fleet's demand as external metrics, or have them fail if they are *lost*."""
        # Only an API server on this machine finds the fleet at localhost.
        pki = Pki(self.control_plane.audit_logs[0].parent / "pki")
        port = self.fleet.show_to_hpas(pki.certificate("fleet"), pki.key("fleet"), lost=lost)
        if not lost:
            self.apply(registration(port))
            poll(lambda: self.kubectl("get", "--raw", ROOT).returncode == 0, 60, what=ROOT)

    @property
    def plays_nodes(self) -> bool:
        """Whether machines can be added; a cluster that the user names brings its own."""
        return self._running.plays_nodes

    def add_nodes(self, nodes: Iterable[Node]) -> None:
        """Add machines and wait until pods can be scheduled on them."""
        wanted = {node.name: manifest(node) for node in nodes}
        missing = wanted.keys() - {node["metadata"]["name"] for node in self._nodes()}
        if missing and not self.plays_nodes:
            msg = (
                f"the cluster has no node {min(missing)}, and a named cluster brings its own nodes"
            )
            raise RigError(msg)
        if missing:
            added = [wanted[name] for name in sorted(missing)]
            self._kubectl.check("create", "-f", "-", stdin=as_text(added))
        poll(lambda: wanted.keys() <= self._open_nodes(), deadline=60, what="the nodes to be ready")

    def _open_nodes(self) -> set[str]:
        return {node["metadata"]["name"] for node in self._nodes() if is_open(node)}

    def _nodes(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self.get("/api/v1/nodes")["items"]
        return found

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """Write a kubeconfig with a fresh token of a ServiceAccount and return its path."""
        token = self._kubectl.check(
            "create", "token", name, f"--namespace={namespace}", "--duration=24h"
        )
        path = self.directory / f"{namespace}-{name}.kubeconfig"
        return kubeconfig.with_token(path, self.kubeconfig, name, token.strip())

    def start_operator(
        self, config: Path, env: Mapping[str, str] | None = None, args: Sequence[str] = ()
    ) -> Process:
        """Run the operator of this checkout as its own ServiceAccount, with exactly its RBAC."""
        credentials = self.service_account_kubeconfig(NAMESPACE, SERVICE_ACCOUNT)
        command = [sys.executable, "-m", "plafond", "--config", str(config), *args]
        environment = {"KUBECONFIG": str(credentials), "PYTHONUNBUFFERED": "1", **(env or {})}
        number = sum(name.startswith("operator") for name in self._processes) + 1
        operator = self._process(f"operator-{number}", command, environment)
        operator.start()
        return operator

    def _start_prometheus(self) -> None:
        binary, interval = self._running.binaries["prometheus"], self._settings.scrape_interval
        command = components.prometheus(binary, self.directory, self._ports, interval)
        self._process("prometheus", command, ready=f"{self.prometheus_url}/-/ready").start()

    def _start_fleet(self) -> None:
        plane = self._running.control_plane
        config = plane.user_kubeconfig("fleet") if plane else self.kubeconfig
        command = [
            sys.executable, "-m", "e2e.rig.fleet",
            f"--kubeconfig={config}", f"--port={self._ports.fleet}",
        ]  # fmt: skip
        environment = {"PYTHONPATH": str(REPOSITORY)}
        self._process("fleet", command, environment, f"{self.fleet.url}/healthz").start()

    def _process(
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str] | None = None,
        ready: str | None = None,
    ) -> Process:
        is_ready = (lambda: is_up(ready)) if ready else None
        process = Process(name, command, self.directory, env, is_ready)
        self._processes[name] = process
        return process
