"""Asking `kubectl plafond` in a story, as an administrator or as somebody who may only look."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from e2e.rig.cluster import Rig

PLUGIN = Path(sys.executable).parent


def plafond(rig: Rig, *args: str, kubeconfig: Path | None = None) -> subprocess.CompletedProcess:
    """Run the plug-in through the rig's kubectl; a failure is an answer, too."""
    return subprocess.run(  # noqa: S603 - the story's own arguments
        [str(rig.kubectl_binary), "plafond", *args],
        env={
            **os.environ,
            "KUBECONFIG": str(kubeconfig or rig.kubeconfig),
            "PATH": f"{PLUGIN}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def explained(rig: Rig, *args: str, kubeconfig: Path | None = None) -> Mapping[str, Any]:
    """Return the explanation of a workload as JSON."""
    done = plafond(rig, "explain", *args, "-o", "json", kubeconfig=kubeconfig)
    assert done.returncode == 0, done.stderr
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


def shown(rig: Rig, *args: str, kubeconfig: Path | None = None) -> str:
    """Print what a person reads, and return it."""
    done = plafond(rig, *args, kubeconfig=kubeconfig)
    assert done.returncode == 0, done.stderr
    print(f"$ kubectl plafond {' '.join(args)}\n{done.stdout}")  # noqa: T201 - it is to be read
    return done.stdout
