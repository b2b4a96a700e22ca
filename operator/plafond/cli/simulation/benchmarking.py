"""The benchmark, as it was asked for: what is to be played."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from plafond.cli.errors import BadInputError
from plafond.cli.simulation.progress import shown
from plafond.cli.simulation.question import World, check_users
from plafond.simulate.benchmark import WORKLOAD, Case, case_of, mean_replica, weeks_of
from plafond.simulate.contest import Entry, Row, entries, rows_of
from plafond.simulate.growth import Population, Scale, scale_of
from plafond.simulate.sensitivity import variants
from plafond.simulate.timeline import timeline, write_whole
from plafond.simulate.traces import Trace, read_trace
from plafond.simulate.world import Model


@dataclass(frozen=True, slots=True)
class Answer:
    """What was played, and the rows that it came to."""

    trace: Trace
    case: Case
    rows: tuple[Row, ...]


def compared(world: World, percents: tuple[Decimal, ...], *, compare: bool) -> Answer:
    """Play the benchmark; with *compare* under everybody, not under the core alone."""
    return _answered(world, lambda case, _: entries(case, percents, compare=compare))


def varied(world: World, percents: tuple[Decimal, ...]) -> Answer:
    """Play the core in worlds that are not as assumed."""
    return _answered(
        world,
        lambda case, trace: tuple(
            entry for percent in percents for entry in variants(case, trace, percent)
        ),
    )


def grown(world: World, times: tuple[float, ...], users: int) -> tuple[Scale, ...]:
    """Reckon what the trace's second week would cost with so many times its users."""
    check_users(users)
    trace = read_trace(world.path)
    case = _case(world, trace)
    rates = (float(rate.mean()) for rate in trace.requests.values())
    population = Population(users, sum(rates))
    return tuple(scale_of(each, population, case.window, case.model) for each in times)


def _answered(world: World, listed: Callable[[Case, Trace], tuple[Entry, ...]]) -> Answer:
    trace = read_trace(world.path)
    case = _case(world, trace)
    with shown("playing") as progress:
        rows = tuple(rows_of(listed(case, trace), progress))
    if world.timeline is not None and rows[0].run is not None:
        write_whole(world.timeline, timeline(rows[0].run, WORKLOAD.name))
    return Answer(trace, case, rows)


def _case(world: World, trace: Trace) -> Case:
    window = weeks_of(trace)
    replica = world.replica_tokens_per_s or mean_replica(window)
    if replica <= 0:
        sentence = f"{trace.source}: expected some demand; every bin is empty"
        raise BadInputError(sentence)
    return case_of(window, Model(replica, observe=world.observe))
