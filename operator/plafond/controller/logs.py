"""Where log lines go: audit lines as they are to standard output, everything else to the errors."""

import logging
import sys
from typing import Final

_NOISY: Final = ("kopf", "aiohttp", "urllib3", "asyncio")
_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"


class _WithoutEcho(logging.Filter):
    """Drops what is said elsewhere: each retry of kopf."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "failed; will retry" not in str(record.msg)


def configure_logging(*, verbose: bool) -> None:
    """Send log lines where they belong."""
    errors = logging.StreamHandler(sys.stderr)
    errors.setFormatter(logging.Formatter(_FORMAT))
    errors.addFilter(_WithoutEcho())
    root = logging.getLogger()
    root.addHandler(errors)
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # A missing kubeconfig is said by whoever needed it.
    logging.getLogger("kubernetes").setLevel(logging.ERROR)
    # A start that fails is said in a sentence by whoever started it.
    logging.getLogger("kopf.activities.startup").setLevel(logging.CRITICAL)
    audit = logging.StreamHandler(sys.stdout)
    audit.setFormatter(logging.Formatter("%(message)s"))
    logging.getLogger("plafond.audit").addHandler(audit)
    logging.getLogger("plafond.audit").propagate = False
