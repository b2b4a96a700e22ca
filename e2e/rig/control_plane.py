"""etcd, API server, controller manager, scheduler and KWOK of one rig."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from e2e.rig import components, kubeconfig
from e2e.rig.certificates import make_pki
from e2e.rig.components import LOOPBACK, Ports
from e2e.rig.kubeconfig import ApiAccess
from e2e.rig.lag import LaggingWire
from e2e.rig.ports import free_ports
from e2e.rig.processes import Process
from e2e.rig.web import is_up

SECOND = "kube-apiserver-2"
SECOND_AUDIT_LOG = "audit-2.log"


@dataclass(frozen=True)
class Settings:
    """What a story may want different; durations are written as Kubernetes writes them."""

    api_server_flags: tuple[str, ...] = ()
    hpa_sync: str = "15s"
    scrape_interval: str = "1s"
    emulated_version: str | None = None

    @property
    def flags(self) -> tuple[str, ...]:
        """The API server's further flags."""
        older = (f"--emulated-version={self.emulated_version}",) if self.emulated_version else ()
        return (*self.api_server_flags, *older)


@dataclass(frozen=True)
class SecondApiServer:
    """Another API server on the same etcd; `wire.delay_seconds` makes its namespaces lag."""

    process: Process
    api: ApiAccess
    wire: LaggingWire


class ControlPlane:
    """The programs that together are a Kubernetes cluster, in the order in which they start."""

    def __init__(
        self, directory: Path, binaries: Mapping[str, Path], ports: Ports, settings: Settings
    ):
        self._directory = directory
        self._binaries = binaries
        self._ports = ports
        self._settings = settings
        self._pki = make_pki(directory / "pki")
        self.kubeconfig = self.user_kubeconfig("admin")
        self._tls = kubeconfig.access(self.kubeconfig).tls
        self.etcd = self._process("etcd", components.etcd(binaries["etcd"], directory, ports))
        self.api_server = self._api_server("kube-apiserver", ports)
        self.controller_manager = self._controller_manager()
        self.scheduler = self._scheduler()
        kwok = components.kwok(binaries["kwok"], self.user_kubeconfig("kwok"))
        self.kwok = self._process("kwok", kwok)
        self.second: SecondApiServer | None = None

    @property
    def audit_logs(self) -> tuple[Path, ...]:
        """Where the API servers write their audit logs."""
        first = self._directory / components.AUDIT_LOG
        return (first, self._directory / SECOND_AUDIT_LOG) if self.second else (first,)

    @property
    def processes(self) -> tuple[Process, ...]:
        """Every program of the control plane."""
        clients = (self.controller_manager, self.scheduler, self.kwok)
        second = (self.second.process,) if self.second else ()
        return (self.etcd, self.api_server, *second, *clients)

    def start(self) -> None:
        """Start everything; all that can say so are ready when this returns."""
        self.etcd.spawn()
        self.api_server.start()
        clients = (self.controller_manager, self.scheduler, self.kwok)
        for client in clients:
            client.spawn()
        for client in clients:
            client.wait_ready()

    def kill(self) -> None:
        """End everything at once: nobody needs its data any more."""
        for process in reversed(self.processes):
            process.kill()
        if self.second:
            self.second.wire.stop()

    def start_second_api_server(self, emulated_version: str | None = None) -> SecondApiServer:
        """Start another API server on the same etcd, behind a wire that can lag; maybe an older."""
        port, wire_port = free_ports(2)
        wire = LaggingWire(wire_port, self._ports.etcd, about=b"/registry/namespaces/").start()
        config = self.user_kubeconfig("admin", port, "second-admin")
        ports = replace(self._ports, etcd=wire_port, api=port)
        process = self._api_server(SECOND, ports, emulated_version)
        self.second = SecondApiServer(process, kubeconfig.access(config), wire)
        process.start()
        return self.second

    def user_kubeconfig(self, user: str, port: int | None = None, name: str = "") -> Path:
        """Write and return the kubeconfig of one of the users with a certificate."""
        server = f"https://{LOOPBACK}:{port or self._ports.api}"
        path = self._directory / f"{name or user}.kubeconfig"
        return kubeconfig.with_certificate(path, server, self._pki, user)

    def _api_server(self, name: str, ports: Ports, emulated_version: str | None = None) -> Process:
        binary = self._binaries["kube-apiserver"]
        log = SECOND_AUDIT_LOG if name == SECOND else components.AUDIT_LOG
        command = components.api_server(binary, self._directory, ports, self._pki, log)
        version = emulated_version or self._settings.emulated_version
        flags = replace(self._settings, emulated_version=version).flags
        return self._process(name, [*command, *flags], ports.api, "readyz")

    def _controller_manager(self) -> Process:
        name, config = "kube-controller-manager", self.user_kubeconfig("controller-manager")
        command = components.controller_manager(
            self._binaries[name], config, self._ports, self._pki, self._settings.hpa_sync
        )
        return self._process(name, command, self._ports.controller_manager, "healthz")

    def _scheduler(self) -> Process:
        name, config = "kube-scheduler", self.user_kubeconfig("scheduler")
        command = components.scheduler(self._binaries[name], config, self._ports, self._pki)
        return self._process(name, command, self._ports.scheduler, "healthz")

    def _process(
        self, name: str, command: list[str], port: int | None = None, path: str = ""
    ) -> Process:
        url = f"https://{LOOPBACK}:{port}/{path}"
        is_ready = (lambda: is_up(url, tls=self._tls)) if port else None
        return Process(name, command, self._directory, ready=is_ready)
