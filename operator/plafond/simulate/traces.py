"""
Recorded demand: how many tokens each tenant asked for, bin by bin.

Whatever a file holds that cannot be understood ends the reading with its file, its line and what
was expected there: a trace that was read halfway would be believed.
"""

import csv
import gzip
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TextIO, cast

import numpy as np
import numpy.typing as npt

from plafond.simulate.errors import SimulationError

NUMBERS = ("offset_s", "requests", "prompt_tokens", "completion_tokens")
COLUMNS = ("offset_s", "tenant", "requests", "prompt_tokens", "completion_tokens")
GZIP = b"\x1f\x8b"
# What a trace of a single bin is taken to be.
USUAL_BIN_S = 600
# Tenants have rows only where they ask for something: so long may all of them be silent.
LONGEST_SILENCE_S = 6 * 3600
# Longer bins say nothing of the hours; mostly the offsets count from elsewhere.
LONGEST_BIN_S = 86_400
# In a bin, of requests or tokens: a figure beyond is no demand but an error in writing it.
LARGEST = 10**15

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """What one tenant asked for in one bin, and the line that says so."""

    line: int
    offset_s: int
    tenant: str
    requests: float
    tokens: float


@dataclass(frozen=True, slots=True)
class Trace:
    """
    Demand in bins of equal length from offset 0 on, constant inside each.

    Attributes:
        bin_s: seconds in a bin.
        tokens: what each tenant asked for, tokens a second, by bin.
        requests: the same in requests a second.
        silent_bins: how many bins have no row, and so no demand.

    """

    source: str
    bin_s: int
    tokens: Mapping[str, Numbers]
    requests: Mapping[str, Numbers]
    silent_bins: int = 0

    @property
    def bins(self) -> int:
        """How many bins it has."""
        return len(next(iter(self.tokens.values())))

    @property
    def total(self) -> Numbers:
        """What all tenants ask for together, tokens a second."""
        total = np.zeros(self.bins)
        for demand in self.tokens.values():
            total += demand
        return total


def read_trace(path: Path) -> Trace:
    """Read a CSV file, compressed by gzip or not."""
    rows = tuple(_rows(path))
    if not rows:
        raise _bad(path, 2, "a row of demand, but the file ends")
    bin_s = _bin_length(rows)
    _check_grid(path, rows, bin_s)
    return binned(str(path), rows, bin_s)


def binned(source: str, rows: Iterable[Row], bin_s: int) -> Trace:
    """Return *rows* as a trace; bins without any have no demand."""
    rows = tuple(rows)
    bins = max(row.offset_s for row in rows) // bin_s + 1
    tenants = sorted({row.tenant for row in rows})
    tokens = {tenant: np.zeros(bins) for tenant in tenants}
    requests = {tenant: np.zeros(bins) for tenant in tenants}
    for row in rows:
        index = row.offset_s // bin_s
        tokens[row.tenant][index] += row.tokens / bin_s
        requests[row.tenant][index] += row.requests / bin_s
    silent = bins - len({row.offset_s // bin_s for row in rows})
    return Trace(source, bin_s, tokens, requests, silent)


def _rows(path: Path) -> Iterator[Row]:
    line, before = 1, 0
    try:
        with _opened(path) as lines:
            table = csv.DictReader(lines, strict=True)
            _check_columns(path, table.fieldnames)
            for cells in table:
                line = table.line_num
                row = _row(path, line, cells)
                if row.offset_s < before:
                    expected = f"an offset_s of at least {before}, the row before's"
                    raise _bad(path, line, f"{expected}; got {row.offset_s}")
                before = row.offset_s
                yield row
    except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError) as error:
        raise _unreadable(path, line, error) from error


def _opened(path: Path) -> TextIO:
    with path.open("rb") as file:
        is_compressed = file.read(2) == GZIP
    # Spreadsheets put a byte order mark before the first column, which is no part of its name.
    if is_compressed:
        return cast(TextIO, gzip.open(path, "rt", encoding="utf-8-sig", newline=""))
    return path.open(encoding="utf-8-sig", newline="")


def _check_columns(path: Path, found: Iterable[str] | None) -> None:
    if found is None:
        raise _bad(path, 1, f"the columns {', '.join(COLUMNS)}, but the file is empty")
    missing = [name for name in COLUMNS if name not in set(found)]
    if missing:
        raise _bad(path, 1, f"the columns {', '.join(COLUMNS)}; missing: {', '.join(missing)}")


def _row(path: Path, line: int, cells: Mapping[str, str | None]) -> Row:
    values = {name: _number(path, line, name, cells[name]) for name in NUMBERS}
    tenant = cells["tenant"]
    if not tenant:
        raise _bad(path, line, "the name of a tenant")
    offset = values["offset_s"]
    if offset != int(offset):
        raise _bad(path, line, f"a whole number of seconds as offset_s; got {offset}")
    tokens = values["prompt_tokens"] + values["completion_tokens"]
    return Row(line, int(offset), tenant, values["requests"], tokens)


def _number(path: Path, line: int, name: str, text: str | None) -> float:
    expected = f"a number of at least 0 as {name}"
    if text is None or not text.strip():
        raise _bad(path, line, f"{expected}; the cell is missing or empty")
    try:
        value = float(text)
    except ValueError:
        raise _bad(path, line, f"{expected}; got {text!r}") from None
    if not math.isfinite(value) or value < 0:
        raise _bad(path, line, f"{expected}; got {text!r}")
    if value > LARGEST:
        raise _bad(path, line, f"at most {LARGEST:.0e} as {name}; got {text!r}")
    return value


def _bin_length(rows: Iterable[Row]) -> int:
    offsets = sorted({0, *(row.offset_s for row in rows)})
    return min((after - before for before, after in pairwise(offsets)), default=USUAL_BIN_S)


def _check_grid(path: Path, rows: Iterable[Row], bin_s: int) -> None:
    before = -bin_s
    for row in rows:
        if row.offset_s and bin_s > LONGEST_BIN_S:
            expected = f"bins of a day at most, so an offset_s up to {LONGEST_BIN_S}"
            raise _bad(path, row.line, f"{expected}; got {row.offset_s}")
        if row.offset_s % bin_s:
            raise _bad(path, row.line, f"a multiple of {bin_s} as offset_s; got {row.offset_s}")
        if row.offset_s - before - bin_s > LONGEST_SILENCE_S:
            hours = LONGEST_SILENCE_S // 3600
            since = max(before + bin_s, 0)
            expected = f"a row at most {hours} hours after {since} s; {row.offset_s} leaves a hole"
            raise _bad(path, row.line, expected)
        before = row.offset_s


def _unreadable(path: Path, line: int, error: Exception) -> SimulationError:
    if isinstance(error, EOFError | zlib.error | gzip.BadGzipFile):
        return _bad(path, line + 1, f"more data, but the gzip file is cut off or damaged: {error}")
    if isinstance(error, OSError):
        return SimulationError(f"{path}: expected a trace to read; {error.strerror or error}")
    return _bad(path, line + 1, f"rows of comma-separated text; {error}")


def _bad(path: Path, line: int, expected: str) -> SimulationError:
    return SimulationError(f"{path}, line {line}: expected {expected}")
