"""A run as rows of text, one per step, and files that are there whole or not at all."""

import csv
import io
import os
import tempfile
from contextlib import suppress
from errno import EEXIST
from pathlib import Path

from plafond.simulate.errors import SimulationError
from plafond.simulate.play import Run, Step

COLUMNS = (
    "offset_s",
    "workload",
    "demand_tokens_per_s",
    "recommended_replicas",
    "ceiling",
    "replicas",
    "ready_replicas",
    "served_tokens_per_s",
    "cost",
)
# To the ten-thousandth of a token; what a float adds beyond says nothing.
DIGITS = 4
COST_DIGITS = 10


def timeline(run: Run, workload: str) -> str:
    """Return *run* as CSV; an empty ceiling is none, and replicas are all that are paid."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(_cells(step, workload) for step in run.steps)
    return text.getvalue()


def _cells(step: Step, workload: str) -> tuple[str, ...]:
    cost = f"{step.cost:.{COST_DIGITS}f}".rstrip("0").rstrip(".")
    return (
        str(step.offset_s),
        workload,
        _rate(step.demand),
        str(step.recommended),
        "" if step.ceiling is None else str(step.ceiling),
        str(step.replicas),
        str(step.ready),
        _rate(step.served),
        cost,
    )


def _rate(tokens_per_s: float) -> str:
    return f"{tokens_per_s:.{DIGITS}f}".rstrip("0").rstrip(".")


def resolved(path: Path) -> Path:
    """Return what *path* leads to; a link that leads to itself leads nowhere else."""
    return Path(os.path.realpath(path))


def write_whole(path: Path, text: str) -> None:
    """Write *text* to *path* so that nobody ever finds half of it there."""
    # A link stays one: what it leads to is replaced.
    path = resolved(path)
    try:
        handle, beside = _beside(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        # A temporary file is its owner's alone; a report is for whoever may read its folder.
        Path(beside).chmod(0o644)
        Path(beside).replace(path)
    except OSError as error:
        with suppress(OSError):
            Path(beside).unlink()
        raise _unwritable(path, error) from error


def check_writable(path: Path) -> None:
    """Refuse a *path* that cannot be written, before minutes are spent on what it shall hold."""
    path = resolved(path)
    try:
        # Permissions tell nothing of a file system that is read-only, or a name that is too long.
        handle, beside = _beside(path)
    except OSError as error:
        why = error.strerror or error
        sentence = f"{path}: expected a file in a folder that can be written to; {why}"
        raise SimulationError(sentence) from error
    os.close(handle)
    Path(beside).unlink()


def _beside(path: Path) -> tuple[int, str]:
    if path.exists() and not path.is_file():
        raise OSError(EEXIST, "it is no file")
    return tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)


def _unwritable(path: Path, error: OSError) -> SimulationError:
    return SimulationError(f"{path}: it cannot be written: {error.strerror or error}")
