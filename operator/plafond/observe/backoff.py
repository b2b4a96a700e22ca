"""How long to wait before asking again."""

import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """
    Delays that double up to a limit, with jitter, until something succeeds.

    Without jitter, caches that lost the same API server would all come back in the same instant.
    """

    first_seconds: float = 0.5
    limit_seconds: float = 10.0
    rng: random.Random = field(default_factory=random.Random)
    _failures: int = 0

    def next_seconds(self) -> float:
        """Return the next delay: between a half and the whole of the doubled one."""
        # The exponent is bounded because 2.0 ** 1024 overflows after a long outage.
        whole = min(self.limit_seconds, self.first_seconds * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return whole * (1 + self.rng.random()) / 2

    def reset(self) -> None:
        """Begin again with the first delay, because something succeeded."""
        self._failures = 0
