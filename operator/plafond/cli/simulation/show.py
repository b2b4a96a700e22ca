"""Answers as tables for people and as JSON for programs."""

from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from plafond.cli.explain.figures import plain
from plafond.cli.show.as_json import API_VERSION
from plafond.cli.simulation.benchmarking import Answer
from plafond.simulate.benchmark import CURRENCY
from plafond.simulate.contest import Row


def benchmark_table(console: Console, answer: Answer) -> None:
    """Print the rows of *answer*, and what they are measured by."""
    case, trace = answer.case, answer.trace
    days = case.window.seconds / 86_400
    said = f"{trace.source}: {days:g} days, demand as {case.model.observe}"
    replica = f"replicas of {case.model.tokens_per_s:,.0f} tokens/s"
    unlimited = f"{plain(case.unlimited)} {CURRENCY} without a limit"
    console.print(f"{said}, {replica}, {unlimited}", soft_wrap=True)
    heads = ("BUDGET%", "GOVERNED BY", "SPENT", "LIMIT", "SPENT%", "SERVED/BEST", "DARK MIN")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in (*heads, "STARTS"):
        table.add_column(head, justify="left" if head == "GOVERNED BY" else "right")
    for row in answer.rows:
        table.add_row(*_cells(row))
    console.print(table)


def _cells(row: Row) -> tuple[str, ...]:
    known = (f"{row.percent.normalize():f}", row.name)
    if row.run is None:
        return (*known, "-", plain(row.limit), "-", f"{row.score:.3f}", "-", "-")
    return (
        *known,
        plain(row.run.spent),
        plain(row.limit),
        f"{_percent(row.run.spent, row.limit):.2f}",
        f"{row.score:.3f}",
        f"{row.run.dark_minutes:g}",
        str(row.run.starts),
    )


def benchmark_json(answer: Answer) -> dict[str, Any]:
    """Return *answer* as `-o json` prints it."""
    case, trace = answer.case, answer.trace
    return {
        "apiVersion": API_VERSION,
        "kind": "Benchmark",
        "trace": trace.source,
        "binSeconds": trace.bin_s,
        "silentBins": trace.silent_bins,
        "observe": case.model.observe.value,
        "replicaTokensPerSecond": case.model.tokens_per_s,
        "unlimited": str(case.unlimited),
        "rows": [_row(row) for row in answer.rows],
    }


def _row(row: Row) -> dict[str, Any]:
    known = {
        "budgetPercent": float(row.percent),
        "name": row.name,
        "limit": str(row.limit),
        "servedTokens": row.served_tokens,
        "clairvoyantTokens": row.clairvoyant,
        "servedToClairvoyant": row.score,
    }
    if row.run is None:
        return known
    return {
        **known,
        "spent": str(row.run.spent),
        "spentPercent": _percent(row.run.spent, row.limit),
        "offeredTokens": row.run.offered_tokens,
        "darkMinutes": row.run.dark_minutes,
        "starts": row.run.starts,
        "minutesBelowDemand": row.run.minutes_below_demand,
    }


def _percent(part: Decimal, whole: Decimal) -> float:
    return float(100 * part / whole)
