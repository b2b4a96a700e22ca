"""The command: which question is asked, and how its answer is printed."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from plafond.cli.errors import BadInputError
from plafond.cli.options import Output, OutputOption
from plafond.cli.simulation import options, show
from plafond.cli.simulation.benchmarking import Question, answered
from plafond.simulate.errors import SimulationError
from plafond.simulate.observing import Observe


def simulate(  # noqa: PLR0913 - every flag is a parameter
    *,
    trace: options.Trace = None,
    benchmark: options.Benchmark = False,
    budget_percent: options.BudgetPercent = None,
    compare: options.Compare = False,
    observe: options.ObserveOption = Observe.OFFERED,
    replica_tokens_per_s: options.ReplicaTokens = None,
    timeline: options.Timeline = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Play recorded demand against the operator's own decisions, without a cluster."""
    percents = tuple(budget_percent or ())
    question = Question(trace, percents, observe, replica_tokens_per_s, timeline, compare)
    with _sentences():
        if not benchmark:
            sentence = "expected a question: --benchmark"
            raise BadInputError(sentence)
        answer = answered(question)
        if output is Output.JSON:
            print(json.dumps(show.benchmark_json(answer), indent=2))  # noqa: T201 - the answer
        else:
            show.benchmark_table(_console(), answer)


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except SimulationError as error:
        raise BadInputError(str(error)) from error


def _console() -> Console:
    # Tables are never cut off where nobody sees a width.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 400)
