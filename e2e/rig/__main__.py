"""`python -m e2e.rig`: get the rig's programs, or start a rig and wait for Ctrl-C."""

import argparse
import signal
import sys
import threading
from pathlib import Path

import yaml

from e2e.rig.binaries import binaries
from e2e.rig.cluster import Rig
from e2e.rig.control_plane import Settings
from e2e.rig.errors import RigError
from e2e.rig.install import NAMESPACE, SERVICE_ACCOUNT
from e2e.rig.nodes import GPU_NODES
from e2e.rig.ports import free_ports
from e2e.rig.progress import doing, say


def main() -> int:
    """Run one subcommand; what goes wrong is said in one sentence."""
    arguments = _parser().parse_args()
    try:
        arguments.run(arguments)
    except RigError as error:
        say(f"error: {error}")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m e2e.rig", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="build | up")
    build = commands.add_parser(
        "build", help="find, download or build every program",
        description="Find, download or build every program of the rig and print where it is.",
    )  # fmt: skip
    build.set_defaults(run=_build)
    up = commands.add_parser(
        "up", help="start a control plane and wait for Ctrl-C",
        description="Start a control plane with Plafond's resources, four GPU nodes, Prometheus "
        "and the fleet exporter; print how to reach them; stop everything on Ctrl-C.",
    )  # fmt: skip
    up.add_argument("--scrape-interval", default="1s", help="Prometheus' scrape interval (1s)")
    up.add_argument("--hpa-sync", default="15s", help="how often HPAs are looked at (15s)")
    up.add_argument(
        "--api-server-flag", action="append", default=[], metavar="FLAG",
        help="a further flag for kube-apiserver, such as --emulated-version=1.35; may be repeated",
    )  # fmt: skip
    up.set_defaults(run=_up)
    return parser


def _build(_: argparse.Namespace) -> None:
    for name, path in binaries().items():
        sys.stdout.write(f"{name} {path}\n")


def _up(arguments: argparse.Namespace) -> None:
    asked_to_end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked_to_end.set())
    flags = tuple(arguments.api_server_flag)
    rig = Rig(Settings(flags, arguments.hpa_sync, arguments.scrape_interval))
    with doing("starting the control plane"):
        rig.start()
    try:
        with doing("installing Plafond and four GPU nodes"):
            rig.install()
            if rig.plays_nodes:
                rig.add_nodes(GPU_NODES)
        _tell(rig)
        asked_to_end.wait()
    except RigError:
        rig.keep_logs = True
        raise
    finally:
        with doing("stopping"):
            rig.stop()


def _tell(rig: Rig) -> None:
    account = f"serviceaccount/{SERVICE_ACCOUNT}"
    lines = [
        f"export KUBECONFIG={rig.kubeconfig}",
        f"export PLAFOND_CONFIG={_operator_config(rig)}",
        f"export PROMETHEUS_URL={rig.prometheus_url}",
        f"export FLEET_URL={rig.fleet.url}",
    ]
    if rig.kubectl("get", account, f"--namespace={NAMESPACE}").returncode == 0:
        path = rig.service_account_kubeconfig(NAMESPACE, SERVICE_ACCOUNT)
        lines.append(f"export OPERATOR_KUBECONFIG={path}")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    say("with these, `KUBECONFIG=$OPERATOR_KUBECONFIG make run` elsewhere runs the operator")
    say(f"logs and audit log are in {rig.directory}; Ctrl-C stops everything")


def _operator_config(rig: Rig) -> Path:
    """Write a configuration for an operator beside the rig; return where it is."""
    (health,) = free_ports(1)
    path = rig.directory / "plafond.yaml"
    config = {
        "evaluationPeriod": "5s",
        "prometheus": {"url": rig.prometheus_url},
        "healthAddress": f"127.0.0.1:{health}",
        "metricsAddress": f"127.0.0.1:{rig.operator_metrics_port}",
    }
    path.write_text(yaml.safe_dump(config))
    return path


if __name__ == "__main__":
    sys.exit(main())
