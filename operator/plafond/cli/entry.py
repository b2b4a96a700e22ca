"""The console scripts: they say what to install where the command's own packages are missing."""

import sys
from importlib.util import find_spec
from pathlib import Path

from plafond.cli.errors import EXIT_FAILED


def main() -> int:
    """Run the command line; return the exit code."""
    if find_spec("typer") is None or find_spec("rich") is None:
        sentence = "plafond: its command line is an extra: pip install 'plafond[cli]'"
        print(sentence, file=sys.stderr)  # noqa: T201 - rich is what is missing
        return EXIT_FAILED
    # What an operator's image lacks is imported only here.
    from plafond.cli.app import run  # noqa: PLC0415

    return run(program_name(sys.argv[0]))


def program_name(path: str) -> str:
    """Return how the command was called: kubectl hides that it called a plug-in."""
    name = Path(path).name
    return "kubectl plafond" if name.startswith("kubectl-") else "plafond"
