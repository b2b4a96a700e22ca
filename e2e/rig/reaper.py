"""Ends a rig's processes when its caller is gone, however it went.

Runs as a process of its own (`python -I reaper.py DIRECTORY`) and holds the read end of a pipe
whose write end only the caller has: end of file means that the caller ended, was interrupted or
was killed. Standard library only, because it runs isolated from the package.
"""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

MARKER = "PLAFOND_RIG"
PATIENCE_SECONDS = 5.0


def processes_of(directory: Path) -> list[int]:
    """Return the ids of the live processes that were started for the rig in *directory*."""
    if Path("/proc/self/environ").exists():
        return [pid for pid in _all_pids() if pid != os.getpid() and _is_marked(pid, directory)]
    return [pid for pid in _written_pids(directory) if _is_alive(pid)]


def end_processes_of(directory: Path) -> list[int]:
    """Kill every process of the rig in *directory*, with their children; return their ids."""
    ended: list[int] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    # Again until nobody is left: one of them may have started another just now.
    while (found := processes_of(directory)) and time.monotonic() < deadline:
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        ended += [pid for pid in found if pid not in ended]
        time.sleep(0.02)
    return ended


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _is_marked(pid: int, directory: Path) -> bool:
    # The environment is inherited, so grandchildren are found too, and there is no moment
    # between starting a process and noting its id in which a crash would lose it.
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return f"{MARKER}={directory}".encode() in environment.split(b"\0") and state != "Z"


def _written_pids(directory: Path) -> list[int]:
    return [int(file.read_text()) for file in directory.glob("*.pid")]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def main() -> None:
    """Wait for the caller's end, then end its processes."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end_processes_of(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
