"""The programs that a rig is made of: versions, and where each comes from."""

import platform
from dataclasses import dataclass

KUBERNETES = "1.36.3"
ETCD = "3.6.8"
KWOK = "0.8.0"
# Prometheus numbers its Go module 0.MMNN.P for the release M.NN.P.
PROMETHEUS, PROMETHEUS_MODULE = "3.15.0", "0.315.0"
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
TOOLS = ("kubectl", "prometheus", "promtool")


@dataclass(frozen=True)
class Release:
    """An official download: a bare program, or one inside an archive, with its checksum file."""

    url: str
    checksums_url: str
    member: str | None = None


@dataclass(frozen=True)
class Product:
    """One program: its name, its version, and the Go package it is built from."""

    name: str
    version: str
    module: str
    module_version: str
    package: str
    release: Release


def host_os() -> str:
    """Return this machine's system as Go names it."""
    return platform.system().lower()


def host_arch() -> str:
    """Return this machine's processor as Go names it."""
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def products() -> tuple[Product, ...]:
    """Return every product for this machine; those built from one module stand together."""
    commands = ("kubectl", "kube-scheduler", "kube-controller-manager", "kube-apiserver")
    tools = ("prometheus", "promtool")
    return (*map(_kubernetes, commands), _etcd(), _kwok(), *map(_prometheus, tools))


def _kubernetes(name: str) -> Product:
    url = f"https://dl.k8s.io/release/v{KUBERNETES}/bin/{host_os()}/{host_arch()}/{name}"
    return Product(
        name, KUBERNETES, "k8s.io/kubernetes", f"v{KUBERNETES}", f"k8s.io/kubernetes/cmd/{name}",
        Release(url, f"{url}.sha256"),
    )  # fmt: skip


def _etcd() -> Product:
    base = f"https://github.com/etcd-io/etcd/releases/download/v{ETCD}"
    folder = f"etcd-v{ETCD}-{host_os()}-{host_arch()}"
    module = "go.etcd.io/etcd/server/v3"
    return Product(
        "etcd", ETCD, module, f"v{ETCD}", module,
        Release(f"{base}/{folder}.tar.gz", f"{base}/SHA256SUMS", f"{folder}/etcd"),
    )  # fmt: skip


def _kwok() -> Product:
    base = f"https://github.com/kubernetes-sigs/kwok/releases/download/v{KWOK}"
    url = f"{base}/kwok-{host_os()}-{host_arch()}"
    module = "sigs.k8s.io/kwok"
    return Product(
        "kwok", KWOK, module, f"v{KWOK}", f"{module}/cmd/kwok", Release(url, f"{url}.sha256")
    )


def _prometheus(name: str) -> Product:
    base = f"https://github.com/prometheus/prometheus/releases/download/v{PROMETHEUS}"
    folder = f"prometheus-{PROMETHEUS}.{host_os()}-{host_arch()}"
    module = "github.com/prometheus/prometheus"
    return Product(
        name, PROMETHEUS, module, f"v{PROMETHEUS_MODULE}", f"{module}/cmd/{name}",
        Release(f"{base}/{folder}.tar.gz", f"{base}/sha256sums.txt", f"{folder}/{name}"),
    )  # fmt: skip
