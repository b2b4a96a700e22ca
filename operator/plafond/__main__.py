"""Start the operator: `python -m plafond --config FILE`."""

import argparse
import logging
import os
import sys
from importlib.metadata import version
from pathlib import Path

import kopf

from plafond.controller.config import Config, load_config
from plafond.controller.errors import ConfigError, StartError
from plafond.controller.handlers import register
from plafond.controller.kopf_settings import kopf_settings
from plafond.controller.logs import configure_logging
from plafond.controller.process import Process

EXIT_FAILED = 1
EXIT_BAD_INPUT = 2

logger = logging.getLogger("plafond")


def main() -> int:
    """Run the operator until it is told to stop; return the exit code."""
    arguments = _parser().parse_args()
    if arguments.config is None:
        return _said("no configuration: give --config FILE, or set PLAFOND_CONFIG", EXIT_BAD_INPUT)
    try:
        config = load_config(arguments.config)
    except ConfigError as error:
        return _said(str(error), EXIT_BAD_INPUT)
    configure_logging(verbose=arguments.verbose)
    try:
        _run(config)
    except Exception as error:
        cause = error.__cause__ or error
        if isinstance(cause, StartError | OSError):
            return _said(str(cause), EXIT_FAILED)
        logger.critical("the operator ended", exc_info=error)
        return EXIT_FAILED
    return 0


def _run(config: Config) -> None:
    registry = kopf.OperatorRegistry()
    register(registry, Process(config))
    kopf.run(
        registry=registry,
        settings=kopf_settings(),
        standalone=True,
        clusterwide=True,
    )


def _said(sentence: str, code: int) -> int:
    print(f"plafond: {sentence}", file=sys.stderr)  # noqa: T201 - what a command says
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="plafond",
        description="Hold the cost of AI workloads under the ceilings of CostPolicies.",
        epilog="The cluster is the one that the pod runs in, else that of $KUBECONFIG. "
        "Audit lines go to standard output, one JSON object each; logs to standard error.",
    )
    parser.add_argument(
        "--config",
        type=Path,
        default=os.environ.get("PLAFOND_CONFIG"),
        help="the configuration file, see docs/configuration.md; else that of $PLAFOND_CONFIG",
    )
    parser.add_argument("--verbose", action="store_true", help="log every request and wake-up")
    parser.add_argument("--version", action="version", version=f"plafond {version('plafond')}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
