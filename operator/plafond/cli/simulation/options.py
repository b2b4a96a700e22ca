"""The flags of `plafond simulate`."""

from pathlib import Path
from typing import Annotated

import typer

from plafond.simulate.observing import Observe

_BENCHMARK = "Benchmark"
_POLICY = "What a policy would have done"
_GROW = "Growth"
# Whoever opens a file says what is wrong with it, in one sentence for all of them.
_FILE = {"readable": False}

Benchmark = Annotated[
    bool,
    typer.Option(
        "--benchmark",
        help="Play the pacing benchmark: the trace's second week, after its first.",
        rich_help_panel=_BENCHMARK,
    ),
]
BudgetPercent = Annotated[
    list[float] | None,
    typer.Option(
        "--budget-percent",
        help="The budget, in percent of what the window costs without one; may be repeated.",
        rich_help_panel=_BENCHMARK,
    ),
]
Compare = Annotated[
    bool,
    typer.Option(
        "--compare",
        help="Add the rules of thumb and the clairvoyant optimum.",
        rich_help_panel=_BENCHMARK,
    ),
]
ObserveOption = Annotated[
    Observe,
    typer.Option(
        "--observe",
        help="Where demand is seen: at a gateway, or as what is served.",
        rich_help_panel=_BENCHMARK,
    ),
]
Trace = Annotated[
    Path | None,
    typer.Option("--trace", help="Recorded demand: CSV, compressed by gzip or not.", **_FILE),
]
ReplicaTokens = Annotated[
    float | None,
    typer.Option(
        "--replica-tokens-per-s",
        help="Tokens a second that a replica serves; else a twelfth of the mean demand.",
    ),
]
Timeline = Annotated[
    Path | None,
    typer.Option(
        "--timeline",
        help="Write one row per 15 s step of the window to this CSV file.",
        **_FILE,
    ),
]
Sensitivity = Annotated[
    bool,
    typer.Option(
        "--sensitivity",
        help="Play the core in worlds that are not as assumed, under the same limit.",
        rich_help_panel=_BENCHMARK,
    ),
]
PolicyPath = Annotated[
    Path | None,
    typer.Option(
        "--filename",
        "-f",
        help="A CostPolicy in YAML, with the PriceSheet beside it if there is one.",
        rich_help_panel=_POLICY,
        **_FILE,
    ),
]
History = Annotated[
    str,
    typer.Option(
        "--history",
        help="How much demand before the window the ledger knows.",
        rich_help_panel=_POLICY,
    ),
]
WindowOption = Annotated[
    str,
    typer.Option(
        "--window", help="How much of the end of demand is played.", rich_help_panel=_POLICY
    ),
]
Price = Annotated[
    float | None,
    typer.Option(
        "--price", help="What a replica-hour costs, if no sheet says so.", rich_help_panel=_POLICY
    ),
]
Tenant = Annotated[
    list[str] | None,
    typer.Option(
        "--tenant",
        help="Only this tenant's demand; may be repeated. Else everybody's.",
        rich_help_panel=_POLICY,
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        "--report",
        help="Write a page with charts to this HTML file.",
        rich_help_panel=_POLICY,
        **_FILE,
    ),
]
FromPrometheus = Annotated[
    str | None,
    typer.Option(
        "--from-prometheus",
        help="Demand out of vLLM's token counters there, in place of a trace.",
        metavar="URL",
        rich_help_panel=_POLICY,
    ),
]
Since = Annotated[
    str,
    typer.Option("--since", help="How far back to ask Prometheus.", rich_help_panel=_POLICY),
]
Query = Annotated[
    str | None,
    typer.Option(
        "--query",
        help="Another PromQL for demand: one series, in tokens a second.",
        rich_help_panel=_POLICY,
    ),
]
Grow = Annotated[
    list[str] | None,
    typer.Option(
        "--grow",
        help="What so many times the users would cost, as in 10x; may be repeated.",
        rich_help_panel=_GROW,
    ),
]
Users = Annotated[
    int,
    typer.Option("--users", help="How many users the trace stands for.", rich_help_panel=_GROW),
]
