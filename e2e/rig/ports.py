"""Free ports on loopback."""

import random
import socket

from e2e.rig.errors import RigError

# Below the range from which kernels take ports for outgoing connections: a port from that range
# could be gone when a killed API server wants it back.
FIRST, LAST = 20_000, 32_000


def free_ports(count: int) -> tuple[int, ...]:
    """Return *count* different ports nobody listens on now; somebody may still be faster."""
    candidates = random.SystemRandom().sample(range(FIRST, LAST), 40 * count)
    found = [port for port in candidates if _is_free(port)][:count]
    if len(found) < count:
        msg = (
            f"found only {len(found)} of {count} free ports on loopback between {FIRST} and {LAST}"
        )
        raise RigError(msg)
    return tuple(found)


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a connection of an earlier run in TIME_WAIT does not make it taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
