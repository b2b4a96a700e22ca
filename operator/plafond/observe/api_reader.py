"""
Raw reads from the Kubernetes API: lists by page, watches by line.

The client library brings configuration, credentials and connections. Its typed models are left
aside: for thousands of objects they cost several times the time and memory of plain JSON.
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import ClientError, ClientResponse, ClientTimeout, SocketTimeoutError
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.exceptions import OpenApiException
from kubernetes.aio.config import ConfigException

from plafond.observe.errors import ExpiredError, ObservationError, SilenceError
from plafond.observe.records.fields import Raw

# etcd refuses objects of more than 1.5 MB; as JSON with a watch envelope they stay far below this.
MAX_LINE_BYTES: Final = 16 * 2**20

_TRANSPORT_ERRORS: Final = (ClientError, OSError, TimeoutError, OpenApiException, ConfigException)


@dataclass(frozen=True, slots=True)
class ReadTimeouts:
    """How long the API server may take; a watch that says nothing for *silence* is given up."""

    connect_seconds: float = 5.0
    list_seconds: float = 30.0
    # Bookmarks come about once a minute, so a healthy watch is never silent for longer.
    silence_seconds: float = 70.0


class ApiReader:
    """Reads JSON from the API server; every failure is an ObservationError."""

    def __init__(self, api_client: ApiClient, timeouts: ReadTimeouts | None = None) -> None:
        self._api = api_client
        self._timeouts = timeouts or ReadTimeouts()

    async def get(self, path: str, query: Mapping[str, str]) -> Raw:
        """Return the object at *path*."""
        limits = ClientTimeout(
            total=self._timeouts.list_seconds, sock_connect=self._timeouts.connect_seconds
        )
        with _translated(path):
            async with self._response(path, query, limits) as response:
                return _json_object(await response.read(), path)

    @asynccontextmanager
    async def watch(self, path: str, query: Mapping[str, str]) -> AsyncIterator[AsyncIterator[Raw]]:
        """Begin a watch at *path* and yield its events; they end when the server says so."""
        limits = ClientTimeout(
            total=None,
            sock_connect=self._timeouts.connect_seconds,
            sock_read=self._timeouts.silence_seconds,
        )
        with _translated(path):
            async with self._response(path, query, limits) as response:
                yield _events(response, path)

    @asynccontextmanager
    async def _response(
        self, path: str, query: Mapping[str, str], limits: ClientTimeout
    ) -> AsyncIterator[ClientResponse]:
        method, url, headers, _, _ = await self._api.param_serialize(
            "GET",
            path,
            query_params=list(query.items()),
            header_params={"Accept": "application/json"},
            auth_settings=["BearerToken"],
        )
        answer = await self._api.call_api(method, url, headers, _request_timeout=limits)
        response: ClientResponse = answer.response
        try:
            await _raise_for_status(response, path)
            yield response
        finally:
            # Not release(): what is left of a watch must not be read to reuse its connection.
            response.close()


async def _raise_for_status(response: ClientResponse, path: str) -> None:
    if response.status == HTTPStatus.OK:
        return
    why = f"{path}: the API server answered {response.status} {await _message(response)}".rstrip()
    if response.status == HTTPStatus.GONE:
        raise ExpiredError(why)
    raise ObservationError(why)


async def _message(response: ClientResponse) -> str:
    try:
        status = json.loads(await response.read())
    except ValueError:
        return response.reason or ""
    found = status.get("message") if isinstance(status, dict) else None
    return str(found or response.reason or "")


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except SocketTimeoutError as error:
        msg = f"{path}: the API server fell silent"
        raise SilenceError(msg) from error
    except _TRANSPORT_ERRORS as error:
        msg = f"{path}: the API server did not answer ({str(error) or type(error).__name__})"
        raise ObservationError(msg) from error


async def _events(response: ClientResponse, path: str) -> AsyncIterator[Raw]:
    async for line in _lines(response, path):
        yield _json_object(line, path)


async def _lines(response: ClientResponse, path: str) -> AsyncIterator[bytes]:
    # The response's own readline() refuses lines above its buffer limit, and large objects exist.
    rest = b""
    async for chunk in response.content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
        if len(rest) > MAX_LINE_BYTES:
            msg = f"{path}: an event is larger than {MAX_LINE_BYTES} bytes"
            raise ObservationError(msg)


def _json_object(text: bytes, path: str) -> Raw:
    try:
        found = json.loads(text)
    except ValueError as error:
        msg = f"{path}: the API server's answer is not JSON"
        raise ObservationError(msg) from error
    if not isinstance(found, dict):
        msg = f"{path}: the API server's answer is not an object"
        raise ObservationError(msg)
    return found
