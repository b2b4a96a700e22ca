"""Log lines about what is missing: said when it begins and when it ends, not in every pass."""

import logging
from collections.abc import Mapping

logger = logging.getLogger(__name__)


class Missing:
    """Remembers what is missing, by subject; the words for it may change without being news."""

    def __init__(self) -> None:
        self._missing: dict[str, str] = {}

    def update(self, missing: Mapping[str, str]) -> None:
        """Take what is *missing* now, and log the difference."""
        for subject in sorted(missing.keys() - self._missing.keys()):
            logger.warning("not observed: %s", missing[subject])
        for subject in sorted(self._missing.keys() - missing.keys()):
            logger.info("observed again, after: %s", self._missing[subject])
        self._missing = dict(missing)
