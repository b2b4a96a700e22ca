"""The command line: one function per command, which reads, explains and shows."""

import json
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Annotated, Any

import typer
from rich.console import Console

from plafond.cli import options
from plafond.cli.arguments import asked
from plafond.cli.cluster import Access, connect
from plafond.cli.errors import EXIT_OVER_BUDGET, BadInputError, CommandError
from plafond.cli.explain.explaining import explain
from plafond.cli.reading import read_facts, read_overview, read_workload
from plafond.cli.show import as_json
from plafond.cli.show.text import show_explanation, show_overview
from plafond.cli.simulation.command import simulate

WORKLOAD_HELP = "NAMESPACE/WORKLOAD, or as kubectl writes it: deploy/llm, deployments.apps llm."

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


def _version(asked_for: bool) -> None:  # noqa: FBT001 - as typer calls it
    if asked_for:
        print(f"plafond {version('plafond')}")  # noqa: T201 - what a command says
        raise typer.Exit


def run(name: str) -> int:
    """Run the command line under *name*; return the exit code."""
    try:
        app(prog_name=name)
    except CommandError as error:
        return _said(str(error), error.code)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@app.callback()
def root(
    *,
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_version),
    ] = False,
) -> None:
    """Look at cost ceilings: what holds, why, and what would lift it. It never writes."""


@app.command()
def status(  # noqa: PLR0913 - every flag is a parameter
    *,
    namespace: options.Namespace = None,
    all_namespaces: options.AllNamespaces = False,
    output: options.OutputOption = options.Output.TEXT,
    exit_code: options.ExitCode = False,
    kubeconfig: options.Kubeconfig = None,
    context: options.Context = None,
    as_user: options.AsUser = None,
    as_group: options.AsGroup = None,
    request_timeout: options.Timeout = 10.0,
) -> None:
    """Show where the policies of a namespace, or of all, and their workloads stand."""
    if all_namespaces and namespace is not None:
        sentence = "give either --namespace or --all-namespaces"
        raise BadInputError(sentence)
    cluster = connect(Access(kubeconfig, context, as_user, as_group, request_timeout))
    where = None if all_namespaces else namespace or cluster.namespace
    policies = read_overview(cluster.read, where)
    if output is options.Output.JSON:
        _print_json(as_json.overview(policies, _now()))
    elif policies:
        show_overview(_console(), policies)
    else:
        _note(f"no cost policy in {where or 'any namespace'}")
    _end(exit_code=exit_code, is_over=any(each.is_over_budget for each in policies))


@app.command("explain")
def explain_workload(  # noqa: PLR0913 - every flag is a parameter
    workload: Annotated[list[str], typer.Argument(help=WORKLOAD_HELP, metavar="WORKLOAD")],
    *,
    namespace: options.Namespace = None,
    output: options.OutputOption = options.Output.TEXT,
    exit_code: options.ExitCode = False,
    kubeconfig: options.Kubeconfig = None,
    context: options.Context = None,
    as_user: options.AsUser = None,
    as_group: options.AsGroup = None,
    request_timeout: options.Timeout = 10.0,
) -> None:
    """Explain one workload: its ceiling, the rule, the numbers, what comes next, what lifts it."""
    cluster = connect(Access(kubeconfig, context, as_user, as_group, request_timeout))
    live = read_workload(cluster.read, asked(workload, namespace, cluster.namespace))
    said = explain(live, read_facts(cluster.read, live, _now()))
    if output is options.Output.JSON:
        _print_json(as_json.explanation(said))
    else:
        show_explanation(_console(), said)
    _end(exit_code=exit_code, is_over=said.is_over_budget)


app.command("simulate")(simulate)


def _end(*, exit_code: bool, is_over: bool) -> None:
    if exit_code and is_over:
        raise typer.Exit(EXIT_OVER_BUDGET)


def _console() -> Console:
    # Tables are never cut off where nobody sees a width.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 400)


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))  # noqa: T201 - what a command says


def _note(sentence: str) -> None:
    print(sentence, file=sys.stderr)  # noqa: T201 - what a command says


def _said(sentence: str, code: int) -> int:
    _note(f"plafond: {sentence}")
    return code


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a command explains the moment in which it is run
