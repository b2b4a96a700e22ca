"""`python -m e2e.demo`: play the main job on a real control plane."""

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from e2e.demo.facts import outcome
from e2e.demo.play import Play
from e2e.demo.report import page
from e2e.demo.scene import HOURS, Scene, nodes, workloads
from e2e.rig.cluster import Rig
from e2e.rig.errors import RigError
from e2e.world import price_sheet
from plafond.page.render import render

SECONDS_PER_HOUR = 5.0
FAST_SECONDS_PER_HOUR = 1.5
REPORT = Path("plafond-demo.html")


def main() -> int:
    """Play, say what it came to, and clean up."""
    arguments = _parser().parse_args()
    console = Console()
    scene = Scene(FAST_SECONDS_PER_HOUR if arguments.fast else SECONDS_PER_HOUR)
    try:
        with Rig() as rig, tempfile.TemporaryDirectory() as directory:
            _play(rig, scene, Path(directory), arguments.report, console)
            if arguments.keep:
                _keep(rig, console)
    except RigError as error:
        console.print(f"[red]{error}[/red]")
        return 1
    except KeyboardInterrupt:
        console.print("stopped")
        return 130
    return 0


def _play(rig: Rig, scene: Scene, directory: Path, report: Path, console: Console) -> None:
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
    came_to = outcome(play)
    for sentence in came_to.sentences():
        console.print(f"• {sentence}", highlight=False)
    report.write_text(render(page(play, came_to)), encoding="utf-8")
    console.print(f"\nthe same as a page: {report.resolve().as_uri()}", soft_wrap=True)


def _keep(rig: Rig, console: Console) -> None:
    console.print(f"\nthe cluster stays up until Ctrl-C:\n  export KUBECONFIG={rig.kubeconfig}")
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make demo", description="Play two days of real demand under one budget."
    )
    parser.add_argument("--fast", action="store_true", help="72 seconds instead of four minutes")
    parser.add_argument(
        "--report",
        type=_page_path,
        default=REPORT,
        metavar="PATH",
        help=f"where to write the page about it; ./{REPORT} otherwise",
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave the cluster up for looking around"
    )
    return parser


def _page_path(given: str) -> Path:
    """Return where to write; that it cannot be written shall not turn out after the play."""
    path = Path(given)
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        msg = f"{given} cannot be written; name a file in a folder that exists"
        raise argparse.ArgumentTypeError(msg)
    return path


if __name__ == "__main__":
    sys.exit(main())
