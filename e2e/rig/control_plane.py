"""etcd, API server, controller manager, scheduler and KWOK of one rig."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from e2e.rig import components, kubeconfig
from e2e.rig.certificates import Pki, make_pki
from e2e.rig.components import Ports
from e2e.rig.processes import Process


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
        pki = make_pki(directory / "pki")
        self._pki = pki
        self.kubeconfig = self._kubeconfig("admin")
        self.etcd = self._process("etcd", components.etcd(binaries["etcd"], directory, ports))
        self.api_server = self._api_server(pki)
        self.controller_manager = self._controller_manager(pki)
        self.scheduler = self._scheduler(pki)
        self.kwok = self._process(
            "kwok", components.kwok(binaries["kwok"], self._kubeconfig("kwok"))
        )

    @property
    def processes(self) -> tuple[Process, ...]:
        """Every program of the control plane."""
        clients = (self.controller_manager, self.scheduler, self.kwok)
        return (self.etcd, self.api_server, *clients)

    def start(self) -> None:
        """Start everything; the API server answers when this returns."""
        self.etcd.spawn()
        self.api_server.start()
        for client in (self.controller_manager, self.scheduler, self.kwok):
            client.spawn()

    def user_kubeconfig(self, user: str) -> Path:
        """Return the kubeconfig of one of the certificate users."""
        return self._kubeconfig(user)

    def _process(self, name: str, command: list[str]) -> Process:
        return Process(name, command, self._directory)

    def _kubeconfig(self, user: str) -> Path:
        server = f"https://{components.LOOPBACK}:{self._ports.api}"
        path = self._directory / f"{user}.kubeconfig"
        return kubeconfig.with_certificate(path, server, self._pki, user)

    def _api_server(self, pki: Pki) -> Process:
        binary = self._binaries["kube-apiserver"]
        command = components.api_server(binary, self._directory, self._ports, pki)
        command += self._settings.api_server_flags
        is_ready = kubeconfig.access(self.kubeconfig).is_ready
        return Process("kube-apiserver", command, self._directory, ready=is_ready)

    def _controller_manager(self, pki: Pki) -> Process:
        binary, config = (
            self._binaries["kube-controller-manager"],
            self._kubeconfig("controller-manager"),
        )
        command = components.controller_manager(
            binary, config, self._ports, pki, self._settings.hpa_sync
        )
        return self._process("kube-controller-manager", command)

    def _scheduler(self, pki: Pki) -> Process:
        binary, config = self._binaries["kube-scheduler"], self._kubeconfig("scheduler")
        return self._process(
            "kube-scheduler", components.scheduler(binary, config, self._ports, pki)
        )
