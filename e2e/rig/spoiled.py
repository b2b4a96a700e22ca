"""A Prometheus on loopback that asks the real one, and spoils the answers as it is told to."""

import http.server
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from e2e.rig.components import LOOPBACK

Rows = list[dict[str, Any]]
OK = 200


@dataclass(frozen=True)
class Reply:
    """What is sent instead of the real answer, or made of it."""

    code: int = OK
    headers: Mapping[str, str] = field(default_factory=dict)
    late_seconds: float = 0.0
    # From the real answer to what is said; None: it is passed on.
    made: Callable[[dict[str, Any]], Any] | None = None
    repeated: int = 1


def of_rows(change: Callable[[Rows], Rows], **more: object) -> Reply:
    """Return the reply in which the rows of a vector are changed, and more is said beside them."""

    def made(answer: dict[str, Any]) -> dict[str, Any]:
        data = {**answer["data"], "result": change(answer["data"]["result"])}
        return {**answer, "data": data, **more}

    return Reply(made=made)


def with_value(text: str) -> Reply:
    """Return the reply in which every sample has this value."""
    return of_rows(lambda rows: [{**row, "value": [row["value"][0], text]} for row in rows])


def at_another_time(seconds: float) -> Reply:
    """Return the reply of a clock that is so many seconds ahead."""
    return of_rows(
        lambda rows: [
            {**row, "value": [row["value"][0] + seconds, row["value"][1]]} for row in rows
        ]
    )


class SpoiledPrometheus:
    """Answers queries while it is entered; `reply` says how."""

    def __init__(self, url: str):
        self.reply = Reply()
        self._url = url

    def __enter__(self) -> Self:
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer((LOOPBACK, 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        """Answer one query."""
        reply = self.reply
        time.sleep(reply.late_seconds)
        try:
            with urllib.request.urlopen(self._url + request.path, timeout=5) as real:  # noqa: S310 - the rig's own
                body = real.read()
        except OSError:
            body = b"{}"
        if reply.made is not None:
            body = json.dumps(reply.made(json.loads(body))).encode()
        try:
            self._send(request, reply, body)
        except OSError:
            return  # whoever asked has given up

    def _send(self, request: http.server.BaseHTTPRequestHandler, reply: Reply, body: bytes) -> None:
        request.send_response(reply.code)
        for name, value in reply.headers.items():
            request.send_header(name, value)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body) * reply.repeated))
        request.end_headers()
        for _ in range(reply.repeated):
            request.wfile.write(body)
