"""The folder where binaries and rigs live, shared by all checkouts of this user."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from e2e.rig.progress import doing


def cache_directory() -> Path:
    """Return `$PLAFOND_CACHE`, else `plafond` in the user's cache folder, created if absent."""
    named = os.environ.get("PLAFOND_CACHE")
    user_cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    directory = Path(named) if named else Path(user_cache) / "plafond"
    directory.mkdir(parents=True, exist_ok=True)
    return directory.resolve()


@contextmanager
def locked(path: Path, if_busy: str = "") -> Iterator[None]:
    """Hold *path* locked against other processes; the kernel lets go when the holder dies.

    Args:
        path: the lock's file.
        if_busy: what to say if another process holds it and we have to wait.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with doing(if_busy) if if_busy else nullcontext():
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
