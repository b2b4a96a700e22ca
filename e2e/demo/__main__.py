"""`python -m e2e.demo`: play the main job on a real control plane."""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from e2e.demo.facts import facts
from e2e.demo.play import Play
from e2e.demo.scene import HOURS, Scene, nodes, workloads
from e2e.rig.cluster import Rig
from e2e.rig.errors import RigError
from e2e.world import price_sheet

SECONDS_PER_HOUR = 5.0
FAST_SECONDS_PER_HOUR = 1.5


def main() -> int:
    """Play, say what it came to, and clean up."""
    arguments = _parser().parse_args()
    console = Console()
    scene = Scene(FAST_SECONDS_PER_HOUR if arguments.fast else SECONDS_PER_HOUR)
    try:
        with Rig() as rig, tempfile.TemporaryDirectory() as directory:
            _play(rig, scene, Path(directory), console)
            if arguments.keep:
                _keep(rig, console)
    except RigError as error:
        console.print(f"[red]{error}[/red]")
        return 1
    except KeyboardInterrupt:
        console.print("stopped")
        return 130
    return 0


def _play(rig: Rig, scene: Scene, directory: Path, console: Console) -> None:
    console.print("a real control plane is up; installing Plafond")
    rig.install()
    rig.add_nodes(nodes())
    rig.apply(price_sheet("demo-eur", "EUR", str(scene.price_per_gpu_hour)))
    rig.apply(workloads())
    console.print(
        f"playing {HOURS} hours of real demand in {scene.lasts.total_seconds():.0f} s: time runs "
        f"{scene.factor} times faster, and an hour costs {scene.factor} times more, so that sums "
        "are those of two real days"
    )
    play = Play(rig, scene, directory, console)
    play.perform()
    console.rule("what it came to")
    for sentence in facts(play):
        console.print(f"• {sentence}", highlight=False)


def _keep(rig: Rig, console: Console) -> None:
    console.print(f"\nthe cluster stays up until Ctrl-C:\n  export KUBECONFIG={rig.kubeconfig}")
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make demo", description="Play two days of real demand under one budget."
    )
    parser.add_argument("--fast", action="store_true", help="72 seconds instead of four minutes")
    parser.add_argument(
        "--keep", action="store_true", help="leave the cluster up for looking around"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
