"""How far a simulation is, for whoever waits for it in front of a screen."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from plafond.simulate import play


@contextmanager
def shown(title: str) -> Iterator[play.Progress | None]:
    """Show a bar on the error stream if that is a screen; yield who moves it."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn(title), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title)
        yield lambda done, of: bar.update(task, completed=done, total=of)
