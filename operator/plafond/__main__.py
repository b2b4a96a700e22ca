"""Start the operator: `python -m plafond --config FILE`."""

import argparse
import logging
import sys
from pathlib import Path

import kopf

from plafond.controller.config import ConfigError, load_config
from plafond.controller.handlers import register
from plafond.controller.process import Process

EXIT_BAD_INPUT = 2


def main() -> int:
    """Run the operator until it is told to stop; return the exit code."""
    arguments = _parser().parse_args()
    try:
        settings = load_config(arguments.config)
    except ConfigError as error:
        print(f"plafond: {error}", file=sys.stderr)  # noqa: T201 - what a command says
        return EXIT_BAD_INPUT
    _configure_logging(verbose=arguments.verbose)
    registry = kopf.OperatorRegistry()
    register(registry, Process(settings))
    kopf.run(
        registry=registry,
        standalone=True,
        clusterwide=True,
        liveness_endpoint=f"http://{settings.health_address}/healthz",
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="plafond",
        description="Hold the cost of AI workloads under the ceilings of CostPolicies.",
        epilog="The cluster is the one that the pod runs in, else that of $KUBECONFIG.",
    )
    parser.add_argument(
        "--config",
        type=Path,
        required=True,
        help="the configuration file, see docs/configuration.md",
    )
    parser.add_argument("--verbose", action="store_true", help="log every pass")
    return parser


def _configure_logging(*, verbose: bool) -> None:
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    for noisy in ("kopf", "aiohttp", "urllib3", "asyncio", "kubernetes"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
