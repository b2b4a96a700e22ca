"""An explanation and an overview as text for people."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from plafond.cli.explain.explanation import Explanation, Number
from plafond.cli.explain.facts import PolicyFacts
from plafond.cli.explain.figures import plain
from plafond.cli.show.words import age, stamp, until
from plafond.model.autoscaler import Autoscaler
from plafond.model.money import TOKENS
from plafond.report.messages import compact

NOTHING = "-"


def show_explanation(console: Console, said: Explanation) -> None:
    """Print *said*."""
    console.print(f"[bold]{escape(said.headline)}[/bold]", soft_wrap=True)
    console.print()
    _print_rows(console, _facts(said))
    if said.numbers:
        _heading(console, "Numbers")
        rows = [
            (each.name, _amount(each), each.source, age(each.at, said.now)) for each in said.numbers
        ]
        _print_rows(console, rows)
    if said.next:
        _heading(console, "What comes next")
        _print_rows(console, [(until(each.at, said.now), each.sentence) for each in said.next])
    _show_lifts(console, said)
    if said.troubles:
        _heading(console, "What is not as it should be", "red")
        for trouble in said.troubles:
            words = [f"{trouble.subject}, {trouble.reason}", trouble.sentence, trouble.message]
            _line(console, ": ".join(word for word in words if word))
    if said.unread:
        _heading(console, "What could not be read", "red")
        for sentence in said.unread:
            _line(console, sentence)


def _show_lifts(console: Console, said: Explanation) -> None:
    if not said.lifts:
        return
    _heading(console, "What would lift it")
    for lift in said.lifts:
        at = "" if lift.at is None else f": {until(lift.at, said.now)}"
        _line(console, f"{lift.sentence}{at}")
        if lift.command is not None:
            _line(console, lift.command, indent=6)


def _facts(said: Explanation) -> Iterator[tuple[str, ...]]:
    rule, counts = said.rule, said.counts
    yield "Workload", f"{said.workload} in {said.workload.namespace}"
    yield "Ceiling", _ceiling(said)
    reason = "" if rule.reason is None else f"{rule.reason.value}: "
    yield "Rule", f"{reason}{rule.sentence}"
    if rule.limit is not None:
        policy, _, limit = rule.limit.partition("/")
        kind = limit if limit.startswith("ceilings.") else f"budget {limit}"
        yield "Limit", f"{kind} of policy {policy}"
    yield (
        "Replicas",
        (
            f"{_count(counts.running)} asked for, {_count(counts.ready)} ready; "
            f"demand asks for {_asked(said)}, decided {_count(counts.desired)}"
        ),
    )
    if said.scaled_by:
        yield "Scaled by", "; ".join(_autoscaler(each) for each in said.scaled_by)
    if rule.moves:
        steps = [f"{each.reason} {each.before} → {each.after}" for each in rule.moves]
        yield "Moves", ", ".join(steps)
    if said.workload_class is not None:
        yield "Class", _class(said)
    policies = ", ".join(said.policies)
    yield "Policies", f"{policies} ({said.mode})" if policies else "none"


def _asked(said: Explanation) -> str:
    count = said.counts.recommended
    return "an unknown number" if count is None and said.policies else _count(count)


def _autoscaler(found: Autoscaler) -> str:
    return f"{found.kind} {found.name}, from {found.least} to {_count(found.most)} replicas"


def _ceiling(said: Explanation) -> str:
    if said.ceiling is None:
        return "none"
    if said.is_in_force:
        return f"{said.ceiling}, held by the API server, with or without the operator"
    return f"{said.ceiling}, not in force"


def _class(said: Explanation) -> str:
    counts = said.counts
    parts = [str(said.workload_class)]
    if counts.floor is not None:
        parts.append(f"floor {counts.floor}")
    if counts.funded_floor is not None:
        parts.append(f"of which {counts.funded_floor} funded")
    if counts.class_maximum is not None:
        parts.append(f"at most {counts.class_maximum}")
    return ", ".join(parts)


def _amount(number: Number) -> str:
    if number.value is None:
        return "unknown"
    # What the status says of tokens is short already.
    is_long = number.unit.startswith(TOKENS) and number.value[-1].isdigit()
    return f"{compact(Decimal(number.value)) if is_long else number.value} {number.unit}"


def _count(count: int | None) -> str:
    return NOTHING if count is None else str(count)


def show_overview(console: Console, policies: tuple[PolicyFacts, ...]) -> None:
    """Print where policies and their workloads stand."""
    heads = ("NAMESPACE", "POLICY", "MODE", "BUDGET", "USED%", "SPENT", "LIMIT", "UNTIL")
    table = _table(*heads, "READY", "WITHIN", "ENFORCING")
    for each in policies:
        for row in _policy_rows(each):
            table.add_row(*(escape(cell) for cell in row))
    _print_table(console, table)
    workloads = _table(
        "NAMESPACE", "WORKLOAD", "CLASS", "RUNS", "WANTS", "CEILING", "REASON", "LIMIT"
    )
    for each in policies:
        for target in each.status.targets:
            workloads.add_row(
                target.workload.namespace,
                f"{target.workload.resource}/{target.workload.name}",
                target.workload_class or NOTHING,
                _count(target.observed),
                _count(target.recommended),
                _count(target.ceiling),
                target.reason or NOTHING,
                target.limit or NOTHING,
            )
    if workloads.row_count:
        console.print()
        _print_table(console, workloads)


def _policy_rows(each: PolicyFacts) -> Iterator[tuple[str, ...]]:
    conditions = tuple(_condition(each, kind) for kind in ("Ready", "WithinBudget", "Enforcing"))
    mode = each.mode.value if each.mode is not None else NOTHING
    first = (each.policy.namespace, each.policy.name, mode)
    if not each.status.budgets:
        yield (*first, *(NOTHING,) * 5, *conditions)
    for budget in each.status.budgets:
        yield (
            *first,
            budget.name,
            str(budget.used_percent),
            f"{_rounded(budget.spent, budget.unit)} {budget.unit}",
            f"{_rounded(budget.limit, budget.unit)} {budget.unit}",
            stamp(budget.window_end) if budget.window_end else NOTHING,
            *conditions,
        )


def _rounded(amount: str, unit: str) -> str:
    return (compact if unit == TOKENS else plain)(Decimal(amount)) if amount else NOTHING


def _condition(each: PolicyFacts, kind: str) -> str:
    found = each.status.condition(kind)
    if found is None:
        return NOTHING
    return found.status if found.status == "True" else f"{found.status} ({found.reason})"


def _table(*heads: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for head in heads:
        table.add_column(head, no_wrap=True)
    return table


def _print_table(console: Console, table: Table) -> None:
    # Off a terminal nobody wants what fills up the last column.
    with console.capture() as captured:
        console.print(table)
    lines = (line.rstrip() for line in captured.get().splitlines())
    console.file.write("".join(f"{line}\n" for line in lines))


def _heading(console: Console, words: str, style: str = "bold") -> None:
    console.print()
    console.print(words, style=style)


def _line(console: Console, words: str, indent: int = 2) -> None:
    console.print(f"{' ' * indent}{words}", markup=False, soft_wrap=True)


def _print_rows(console: Console, rows: Iterable[tuple[str, ...]]) -> None:
    """Print *rows* in columns; the last one is never cut, so that it can be copied."""
    found = list(rows)
    widths = [max(len(row[index]) for row in found) for index in range(len(found[0]))]
    for row in found:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        _line(console, "   ".join(cells).rstrip())
