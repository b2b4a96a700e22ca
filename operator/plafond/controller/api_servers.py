"""Every API server of the cluster, by its own address: they may differ in what they enforce."""

import copy
import logging
from collections.abc import Mapping
from typing import Final

from kubernetes.aio.client.api_client import ApiClient

from plafond.api.constants import FIELD_MANAGER
from plafond.api.writer import ApiWriter, Result, WriteTimeouts

logger = logging.getLogger(__name__)

_ENDPOINTS: Final = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
# One that is away must not hold up what the others say.
_PATIENCE: Final = WriteTimeouts(connect_seconds=2.0, total_seconds=5.0)


class ApiServers:
    """The one that we talk to, and all others that are configured, or published by the cluster."""

    def __init__(self, api: ApiClient, configured: tuple[str, ...] = ()) -> None:
        self._api = api
        self._configured = configured
        self._own = ApiWriter(api, FIELD_MANAGER, _PATIENCE)
        self._clients: dict[str, ApiClient] = {}

    async def writers(self) -> Mapping[str, ApiWriter]:
        """Return a writer for each API server, by its URL."""
        urls = self._configured or await self._published()
        for url in [url for url in self._clients if url not in urls]:
            await self._clients.pop(url).close()
        # Behind one address stands the one that we talk to anyway.
        if len(urls) < 2:  # noqa: PLR2004 - one, or none that is known
            return {self._api.configuration.host: self._own}
        return {url: ApiWriter(self._client(url), FIELD_MANAGER, _PATIENCE) for url in urls}

    async def close(self) -> None:
        """Close every connection that was opened here."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    def _client(self, url: str) -> ApiClient:
        if url not in self._clients:
            configuration = copy.copy(self._api.configuration)
            configuration.host = url
            self._clients[url] = ApiClient(configuration)
        return self._clients[url]

    async def _published(self) -> tuple[str, ...]:
        answer = await self._own.read(_ENDPOINTS)
        if answer.result is not Result.DONE or answer.body is None:
            logger.debug("the addresses of the API servers are not known: %s", answer.detail)
            return ()
        ports = [p["port"] for p in answer.body.get("ports") or () if p.get("name") == "https"]
        found = [a for e in answer.body.get("endpoints") or () for a in e.get("addresses", ())]
        return tuple(sorted(f"https://{_host(a)}:{port}" for a in found for port in ports))


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
