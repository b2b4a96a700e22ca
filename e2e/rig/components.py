"""The command lines of the control plane's programs, and the files they read."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from e2e.rig.certificates import Pki
from e2e.rig.nodes import PLAYED_KEY, PLAYED_VALUE

LOOPBACK = "127.0.0.1"
AUDIT_LOG = "audit.log"
PLAYED = f"{PLAYED_KEY}={PLAYED_VALUE}"
STAGES = Path(__file__).parent / "stages.yaml"

AUDIT_POLICY: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "verbs": ["get", "list", "watch"]},
        {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}],
         "users": ["kwok", "system:kube-controller-manager"]},
        # What the API server made of a request shows only in its response: uids, generated names,
        # grace periods, clamped replica counts.
        {"level": "RequestResponse", "resources": [
            {"group": "", "resources": ["pods", "pods/status", "pods/binding", "pods/eviction"]},
            {"group": "apps", "resources": [
                "deployments", "deployments/scale", "statefulsets", "statefulsets/scale",
            ]},
        ]},
        {"level": "Request", "verbs": ["create", "update", "patch", "delete", "deletecollection"]},
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Ports:
    """The loopback ports of one rig."""

    etcd: int
    etcd_peer: int
    api: int
    controller_manager: int
    scheduler: int
    prometheus: int
    fleet: int
    operator: int

    @classmethod
    def count(cls) -> int:
        """Return how many ports a rig needs."""
        return len(fields(cls))


def etcd(binary: Path, directory: Path, ports: Ports) -> list[str]:
    """Return etcd's command line."""
    clients, peers = f"http://{LOOPBACK}:{ports.etcd}", f"http://{LOOPBACK}:{ports.etcd_peer}"
    return [
        str(binary),
        f"--data-dir={directory / 'etcd'}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        # A rig need not survive a power cut, and fsync is what slow disks are slow at.
        "--unsafe-no-fsync",
    ]


def api_server(
    binary: Path, directory: Path, ports: Ports, pki: Pki, audit_log: str = AUDIT_LOG
) -> list[str]:
    """Return kube-apiserver's command line."""
    policy = directory / "audit-policy.yaml"
    policy.write_text(yaml.safe_dump(AUDIT_POLICY))
    key = pki.key("service-accounts")
    return [
        str(binary),
        f"--etcd-servers=http://{LOOPBACK}:{ports.etcd}",
        *_serving(ports.api, pki),
        f"--client-ca-file={pki.certificate('ca')}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--endpoint-reconciler-type=none",
        f"--audit-policy-file={policy}",
        f"--audit-log-path={directory / audit_log}",
        # The oracle must not rotate away in the middle of a story.
        "--audit-log-maxsize=100000",
        *_front_proxy(pki),
    ]


def _serving(port: int, pki: Pki) -> list[str]:
    return [
        f"--bind-address={LOOPBACK}",
        f"--secure-port={port}",
        f"--tls-cert-file={pki.certificate('apiserver')}",
        f"--tls-private-key-file={pki.key('apiserver')}",
    ]


def _front_proxy(pki: Pki) -> list[str]:
    return [
        f"--requestheader-client-ca-file={pki.certificate('front-proxy-ca')}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={pki.certificate('front-proxy-client')}",
        f"--proxy-client-key-file={pki.key('front-proxy-client')}",
    ]


def controller_manager(
    binary: Path, kubeconfig: Path, ports: Ports, pki: Pki, hpa_sync: str
) -> list[str]:
    """Return kube-controller-manager's command line; *hpa_sync* is how often HPAs are looked at."""
    return [
        str(binary),
        f"--kubeconfig={kubeconfig}",
        f"--root-ca-file={pki.certificate('ca')}",
        f"--service-account-private-key-file={pki.key('service-accounts')}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        *_serving(ports.controller_manager, pki),
        f"--horizontal-pod-autoscaler-sync-period={hpa_sync}",
        # The defaults are for clusters whose API server is shared by thousands of nodes.
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ]


def scheduler(binary: Path, kubeconfig: Path, ports: Ports, pki: Pki) -> list[str]:
    """Return kube-scheduler's command line."""
    return [
        str(binary),
        f"--kubeconfig={kubeconfig}",
        "--leader-elect=false",
        *_serving(ports.scheduler, pki),
    ]


def kwok(binary: Path, kubeconfig: Path, *, beside_kubelets: bool = False) -> list[str]:
    """Return the command line of KWOK, which plays the kubelets as `stages.yaml` says."""
    which = (
        ["--manage-all-nodes=false", f"--manage-nodes-with-annotation-selector={PLAYED}"]
        if beside_kubelets
        else ["--manage-all-nodes=true"]
    )
    return [
        str(binary),
        f"--kubeconfig={kubeconfig}",
        f"--config={STAGES}",
        *which,
        "--node-lease-duration-seconds=40",
    ]


def prometheus(binary: Path, directory: Path, ports: Ports, scrape_interval: str) -> list[str]:
    """Return Prometheus' command line and write its configuration."""
    config = directory / "prometheus.yaml"
    config.write_text(yaml.safe_dump(_scrapes(ports, scrape_interval)))
    return [
        str(binary),
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'prometheus'}",
        f"--web.listen-address={LOOPBACK}:{ports.prometheus}",
        "--web.enable-lifecycle",
    ]


def _scrapes(ports: Ports, interval: str) -> Mapping[str, Any]:
    def job(name: str, port: int, **more: object) -> dict[str, Any]:
        target = {"targets": [f"{LOOPBACK}:{port}"]}
        return {"job_name": name, "static_configs": [target], **more}

    return {
        "global": {"scrape_interval": interval, "scrape_timeout": interval},
        "scrape_configs": [
            # The exporter speaks for many pods: its namespace and pod labels are the pods' own.
            job("fleet", ports.fleet, honor_labels=True),
            job("plafond", ports.operator),
        ],
    }
