"""Running kubectl against the rig, as a person would."""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.rig.errors import RigError

TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Kubectl:
    """kubectl with one kubeconfig; called with its arguments."""

    binary: Path
    kubeconfig: Path
    cache: Path

    def __call__(
        self, *args: str, stdin: str | None = None, as_user: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl and return its exit code and output, also when it failed."""
        impersonation = [f"--as={as_user}"] if as_user else []
        return subprocess.run(  # noqa: S603 - the story's own arguments
            # Ports are used again by later rigs; what kubectl remembers of an address must not be.
            [str(self.binary), f"--cache-dir={self.cache}", *impersonation, *args],
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )

    def check(self, *args: str, stdin: str | None = None, as_user: str | None = None) -> str:
        """Run kubectl and return what it printed; a failure is an error with its words."""
        done = self(*args, stdin=stdin, as_user=as_user)
        if done.returncode:
            msg = f"kubectl {' '.join(args)} failed: {done.stderr.strip()}"
            raise RigError(msg)
        return done.stdout


Objects = str | Mapping[str, Any] | Iterable[Mapping[str, Any]]


def as_text(objects: Objects) -> str:
    """Return YAML text as it is, and objects as a JSON list that kubectl reads."""
    if isinstance(objects, str):
        return objects
    items = [objects] if isinstance(objects, Mapping) else list(objects)
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
