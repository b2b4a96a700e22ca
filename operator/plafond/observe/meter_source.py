"""
The way to Prometheus, closed on all sides but the one that is configured.

No redirects, no proxies or credentials from the environment, no retries behind our back, no answer
beyond a size; a warning in an answer is never lost, and the token is never told to anybody else.
"""

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from requests.auth import AuthBase

from plafond.observe.errors import ObservationError
from plafond.observe.meter_connection import EndableAdapter
from plafond.observe.meter_samples import Answer
from plafond.observe.meter_trouble import REDIRECTED, code_trouble, trouble

_MOST_WARNINGS: Final = 3
_LONGEST_WARNING: Final = 100
_CHUNK_BYTES: Final = 64 * 1024
# No server takes a longer header.
_LONGEST_TOKEN: Final = 16 * 1024
_TOKEN: Final = re.compile(rb"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class MeterSource:
    """Where Prometheus is, how to be let in, and how much of it we bear."""

    url: str
    timeout_seconds: float = 10.0
    token_file: Path | None = None
    ca_file: Path | None = None
    max_bytes: int = 16 * 2**20


class RefusedError(Exception):
    """What we do not send, follow or finish reading; the message is for people."""


class PrometheusSource:
    """One connection to Prometheus; not for two threads at a time."""

    def __init__(self, source: MeterSource) -> None:
        self._source = source
        self._warnings: tuple[str, ...] = ()
        self._adapter = EndableAdapter()
        self._session = self._new_session()
        self._client = PrometheusConnect(
            url=source.url.rstrip("/"), session=self._session, timeout=source.timeout_seconds
        )
        # The client has added one of its own, for addresses that begin as this one is written.
        self._session.adapters.clear()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, self._adapter)

    def ask(self, query: str) -> Answer:
        """Return what Prometheus answers to *query*; raise ObservationError with a sentence."""
        return self._answer(lambda: self._client.custom_query(query))

    def ask_range(self, query: str, start: datetime, end: datetime, step: timedelta) -> Answer:
        """Return what *query* came to at every *step*; raise ObservationError with a sentence."""
        seconds = f"{step // timedelta(seconds=1)}s"
        return self._answer(lambda: self._client.custom_query_range(query, start, end, seconds))

    def _answer(self, ask: Callable[[], Any]) -> Answer:
        self._warnings = ()
        try:
            rows = ask()
            if not isinstance(rows, list):
                raise TypeError
        except RefusedError as error:
            raise ObservationError(str(error)) from None
        # What an answer can be, before it is known to be one: deep as no stack, of any other shape.
        except (
            *(requests.RequestException, PrometheusApiClientException, OSError),
            *(LookupError, TypeError, ValueError, RecursionError),
        ) as error:
            # What it was raised from may quote what was sent: the token.
            why = trouble(error, self._source.url, self._source.timeout_seconds)
            raise ObservationError(why) from None
        return Answer(rows, self._warnings)

    def end(self) -> None:
        """End the query that another thread waits for."""
        self._adapter.end()

    def close(self) -> None:
        """Close the connection, also in the middle of an answer."""
        self.end()
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
        if response.status_code != HTTPStatus.OK:
            response.close()
            is_elsewhere = response.is_redirect
            msg = f"Prometheus {REDIRECTED}" if is_elsewhere else code_trouble(response.status_code)
            raise RefusedError(msg)
        body = _untold(_bounded_body(response, self._source.max_bytes), response.request)
        self._warnings = _warnings(body)
        return _read_already(response, body)


class _TokenFile(AuthBase):
    """Presents the token that the file holds now: projected tokens are rotated."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token()}"
        return request

    def _token(self) -> str:
        try:
            with self._path.open("rb") as file:
                found = file.read(_LONGEST_TOKEN + 1).strip()
        except OSError as error:
            msg = f"prometheus.tokenFile {self._path} cannot be read: {error.strerror}"
            raise RefusedError(msg) from None
        # A token that is no header would be quoted by whoever refuses to send it.
        if len(found) > _LONGEST_TOKEN or not _TOKEN.fullmatch(found):
            msg = f"prometheus.tokenFile {self._path} holds no token: it must be a single word"
            raise RefusedError(msg)
        return found.decode("ascii")


def _bounded_body(response: requests.Response, most: int) -> bytes:
    body = bytearray()
    try:
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > most:
                msg = (
                    f"the answer is larger than {most} bytes; "
                    "aggregate more in the query: one series per pod is enough"
                )
                raise RefusedError(msg)
    finally:
        # A connection whose answer was read to its end has gone back to the pool before.
        response.close()
    return bytes(body)


def _untold(body: bytes, request: requests.PreparedRequest) -> bytes:
    """Return *body* without the token, should something on the way have echoed the request."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    return body.replace(token, b"(token)") if token else body


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
    except (ValueError, RecursionError):
        return ()  # the client reads it next, and says so
    return _partial(answer) if isinstance(answer, dict) else ()


def _partial(answer: dict[str, Any]) -> tuple[str, ...]:
    found = _texts(answer.get("warnings"))
    found += [each for each in _texts(answer.get("infos")) if "partial" in each.lower()]
    if answer.get("isPartial"):
        found.append("the answer is partial")
    return tuple(found)


def _texts(value: object) -> list[str]:
    """Return the texts in *value*, each as one line."""
    if not isinstance(value, list):
        return [] if not value else ["the answer warns of something"]
    return [_line(str(each)) for each in value[:_MOST_WARNINGS]]


def _line(text: str) -> str:
    cut = text[:_LONGEST_WARNING]
    return "".join(character if character.isprintable() else " " for character in cut)
