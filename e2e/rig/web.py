"""One small HTTP client for the API server, Prometheus and the fleet exporter."""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from e2e.rig.errors import RigError


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


def _send(
    url: str,
    method: str,
    body: object,
    headers: Mapping[str, str] | None,
    tls: ssl.SSLContext | None,
) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, dict(headers or {}), method=method)  # noqa: S310 - the rig's own http and https addresses
    with urllib.request.urlopen(request, timeout=10, context=tls) as reply:  # noqa: S310 - the same
        content: bytes = reply.read()
        return content
