"""The flags that all commands share, written as kubectl writes them."""

from enum import StrEnum
from typing import Annotated

import typer

_CLUSTER = "Cluster"


class Output(StrEnum):
    """How a command prints."""

    TEXT = "text"
    JSON = "json"


Namespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", help="The namespace; else that of the context."),
]
AllNamespaces = Annotated[
    bool, typer.Option("--all-namespaces", "-A", help="Look at all namespaces.")
]
OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How to print.")]
ExitCode = Annotated[
    bool, typer.Option("--exit-code", help="Exit with 3 when a budget is exhausted.")
]
Kubeconfig = Annotated[
    str | None,
    typer.Option(
        "--kubeconfig", help="The kubeconfig file; else $KUBECONFIG.", rich_help_panel=_CLUSTER
    ),
]
Context = Annotated[
    str | None,
    typer.Option("--context", help="The context of the kubeconfig.", rich_help_panel=_CLUSTER),
]
AsUser = Annotated[
    str | None, typer.Option("--as", help="The user to impersonate.", rich_help_panel=_CLUSTER)
]
AsGroup = Annotated[
    str | None,
    typer.Option("--as-group", help="The group to impersonate.", rich_help_panel=_CLUSTER),
]
Timeout = Annotated[
    float,
    typer.Option(
        "--request-timeout", help="Seconds to wait for an answer.", rich_help_panel=_CLUSTER
    ),
]
