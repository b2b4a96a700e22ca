"""One small HTTP client for the API server, Prometheus and the fleet exporter."""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from e2e.rig.errors import RigError


@dataclass(frozen=True)
class Answer:
    """What a server answered; code 0 when it did not."""

    code: int
    body: Mapping[str, Any]

    @property
    def is_done(self) -> bool:
        """Whether the server did what was asked."""
        return 200 <= self.code < 300

    @property
    def message(self) -> str:
        """What a refusal says."""
        return str(self.body.get("message", ""))


def call(
    url: str,
    method: str = "GET",
    body: object = None,
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Any:
    """Send a request, JSON if it has a body; return the answered JSON."""
    try:
        return json.loads(_send(url, method, body, headers, tls))
    except (OSError, HTTPException, ValueError) as error:
        msg = f"{method} {url} was not answered: {error}"
        raise RigError(msg) from error


def is_up(
    url: str, headers: Mapping[str, str] | None = None, tls: ssl.SSLContext | None = None
) -> bool:
    """Whether a GET of *url* succeeds."""
    try:
        _send(url, "GET", None, headers, tls)
    except (OSError, HTTPException):
        return False
    return True


def code_of(
    url: str, method: str, body: object, headers: Mapping[str, str], tls: ssl.SSLContext | None
) -> int:
    """Send a request and return only the code of the answer; 0 when there is none."""
    try:
        _send(url, method, body, headers, tls)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, HTTPException):
        return 0
    return 200


def answer(
    url: str, method: str, body: object, headers: Mapping[str, str], tls: ssl.SSLContext | None
) -> Answer:
    """Send a request and return code and JSON of the answer, also of a refusal."""
    try:
        return Answer(200, json.loads(_send(url, method, body, headers, tls)))
    except urllib.error.HTTPError as error:
        return Answer(error.code, _status(error.read()))
    except (OSError, HTTPException) as error:
        return Answer(0, {"message": str(error)})


def _status(content: bytes) -> Mapping[str, Any]:
    try:
        status: Mapping[str, Any] = json.loads(content)
    except ValueError:
        return {"message": content.decode(errors="replace")}
    return status


def _encoded(body: object) -> bytes | None:
    # Text goes as it is: what JSON can say twice, such as a key, Python's objects cannot.
    if body is None:
        return None
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def _send(
    url: str,
    method: str,
    body: object,
    headers: Mapping[str, str] | None,
    tls: ssl.SSLContext | None,
) -> bytes:
    data = _encoded(body)
    request = urllib.request.Request(url, data, dict(headers or {}), method=method)  # noqa: S310 - the rig's own http and https addresses
    with urllib.request.urlopen(request, timeout=10, context=tls) as reply:  # noqa: S310 - the same
        content: bytes = reply.read()
        return content
