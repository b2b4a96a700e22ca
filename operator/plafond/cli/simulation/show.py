"""Answers as tables for people and as JSON for programs."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from plafond.cli.explain.figures import plain
from plafond.cli.show.as_json import API_VERSION
from plafond.cli.show.words import span, stamp
from plafond.cli.simulation.asking import Outcome
from plafond.cli.simulation.benchmarking import Answer
from plafond.model.budget import BudgetPosition
from plafond.model.money import TOKENS
from plafond.report.messages import compact
from plafond.simulate.benchmark import CURRENCY
from plafond.simulate.contest import Row
from plafond.simulate.growth import Scale, flat_from
from plafond.simulate.play import Run
from plafond.simulate.whatif import not_simulated
from plafond.simulate.world import STEP_S

# From here on a rate is known well enough by its whole tokens.
THREE_DIGITS = 100


def benchmark_table(console: Console, answer: Answer) -> None:
    """Print the rows of *answer*, and what they are measured by."""
    case, trace = answer.case, answer.trace
    days = case.window.seconds / 86_400
    said = f"{trace.source}: {days:g} days, demand as {case.model.observe}"
    replica = f"replicas of {_rate(case.model.tokens_per_s)} tokens/s"
    unlimited = f"{plain(case.unlimited)} {CURRENCY} without a limit"
    console.print(f"{said}, {replica}, {unlimited}", soft_wrap=True)
    heads = ("BUDGET%", "RUN", "SPENT", "LIMIT", "SPENT%", "SERVED/BEST", "DARK MIN", "STARTS")
    _print(console, heads, [_cells(row) for row in answer.rows])


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


def _rate(tokens_per_s: float) -> str:
    # What serves a little is never said to serve nothing.
    return f"{tokens_per_s:,.0f}" if tokens_per_s >= THREE_DIGITS else f"{tokens_per_s:.3g}"


def _percent(part: Decimal, whole: Decimal) -> float:
    return float(100 * part / whole)


def outcome_table(console: Console, outcome: Outcome) -> None:
    """Print what a policy would have done."""
    run, policy = outcome.run, outcome.file.policy
    length = span(timedelta(seconds=len(run.steps) * STEP_S))
    said = f"{outcome.demand.source}: the last {length} under {policy.name}"
    replica = f"replicas of {_rate(outcome.model.tokens_per_s)} tokens/s"
    price = f"{plain(outcome.model.price)} {outcome.currency} an hour"
    console.print(f"{said}, {replica} at {price}", soft_wrap=True)
    for field in not_simulated(policy):
        console.print(f"{field} is not simulated: the other signals decide alone", soft_wrap=True)
    heads = ("RUN", "SPENT", "SERVED%", "DARK MIN", "STARTS", "MIN BELOW DEMAND")
    rows = [(name, *_run_cells(each)) for name, each in _runs(outcome)]
    _print(console, heads, rows)
    if outcome.positions:
        console.print()
        heads = ("BUDGET", "WINDOW FROM", "SPENT", "LIMIT", "UNIT", "USED%")
        _print(console, heads, [_position_cells(each) for each in outcome.positions])


def _position_cells(position: BudgetPosition) -> tuple[str, ...]:
    shown = compact if position.budget.limit.unit == TOKENS else plain
    return (
        position.budget.name,
        stamp(position.span.start),
        shown(position.spend.value),
        shown(position.budget.limit.value),
        position.budget.limit.unit,
        str(position.used_percent),
    )


def _runs(outcome: Outcome) -> tuple[tuple[str, Run], ...]:
    return ("under the policy", outcome.run), ("without a limit", outcome.unlimited)


def _run_cells(run: Run) -> tuple[str, ...]:
    return (
        plain(run.spent),
        f"{_served_percent(run):.1f}",
        f"{run.dark_minutes:g}",
        str(run.starts),
        f"{run.minutes_below_demand:g}",
    )


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """Return *outcome* as `-o json` prints it."""
    policy = outcome.file.policy
    return {
        "apiVersion": API_VERSION,
        "kind": "WhatIf",
        "policy": f"{policy.namespace}/{policy.name}",
        "demand": outcome.demand.source,
        "filledBins": outcome.demand.filled_bins,
        "workload": outcome.workload,
        "currency": outcome.currency,
        "replicaTokensPerSecond": outcome.model.tokens_per_s,
        "pricePerReplicaHour": str(outcome.model.price),
        "runs": {name: _run(run) for name, run in _runs(outcome)},
        "budgets": [_budget(each) for each in outcome.positions],
        "notSimulated": list(not_simulated(policy)),
    }


def _budget(position: BudgetPosition) -> dict[str, Any]:
    return {
        "name": position.budget.name,
        "windowStart": stamp(position.span.start),
        "windowEnd": stamp(position.span.end),
        "unit": position.budget.limit.unit,
        "spent": str(position.spend.value),
        "limit": str(position.budget.limit.value),
        "usedPercent": position.used_percent,
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "spent": str(run.spent),
        "offeredTokens": run.offered_tokens,
        "servedTokens": run.served_tokens,
        "servedPercent": _served_percent(run),
        "darkMinutes": run.dark_minutes,
        "starts": run.starts,
        "minutesBelowDemand": run.minutes_below_demand,
    }


def _served_percent(run: Run) -> float:
    return 100 * run.served_tokens / run.offered_tokens if run.offered_tokens else 100.0


def growth_table(console: Console, scales: tuple[Scale, ...]) -> None:
    """Print what many more users would cost."""
    heads = ("SCALE", "USERS", "MEAN", "PEAK", "COST", "PER USER", "PER REQUEST", "PER 1M TOKENS")
    _print(console, heads, [_scale_cells(each) for each in scales])
    flat, largest = flat_from(scales), scales[-1].times
    said = f"From {flat:g}x on a token costs the same, within 2 %."
    if flat == largest:
        said = f"At {largest:g}x a token still gets cheaper: nothing is flat yet."
    console.print(said, soft_wrap=True)


def _scale_cells(scale: Scale) -> tuple[str, ...]:
    return (
        f"{scale.times:g}x",
        str(scale.users),
        f"{scale.mean_replicas:.1f}",
        str(scale.peak_replicas),
        plain(scale.cost),
        f"{scale.per_user:.4f}",
        f"{scale.per_request:.7f}",
        f"{scale.per_million_tokens:.4f}",
    )


def growth_json(scales: tuple[Scale, ...]) -> dict[str, Any]:
    """Return *scales* as `-o json` prints them."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Growth",
        "currency": CURRENCY,
        "flatFrom": flat_from(scales),
        "scales": [
            {
                "times": each.times,
                "users": each.users,
                "requests": each.requests,
                "tokens": each.tokens,
                "meanReplicas": each.mean_replicas,
                "peakReplicas": each.peak_replicas,
                "cost": str(each.cost),
                "costPerUser": float(each.per_user),
                "costPerRequest": float(each.per_request),
                "costPerMillionTokens": float(each.per_million_tokens),
            }
            for each in scales
        ],
    }


def _print(console: Console, heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    words = {"RUN", "BUDGET", "WINDOW FROM", "UNIT"}
    for head in heads:
        table.add_column(head, justify="left" if head in words else "right")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)
