"""Everything that one question about the benchmark asks for: rows, by share of the money."""

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass
from decimal import Decimal
from multiprocessing import get_context
from os import cpu_count

from plafond.simulate.baselines import Static, TimeLeft, UntilGone
from plafond.simulate.benchmark import Case, core_for
from plafond.simulate.clairvoyant import clairvoyant_tokens
from plafond.simulate.play import Governor, Progress, Run, play

PLAFOND = "plafond"
CLAIRVOYANT = "clairvoyant"
# How often whoever waits is told how far runs in other processes are, each in so many parts.
LOOK_SECONDS = 0.5
PARTS = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One run to be made: who governs the window of *case* under *limit*."""

    name: str
    case: Case
    percent: Decimal
    limit: Decimal
    governor: str = PLAFOND


@dataclass(frozen=True, slots=True)
class Row:
    """
    One way to govern a window, and what came of it.

    Attributes:
        percent: the limit as a share of what the window costs without one.
        clairvoyant: the tokens that the limit buys for whoever knows all demand and has no lag.
        run: None of the clairvoyant, who is reckoned and not played.

    """

    name: str
    percent: Decimal
    limit: Decimal
    clairvoyant: float
    run: Run | None

    @property
    def served_tokens(self) -> float:
        """The tokens that were served."""
        return self.clairvoyant if self.run is None else self.run.served_tokens

    @property
    def score(self) -> float:
        """Tokens served, as part of what the money could have bought."""
        return self.served_tokens / self.clairvoyant if self.clairvoyant else 1.0


def governors(case: Case, limit: Decimal) -> dict[str, Callable[[], Governor]]:
    """Return everybody who may govern the window of *case* under *limit*, by name."""
    seconds, model = case.window.seconds, case.model
    return {
        PLAFOND: lambda: core_for(case, limit),
        "hpa-until-gone": lambda: UntilGone(limit),
        "static-max-replicas": lambda: Static(limit, seconds, model),
        "remaining-over-time-left": lambda: TimeLeft(limit, seconds, model),
    }


def entries(case: Case, percents: Iterable[Decimal], *, compare: bool) -> tuple[Entry, ...]:
    """Return the runs to be made: the core's, and with *compare* everybody's."""
    found = []
    for percent in percents:
        limit = case.budget(percent)
        names = (*governors(case, limit), CLAIRVOYANT) if compare else (PLAFOND,)
        found += [Entry(name, case, percent, limit, name) for name in names]
    return tuple(found)


def row_of(entry: Entry, progress: Progress | None = None) -> Row:
    """Play *entry*."""
    case, run = entry.case, None
    if entry.governor != CLAIRVOYANT:
        governor = governors(case, entry.limit)[entry.governor]()
        run = play(case.window, case.model, governor, progress)
    best = clairvoyant_tokens(case.window, case.model, entry.limit)
    return Row(entry.name, entry.percent, entry.limit, best, run)


def rows_of(listed: tuple[Entry, ...], progress: Progress | None = None) -> Iterator[Row]:
    """Play all of *listed*, as many at a time as there are processors, in their order."""
    long = sum(entry.governor == PLAFOND for entry in listed)
    workers = min(long, cpu_count() or 1)
    if workers < 2:  # noqa: PLR2004 - one run has nobody to share its work with
        for entry in listed:
            yield row_of(entry, progress if entry.governor == PLAFOND else None)
        return
    context = get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(workers, context) as pool:
        done = manager.dict()
        futures = [pool.submit(_noted, index, entry, done) for index, entry in enumerate(listed)]
        for future in futures:
            while wait((future,), LOOK_SECONDS).not_done:
                if progress is not None:
                    progress(round(sum(done.values())), PARTS * len(listed))
            yield future.result()


def _noted(index: int, entry: Entry, done: MutableMapping[int, float]) -> Row:
    """Play *entry*, and note in *done* how far it is."""

    def note(step: int, steps: int) -> None:
        done[index] = PARTS * step / steps

    row = row_of(entry, note)
    done[index] = PARTS
    return row
