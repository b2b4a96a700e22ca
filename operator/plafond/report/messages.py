"""Sentences for people, made from values. What, why, the number, until when."""

from collections.abc import Sequence
from decimal import Decimal

from plafond.decide.decision import Decision
from plafond.model.budget import BudgetPosition
from plafond.model.money import TOKENS
from plafond.model.window import as_written
from plafond.report.part import PolicyPart

# What Kubernetes allows a condition or an Event to say.
MAX_MESSAGE = 1024
_SIZES = (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3))
_CENT = Decimal("0.01")


def cut(message: str) -> str:
    """Return *message* as one line that fits; what was cut off is shown to be missing."""
    clean = message
    if not message.isprintable():
        clean = "".join(character if character.isprintable() else " " for character in message)
    return clean if len(clean) <= MAX_MESSAGE else f"{clean[: MAX_MESSAGE - 1]}…"


def amount(value: Decimal, unit: str) -> str:
    """Return *value* as people read it: two decimals, and its unit."""
    return f"{compact(value) if unit == TOKENS else f'{value:.2f}'} {unit}"


def compact(value: Decimal) -> str:
    """Return how many tokens *value* is, as a limit is written: 1.25M."""
    for suffix, size in _SIZES:
        if abs(value) >= size:
            return f"{_short(value / size)}{suffix}"
    return _short(value)


def _short(value: Decimal) -> str:
    text = f"{value.quantize(_CENT):f}"
    return text.rstrip("0").rstrip(".")


def moved(decision: Decision) -> str:
    """Return what happened to one workload, and why."""
    before, after = decision.observed_replicas, decision.desired_replicas
    count = f"{after} replicas kept" if before == after else f"{before} → {after} replicas"
    ceiling = "" if decision.ceiling is None else f" (ceiling {decision.ceiling})"
    why = "" if decision.reason is None else f": {decision.reason.sentence}"
    return f"{count}{ceiling}{why}"


def told(decision: Decision) -> str:
    """Return the same for an Event: which limit it was, and where there is more."""
    limit = "" if decision.limit is None else f" ({decision.limit})"
    return (
        f"{moved(decision)}{limit}; see: kubectl plafond explain {decision.workload} "
        f"-n {decision.workload.namespace}"
    )


def standing(position: BudgetPosition) -> str:
    """Return where a budget stands."""
    unit, end = position.budget.limit.unit, position.ends_at
    last = f"in the last {as_written(position.span.length)}"
    return (
        f"budget {position.budget.name}: {amount(position.spend.value, unit)} of "
        f"{amount(position.budget.limit.value, unit)} spent ({position.used_percent} %), "
        f"{last if end is None else f'until {end:%Y-%m-%dT%H:%M:%SZ}'}"
    )


def summary(part: PolicyPart, warnings: Sequence[str] = ()) -> str:
    """Return one sentence on how a policy stands, and what somebody should know of it."""
    if part.judgement.left_alone is not None:
        return cut(f"nothing is decided: {part.judgement.left_alone.why}")
    parts = [standing(position) for position in part.positions]
    squeezed = part.judgement.pace.utilization_percent
    # Nothing runs fuller whose count nobody reckons from demand.
    follows = any(t.targeted.scaling or t.workload.autoscaler for t in part.targets)
    if squeezed is not None and follows:
        parts.append(
            f"money is short: replicas run at up to {squeezed} %, or the limit of their class, "
            "before work is refused"
        )
    moves = [f"{d.workload.name} {moved(d)}" for d in part.decisions if d.reason]
    return cut("; ".join([*warnings, *parts, *moves]) or "within all limits")
