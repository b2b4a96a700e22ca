"""The flags of `plafond simulate`."""

from pathlib import Path
from typing import Annotated

import typer

from plafond.simulate.observing import Observe

_BENCHMARK = "Benchmark"
_POLICY = "What a policy would have done"
_GROW = "Growth"

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
    typer.Option("--trace", help="Recorded demand: CSV, compressed by gzip or not."),
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
    typer.Option("--timeline", help="Write one row per 15 s step of the window to this CSV file."),
]
