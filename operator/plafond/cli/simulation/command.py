"""The command: which question is asked, and how its answer is printed."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

import typer
from rich.console import Console

from plafond.cli.errors import BadInputError
from plafond.cli.options import Output, OutputOption
from plafond.cli.simulation import asking, benchmarking, options, question, show
from plafond.simulate.errors import SimulationError
from plafond.simulate.observing import Observe

Answer = TypeVar("Answer")
# What the library calls a flag that somebody has written, and did not leave at its default.
_SAID: Final = "COMMANDLINE"


def simulate(  # noqa: PLR0913 - every flag is a parameter
    context: typer.Context,
    *,
    trace: options.Trace = None,
    replica_tokens_per_s: options.ReplicaTokens = None,
    timeline: options.Timeline = None,
    output: OutputOption = Output.TEXT,
    benchmark: options.Benchmark = False,
    budget_percent: options.BudgetPercent = None,
    observe: options.ObserveOption = Observe.OFFERED,
    compare: options.Compare = False,
    sensitivity: options.Sensitivity = False,
    filename: options.PolicyPath = None,
    history: options.History = "7d",
    window: options.WindowOption = "7d",
    price: options.Price = None,
    tenant: options.Tenant = None,
    report: options.Report = None,
    from_prometheus: options.FromPrometheus = None,
    since: options.Since = "14d",
    query: options.Query = None,
    grow: options.Grow = None,
    users: options.Users = 1000,
) -> None:
    """Play recorded demand against the operator's own decisions, without a cluster."""
    with _sentences():
        world = question.World(trace, replica_tokens_per_s, observe, timeline, report)
        asked = question.kind(benchmark=benchmark, policy=filename, grow=grow)
        question.check_flags(asked, _given(context))
        question.check_apart((timeline, report), (trace, filename))
        match asked:
            case question.Kind.BENCHMARK:
                which = question.Rows(compare=compare, sensitivity=sensitivity)
                _benchmark(world, question.percents(budget_percent, timeline), which, output)
            case question.Kind.POLICY:
                terms = question.terms(filename, (history, window), price, tenant)
                source = question.prometheus(from_prometheus, since, query)
                _policy(world, terms, source, output)
            case question.Kind.GROWTH:
                _growth(world, question.growths(grow), users, output)


def _given(context: typer.Context) -> list[str]:
    said = context.get_parameter_source
    return [name for name in context.params if str(getattr(said(name), "name", "")) == _SAID]


def _benchmark(
    world: question.World, percents: tuple[Decimal, ...], which: question.Rows, output: Output
) -> None:
    if which.sensitivity:
        answer = benchmarking.varied(world, percents)
    else:
        answer = benchmarking.compared(world, percents, compare=which.compare)
    _say(output, answer, show.benchmark_table, show.benchmark_json)


def _policy(
    world: question.World,
    terms: question.Terms,
    source: question.Prometheus | None,
    output: Output,
) -> None:
    demand = asking.recorded(world, source, _now())
    outcome = asking.played(world, terms, demand)
    asking.written(outcome, world.timeline, world.report)
    _say(output, outcome, show.outcome_table, show.outcome_json)


def _growth(world: question.World, times: tuple[float, ...], users: int, output: Output) -> None:
    scales = benchmarking.grown(world, times, users)
    _say(output, scales, show.growth_table, show.growth_json)


def _say(
    output: Output,
    answer: Answer,
    as_table: Callable[[Console, Answer], None],
    as_json: Callable[[Answer], dict[str, Any]],
) -> None:
    if output is Output.JSON:
        print(json.dumps(as_json(answer), indent=2, ensure_ascii=False))  # noqa: T201 - the answer
    else:
        as_table(_console(), answer)


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except SimulationError as error:
        raise BadInputError(str(error)) from error


def _console() -> Console:
    # Tables are never cut off where nobody sees a width.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 400)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - history is asked for up to the moment of asking
