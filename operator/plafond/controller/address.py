"""Where to listen: `host:port`, or `[host]:port` for IPv6."""

import re
from dataclasses import dataclass
from typing import Final

_ADDRESS: Final = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:\[\]/]+)):(?P<port>\d+)")
_HIGHEST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port of it."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Return the address that *text* names; raise ValueError with a sentence."""
        found = _ADDRESS.fullmatch(text)
        port = int(found["port"]) if found else 0
        if found is None or not 0 < port <= _HIGHEST_PORT:
            msg = f"{text!r} is no address such as 0.0.0.0:8080 or [::]:8080"
            raise ValueError(msg)
        return cls(found["v6"] or found["host"], port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"
