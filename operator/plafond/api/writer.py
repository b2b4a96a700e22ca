"""
Raw writes to the Kubernetes API: one request each, with a timeout, translated once.

What the API server answers is a value. Nothing here retries: the next pass looks again.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

from aiohttp import ClientError, ClientResponse, ClientTimeout
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.exceptions import OpenApiException
from kubernetes.aio.config import ConfigException

_MERGE_PATCH: Final = "application/merge-patch+json"
_MAX_DETAIL: Final = 1024


class Result(StrEnum):
    """How a write ended."""

    DONE = "Done"
    OBSERVED = "Observed"  # not carried out, by mode
    SKIPPED = "Skipped"  # not tried, because an action that it relies on failed
    CONFLICT = "Conflict"  # somebody else wrote first; the next pass looks again
    GONE = "Gone"
    FORBIDDEN = "Forbidden"
    REFUSED = "Refused"  # by admission or validation
    UNAVAILABLE = "Unavailable"  # no answer, or one that says "later"; it may have been carried out


# By number: gateways in front of an API server answer with codes that have no name.
_RESULTS: Final[dict[int, Result]] = {
    HTTPStatus.UNAUTHORIZED: Result.FORBIDDEN,
    HTTPStatus.FORBIDDEN: Result.FORBIDDEN,
    HTTPStatus.NOT_FOUND: Result.GONE,
    HTTPStatus.GONE: Result.GONE,
    HTTPStatus.CONFLICT: Result.CONFLICT,
    HTTPStatus.REQUEST_TIMEOUT: Result.UNAVAILABLE,
    HTTPStatus.TOO_MANY_REQUESTS: Result.UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class WriteTimeouts:
    """How long the API server may take over one write."""

    connect_seconds: float = 3.0
    total_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Written:
    """What the API server answered to a write: how it ended, why, and the object as it now is."""

    result: Result
    detail: str = ""
    body: Mapping[str, Any] | None = None

    @property
    def stored(self) -> Mapping[str, Any] | None:
        """The object as it now is; None where nothing was written."""
        return self.body if self.result is Result.DONE else None


class ApiWriter:
    """Writes objects in the name of one field manager, for as long as *may_write* says so."""

    def __init__(
        self,
        api_client: ApiClient,
        field_manager: str,
        timeouts: WriteTimeouts | None = None,
        may_write: Callable[[], bool] = lambda: True,
    ) -> None:
        self._api = api_client
        self._may_write = may_write
        self._field_manager = field_manager
        timeouts = timeouts or WriteTimeouts()
        self._limits = ClientTimeout(
            total=timeouts.total_seconds, sock_connect=timeouts.connect_seconds
        )

    async def merge(self, path: str, patch: Mapping[str, Any], *, dry_run: bool = False) -> Written:
        """Merge *patch* into the object at *path*; as a dry run nothing is stored."""
        return await self._send(_Request("PATCH", path, _MERGE_PATCH, patch, dry_run))

    async def create(self, path: str, body: Mapping[str, Any]) -> Written:
        """Create *body* in the collection at *path*."""
        return await self._send(_Request("POST", path, "application/json", body))

    async def delete(self, path: str, uid: str) -> Written:
        """Delete the object at *path*, if it still is the one with *uid*."""
        body = {"preconditions": {"uid": uid}}
        return await self._send(_Request("DELETE", path, "application/json", body))

    async def read(self, path: str, labels: str = "") -> Written:
        """Return the object at *path* as it is now, or of a collection those with *labels*."""
        return await self._send(_Request("GET", path, None, None, labels=labels))

    async def _send(self, request: "_Request") -> Written:
        if request.verb != "GET" and not self._may_write():
            return Written(Result.SKIPPED, "this operator does not lead (any more)")
        try:
            return await self._sent(request)
        except TimeoutError:
            return Written(Result.UNAVAILABLE, "the API server did not answer in time")
        except (ClientError, OSError, OpenApiException, ConfigException) as error:
            return Written(Result.UNAVAILABLE, f"the API server did not answer: {error!r}")

    def _query(self, request: "_Request") -> list[tuple[str, str]]:
        owned = [("fieldManager", self._field_manager)] if request.is_owning else []
        chosen = [("labelSelector", request.labels)] if request.labels else []
        return [*owned, *chosen, *([("dryRun", "All")] if request.is_dry_run else [])]

    async def _sent(self, request: "_Request") -> Written:
        typed = {"Content-Type": request.content_type} if request.content_type else {}
        method, url, headers, _, _ = await self._api.param_serialize(
            request.verb,
            request.path,
            query_params=self._query(request),
            header_params={"Accept": "application/json", **typed},
            auth_settings=["BearerToken"],
        )
        answer = await self._api.call_api(
            method, url, headers, body=request.body, _request_timeout=self._limits
        )
        response: ClientResponse = answer.response
        async with response:
            return _written(response.status, await response.read())


@dataclass(frozen=True, slots=True)
class _Request:
    verb: str
    path: str
    content_type: str | None
    body: Mapping[str, Any] | None
    is_dry_run: bool = False
    labels: str = ""

    @property
    def is_owning(self) -> bool:
        """It makes the field manager own what it writes."""
        return self.verb in {"POST", "PATCH"}


def _written(status: int, text: bytes) -> Written:
    body = _json_object(text)
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Written(Result.DONE, body=body)
    return Written(_result(status), f"{status} {_message(body)}".rstrip(), body)


def _result(status: int) -> Result:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Result.UNAVAILABLE
    return _RESULTS.get(status, Result.REFUSED)


def _message(body: Mapping[str, Any] | None) -> str:
    return str(body.get("message", ""))[:_MAX_DETAIL] if body is not None else ""


def _json_object(text: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
