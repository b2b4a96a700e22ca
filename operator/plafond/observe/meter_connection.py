"""
A connection that another thread can end.

What requests calls a timeout is one of each read: a server that sends a byte per second is never
late. So whoever waits for the answer as a whole ends the connection when it has waited enough.
"""

import contextlib
import socket
from collections.abc import Callable, Mapping
from typing import cast

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool


class EndableAdapter(HTTPAdapter):
    """Keeps one connection, without retries, and can end it in the middle of an answer."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def end(self) -> None:
        """End what is being received, in whichever thread that is; it fails there."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # Of TLS, too: the end of the stream below is all that a reader has to see.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def get_connection_with_tls_context(
        self,
        request: PreparedRequest,
        verify: bool | str | None,  # noqa: FBT001 - requests' own signature
        proxies: Mapping[str, str] | None = None,
        cert: tuple[str, str] | str | None = None,
    ) -> HTTPConnectionPool:
        """Return the pool for *request*, of connections whose socket is known here."""
        found = super().get_connection_with_tls_context(request, verify, proxies, cert)
        pool = cast("HTTPConnectionPool", found)
        make = cast("Callable[..., HTTPConnection]", type(pool).ConnectionCls)

        def remembered(*args: object, **kwargs: object) -> HTTPConnection:
            connection = make(*args, **kwargs)
            connect = connection.connect

            def connected() -> None:
                connect()
                # The connection forgets it as soon as the server wants to close after the answer.
                self._socket = connection.sock

            connection.connect = connected  # type: ignore[method-assign]
            return connection

        pool.ConnectionCls = remembered  # type: ignore[assignment]
        return pool
