"""The programs of one rig: started, paused, killed and restarted by process id."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from e2e.rig.errors import PortTakenError, RigError
from e2e.rig.reaper import MARKER

READY_SECONDS = 60.0


class Process:
    """One program with its log, which can be started again after its end."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        directory: Path,
        env: Mapping[str, str] | None = None,
        ready: Callable[[], bool] | None = None,
    ):
        self.name = name
        self.log_path = directory / f"{name}.log"
        self._command = [str(part) for part in command]
        self._directory = directory
        self._env = {**os.environ, **(env or {}), MARKER: str(directory)}
        self._ready = ready
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether the program was started and has not ended."""
        return self._running is not None and self._running.poll() is None

    @property
    def pid(self) -> int:
        """The id of the process that runs or ran last."""
        if self._running is None:
            msg = f"{self.name} was never started"
            raise RigError(msg)
        return self._running.pid

    def spawn(self) -> None:
        """Start the program without waiting for it."""
        if self.is_running:
            msg = f"{self.name} runs already, as process {self.pid}"
            raise RigError(msg)
        with self.log_path.open("ab") as log:
            self._running = subprocess.Popen(  # noqa: S603 - the rig's own command lines
                self._command,
                cwd=self._directory,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C belongs to the caller, who stops things in order.
                start_new_session=True,
            )
        (self._directory / f"{self.name}.pid").write_text(str(self.pid))

    def wait_ready(self, deadline: float = READY_SECONDS) -> None:
        """Wait until the program answers; its early end or silence is an error naming its log."""
        ends = time.monotonic() + deadline
        while not (self._ready is None or self._ready()):
            if not self.is_running:
                raise self._early_end()
            if time.monotonic() > ends:
                msg = f"{self.name} is not ready after {deadline:g} s; its log is {self.log_path}"
                raise RigError(msg)
            time.sleep(0.05)

    def start(self) -> None:
        """Start the program and wait until it is ready."""
        self.spawn()
        self.wait_ready()

    def kill(self) -> None:
        """End the program at once (SIGKILL), as a crash would."""
        self._signal(signal.SIGKILL)
        self._wait(deadline=10)

    def stop(self, deadline: float = 20.0) -> int:
        """Ask the program to end (SIGTERM); return its exit code."""
        self._signal(signal.SIGTERM)
        return self._wait(deadline)

    def pause(self) -> None:
        """Freeze the program (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen program go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def last_lines(self, count: int = 15) -> str:
        """Return the end of the program's log."""
        if not self.log_path.exists():
            return ""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-count:])

    def _signal(self, number: signal.Signals) -> None:
        if self.is_running and self._running is not None:
            self._running.send_signal(number)

    def _wait(self, deadline: float) -> int:
        if self._running is None:
            return 0
        try:
            return self._running.wait(deadline)
        except subprocess.TimeoutExpired as error:
            msg = f"{self.name} did not end within {deadline:g} s; its log is {self.log_path}"
            raise RigError(msg) from error

    def _early_end(self) -> RigError:
        lines = self.last_lines()
        code = self._running.returncode if self._running else None
        kind = PortTakenError if "address already in use" in lines else RigError
        return kind(f"{self.name} ended with code {code}; its log {self.log_path} ends:\n{lines}")
