"""Ends a rig's processes when its caller is gone, however it went.

Runs as a process of its own (`python -I reaper.py DIRECTORY`) and holds the read end of a pipe
whose write end only the caller has: end of file means that the caller ended, was interrupted or
was killed. Standard library only, because it runs isolated from the package.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

MARKER = "PLAFOND_RIG"
PATIENCE_SECONDS = 5.0


def processes_of(directory: Path) -> list[int]:
    """Return the ids of the live processes that were started for the rig in *directory*.

    The mark is in their environment, which is inherited: grandchildren are found too, and there is
    no moment between starting a process and noting its id in which a crash would lose it.
    """
    mark = f"{MARKER}={directory}"
    found = _by_proc(mark) if Path("/proc/self/environ").exists() else _by_ps(mark)
    return [pid for pid in found if pid != os.getpid()]


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


def _by_proc(mark: str) -> list[int]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if _is_marked(pid, mark.encode())]


def _is_marked(pid: int, mark: bytes) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return mark in environment.split(b"\0") and state != "Z"


def _by_ps(mark: str) -> list[int]:
    # Systems without /proc, such as macOS, show the environment of one's own processes here.
    ps = shutil.which("ps") or "/bin/ps"
    command = [ps, "axeww", "-o", "pid=,stat=,command="]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603 - a fixed command
    rows = [line.split() for line in listed.splitlines()]
    return [int(row[0]) for row in rows if mark in row and not row[1].startswith("Z")]


def main() -> None:
    """Wait for the caller's end, then end its processes."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end_processes_of(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
