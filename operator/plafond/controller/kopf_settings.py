"""How kopf is used: for start-up, login, wake-up calls and the end; for nothing else."""

from collections.abc import Iterator

import kopf

from plafond.observe.backoff import Backoff


class EndlessBackoffs:
    """
    Delays between attempts, with jitter and without end.

    Were they to end, an API server that is away for long would end the process, and Kubernetes
    would start it again with delays of minutes.
    """

    def __iter__(self) -> Iterator[float]:
        backoff = Backoff(first_seconds=1.0, limit_seconds=15.0)
        while True:
            yield backoff.next_seconds()


def kopf_settings() -> kopf.OperatorSettings:
    """Return the settings that the operator runs kopf with."""
    settings = kopf.OperatorSettings()
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.networking.error_backoffs = EndlessBackoffs()
    settings.networking.connect_timeout = 5
    settings.networking.request_timeout = 20
    settings.networking.trust_env = False
    return settings
