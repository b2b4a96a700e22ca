"""The benchmark, as it was asked for: what is to be played, and what is to be said of it."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from plafond.cli.errors import BadInputError
from plafond.cli.simulation.progress import shown
from plafond.simulate.benchmark import WORKLOAD, Case, case_of, mean_replica, weeks_of
from plafond.simulate.contest import Row, entries, rows_of
from plafond.simulate.observing import Observe
from plafond.simulate.timeline import check_writable, timeline, write_whole
from plafond.simulate.traces import Trace, read_trace
from plafond.simulate.world import Model

USUAL_PERCENT = 70.0


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody wants to know; *compare* asks for all who might govern, not the core alone."""

    trace: Path | None
    percents: tuple[float, ...]
    observe: Observe
    replica_tokens_per_s: float | None
    timeline: Path | None = None
    compare: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What was played, and the rows that it came to."""

    trace: Trace
    case: Case
    rows: tuple[Row, ...]


def answered(question: Question) -> Answer:
    """Play what *question* asks for; write its timeline."""
    percents = _checked(question)
    trace = read_trace(_given(question.trace))
    window = weeks_of(trace)
    replica = question.replica_tokens_per_s or mean_replica(window)
    if replica <= 0:
        sentence = f"{trace.source}: expected some demand; every bin is empty"
        raise BadInputError(sentence)
    case = case_of(window, Model(replica, observe=question.observe))
    listed = entries(case, percents, compare=question.compare)
    with shown("playing") as progress:
        rows = tuple(rows_of(listed, progress))
    if question.timeline is not None and rows[0].run is not None:
        write_whole(question.timeline, timeline(rows[0].run, WORKLOAD.name))
    return Answer(trace, case, rows)


def _checked(question: Question) -> tuple[Decimal, ...]:
    percents = question.percents or (USUAL_PERCENT,)
    for percent in percents:
        if not 0 < percent < float("inf"):
            sentence = f"expected a --budget-percent above 0; got {percent:g}"
            raise BadInputError(sentence)
    replica = question.replica_tokens_per_s
    if replica is not None and not 0 < replica < float("inf"):
        sentence = f"expected a --replica-tokens-per-s above 0; got {replica:g}"
        raise BadInputError(sentence)
    if question.timeline is not None:
        if len(percents) > 1:
            sentence = "a timeline is of one run: give one --budget-percent with --timeline"
            raise BadInputError(sentence)
        check_writable(question.timeline)
    return tuple(Decimal(str(percent)) for percent in percents)


def _given(trace: Path | None) -> Path:
    if trace is None:
        sentence = "expected --trace FILE, the demand to play"
        raise BadInputError(sentence)
    return trace
