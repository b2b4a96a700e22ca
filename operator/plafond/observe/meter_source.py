"""
The way to Prometheus, closed on all sides but the one that is configured.

No redirects, no proxies or credentials from the environment, no retries behind our back, no answer
beyond a size and a time; and a warning inside an answer is never lost.
"""

import io
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests
from prometheus_api_client import PrometheusConnect
from requests.auth import AuthBase
from urllib3.util.retry import Retry

from plafond.observe.meter_samples import Answer

_CHUNK_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class MeterSource:
    """Where Prometheus is, how to be let in, and how much of it we bear."""

    url: str
    timeout_seconds: float = 10.0
    token_file: Path | None = None
    ca_file: Path | None = None
    max_bytes: int = 64 * 2**20


class RefusedAnswerError(requests.RequestException):
    """An answer that we do not follow or do not finish reading."""


class PrometheusSource:
    """One connection to Prometheus; not for two threads at a time."""

    def __init__(self, source: MeterSource) -> None:
        self._source = source
        self._warnings: tuple[str, ...] = ()
        self._session = self._new_session()
        self._client = PrometheusConnect(
            url=source.url.rstrip("/"),
            retry=Retry(total=0),
            session=self._session,
            timeout=source.timeout_seconds,
        )

    def ask(self, query: str) -> Answer:
        """Return what Prometheus answers to *query*; raise what requests and the client raise."""
        self._warnings = ()
        rows = self._client.custom_query(query)
        if not isinstance(rows, list):
            msg = "the result is not a list"
            raise TypeError(msg)
        return Answer(rows, self._warnings)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.stream = True  # the hook reads, so that it can stop
        session.max_redirects = 0
        session.verify = True if self._source.ca_file is None else str(self._source.ca_file)
        session.hooks["response"].append(self._received)
        if self._source.token_file is not None:
            session.auth = _TokenFile(self._source.token_file)
        return session

    def _received(self, response: requests.Response, *_: object, **__: object) -> requests.Response:
        if response.is_redirect:
            response.close()
            msg = "Prometheus redirects elsewhere, which is not followed"
            raise RefusedAnswerError(msg)
        body = _bounded_body(response, self._source)
        self._warnings = _warnings(body)
        return _read_already(response, body)


class _TokenFile(AuthBase):
    """Presents the token that the file holds now: projected tokens are rotated."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        token = self._path.read_text(encoding="utf-8").strip()
        request.headers["Authorization"] = f"Bearer {token}"
        return request


def _bounded_body(response: requests.Response, source: MeterSource) -> bytes:
    body = bytearray()
    deadline = time.monotonic() + source.timeout_seconds
    try:
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            _bear(len(body), deadline, source)
    finally:
        # A connection whose answer was read to its end has gone back to the pool before.
        response.close()
    return bytes(body)


def _bear(size: int, deadline: float, source: MeterSource) -> None:
    if size > source.max_bytes:
        msg = f"the answer is larger than {source.max_bytes} bytes"
        raise RefusedAnswerError(msg)
    if time.monotonic() > deadline:
        msg = f"the answer did not end within {source.timeout_seconds:g} s"
        raise RefusedAnswerError(msg)


def _read_already(response: requests.Response, body: bytes) -> requests.Response:
    """Return *response* with its *body* in memory, as if it had just arrived."""
    read = requests.Response()
    read.status_code = response.status_code
    read.reason = response.reason
    read.url = response.url
    read.request = response.request
    read.raw = io.BytesIO(body)
    read.encoding = "utf-8"
    return read


def _warnings(body: bytes) -> tuple[str, ...]:
    """
    Return what the answer warns of: part of the data is missing from it.

    Infos are remarks on the query, such as a rate over what is not a counter; only one that speaks
    of a partial answer counts.
    """
    # Nearly every answer has none, and parsing megabytes twice to learn that would be a waste.
    if not any(name in body for name in (b'"warnings"', b'"infos"', b'"isPartial"')):
        return ()
    try:
        answer = json.loads(body)
    except ValueError:
        return ()  # the client reads it next, and says so
    return _partial(answer) if isinstance(answer, dict) else ()


def _partial(answer: dict[str, Any]) -> tuple[str, ...]:
    found = [str(each) for each in answer.get("warnings") or ()]
    found += [str(each) for each in answer.get("infos") or () if "partial" in str(each).lower()]
    if answer.get("isPartial"):
        found.append("the answer is partial")
    return tuple(found)
