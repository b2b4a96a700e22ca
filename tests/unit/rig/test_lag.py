import socket
import threading
import time

import pytest
from e2e.rig.lag import LaggingWire
from e2e.rig.ports import free_ports


def echo(listener: socket.socket) -> None:
    """Answer every connection with what it says, until the listener is closed."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def answer(connection: socket.socket) -> None:
    with connection:
        while said := connection.recv(1024):
            connection.sendall(said)


@pytest.fixture
def wire():
    near, far = free_ports(2)
    with socket.create_server(("127.0.0.1", far)) as listener:
        threading.Thread(target=echo, args=(listener,), daemon=True).start()
        started = LaggingWire(near, far, about=b"/namespaces/").start()
        started.port = near
        yield started
        started.stop()
        listener.shutdown(socket.SHUT_RDWR)


def seconds_to_answer(wire, said: bytes) -> float:
    with socket.create_connection(("127.0.0.1", wire.port), timeout=5) as connection:
        began = time.monotonic()
        connection.sendall(said)
        assert connection.recv(1024) == said
        return time.monotonic() - began


@pytest.mark.parametrize(
    ("said", "is_late"), [(b"get /namespaces/a", True), (b"get /deployments/a", False)]
)
def test_only_answers_about_the_lagging_kind_are_late(wire, said, is_late):
    wire.delay_seconds = 0.5

    assert (seconds_to_answer(wire, said) >= 0.5) is is_late


def test_without_a_delay_nothing_is_late(wire):
    assert seconds_to_answer(wire, b"get /namespaces/a") < 0.5
