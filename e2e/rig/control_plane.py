"""etcd, API server, controller manager, scheduler and KWOK of one rig."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from e2e.rig import components, kubeconfig
from e2e.rig.certificates import make_pki
from e2e.rig.components import LOOPBACK, Ports
from e2e.rig.processes import Process
from e2e.rig.web import is_up


@dataclass(frozen=True)
class Settings:
    """What a story may want different; durations are written as Kubernetes writes them."""

    api_server_flags: tuple[str, ...] = ()
    hpa_sync: str = "15s"
    scrape_interval: str = "1s"


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
        self.api_server = self._api_server()
        self.controller_manager = self._controller_manager()
        self.scheduler = self._scheduler()
        kwok = components.kwok(binaries["kwok"], self.user_kubeconfig("kwok"))
        self.kwok = self._process("kwok", kwok)

    @property
    def audit_log(self) -> Path:
        """Where the API server writes its audit log."""
        return self._directory / components.AUDIT_LOG

    @property
    def processes(self) -> tuple[Process, ...]:
        """Every program of the control plane."""
        clients = (self.controller_manager, self.scheduler, self.kwok)
        return (self.etcd, self.api_server, *clients)

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

    def user_kubeconfig(self, user: str) -> Path:
        """Write and return the kubeconfig of one of the users with a certificate."""
        server = f"https://{LOOPBACK}:{self._ports.api}"
        path = self._directory / f"{user}.kubeconfig"
        return kubeconfig.with_certificate(path, server, self._pki, user)

    def _api_server(self) -> Process:
        binary = self._binaries["kube-apiserver"]
        command = components.api_server(binary, self._directory, self._ports, self._pki)
        command += self._settings.api_server_flags
        return self._process("kube-apiserver", command, self._ports.api, "readyz")

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
