"""Where each rig keeps its data and logs, and what becomes of those whose caller died."""

import fcntl
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from e2e.rig import reaper
from e2e.rig.cache import cache_directory, locked

LOCK = ".lock"
KEEP_LOGS_SECONDS = 24 * 3600


@dataclass(frozen=True)
class RigHome:
    """One rig's own directory; as long as it is held, nobody else cleans it up."""

    directory: Path
    lock: IO[str]
    watched: subprocess.Popen[bytes]

    def release(self, *, keep: bool) -> None:
        """End what still runs and, unless *keep*, delete the directory."""
        reaper.end_processes_of(self.directory)
        # The end of the caller's pipe is the reaper's sign to end, too.
        self.watched.communicate()
        # Not while another rig looks around for dead ones: it would stumble over half a folder.
        with locked(self.directory.parent / LOCK):
            self.lock.close()
            if not keep:
                shutil.rmtree(self.directory, ignore_errors=True)


def take_home() -> RigHome:
    """Clean up after dead rigs and return a new directory, watched by its reaper."""
    rigs = cache_directory() / "rigs"
    with locked(rigs / LOCK):
        for dead in _dead_rigs(rigs):
            _bury(dead)
        directory = rigs / secrets.token_hex(4)
        directory.mkdir()
        lock = (directory / LOCK).open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
    return RigHome(directory, lock, _start_reaper(directory, lock))


def _start_reaper(directory: Path, lock: IO[str]) -> subprocess.Popen[bytes]:
    # It shares the lock: the rig counts as alive until the reaper has done its work, too.
    return subprocess.Popen(  # noqa: S603 - our own file, our own directory
        [sys.executable, "-I", reaper.__file__, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=(lock.fileno(),),
    )


def _dead_rigs(rigs: Path) -> Iterator[Path]:
    for directory in sorted(path for path in rigs.iterdir() if path.is_dir()):
        with (directory / LOCK).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
        yield directory


def _bury(directory: Path) -> None:
    """End what a dead rig left running; its logs stay a day, since a failure may point at them."""
    reaper.end_processes_of(directory)
    age_seconds = time.time() - directory.stat().st_mtime  # noqa: TID251 - file times are wall time
    if age_seconds > KEEP_LOGS_SECONDS:
        shutil.rmtree(directory, ignore_errors=True)
    else:
        for data in ("etcd", "prometheus"):
            shutil.rmtree(directory / data, ignore_errors=True)
