"""The folder where binaries and rigs live, shared by all checkouts of this user."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_directory() -> Path:
    """Return `$PLAFOND_CACHE`, else `plafond` in the user's cache folder, created if absent."""
    named = os.environ.get("PLAFOND_CACHE")
    user_cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    directory = Path(named) if named else Path(user_cache) / "plafond"
    directory.mkdir(parents=True, exist_ok=True)
    return directory.resolve()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold *path* locked against other processes; the kernel lets go when the holder dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
