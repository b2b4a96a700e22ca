"""Policies, as they were asked about: what is to be played, and what came of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from plafond.cli.errors import BadInputError
from plafond.cli.simulation.progress import shown
from plafond.cli.simulation.question import Prometheus, Terms, World
from plafond.model.budget import BudgetPosition
from plafond.page.render import render
from plafond.simulate.baselines import Unconstrained
from plafond.simulate.benchmark import mean_replica
from plafond.simulate.demand import Demand, demand_of
from plafond.simulate.play import Run, play
from plafond.simulate.policy_file import PolicyFile, read_policy
from plafond.simulate.prometheus import TOKENS, Source, read_demand
from plafond.simulate.report_page import Told, page
from plafond.simulate.timeline import timeline, write_whole
from plafond.simulate.traces import read_trace
from plafond.simulate.whatif import (
    NO_CURRENCY,
    BudgetWatch,
    Forecasted,
    core_under,
    last_of,
    prices_of,
    refuse_unplayable,
    start_of,
    workload_of,
)
from plafond.simulate.world import STEP_S, Model


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy would have done, beside what demand would have cost without it."""

    file: PolicyFile
    demand: Demand
    model: Model
    run: Run
    unlimited: Run
    positions: tuple[BudgetPosition, ...]
    forecasts: tuple[Forecasted, ...]

    @property
    def workload(self) -> str:
        """The one workload that carried the demand."""
        return workload_of(self.file.policy)[0].name

    @property
    def currency(self) -> str:
        """What money is reckoned in."""
        return self.file.policy.currency or NO_CURRENCY


def recorded(world: World, prometheus: Prometheus | None, now: datetime) -> Demand | None:
    """Return the demand of *prometheus*; None where it comes from a trace."""
    if prometheus is None:
        return None
    if world.trace is not None:
        sentence = "demand comes from one place: give either --trace or --from-prometheus"
        raise BadInputError(sentence)
    start = now - timedelta(seconds=prometheus.since_s)
    return read_demand(Source(prometheus.url, prometheus.query or TOKENS, start, now))


def played(world: World, terms: Terms, demand: Demand | None) -> Outcome:
    """Play the end of *demand*, or of the trace, under a policy."""
    file = read_policy(terms.policy)
    refuse_unplayable(file)
    prices = prices_of(file, terms.price, start_of(file.policy))
    if demand is None:
        demand = demand_of(read_trace(world.path), terms.tenants)
    if demand.bin_s % STEP_S:
        sentence = f"{demand.source}: expected bins of whole {STEP_S} s; they last {demand.bin_s} s"
        raise BadInputError(sentence)
    window = last_of(demand, terms.history_s, terms.window_s)
    replica = world.replica_tokens_per_s or mean_replica(window)
    if replica <= 0:
        sentence = f"{demand.source}: expected some demand; every bin is empty"
        raise BadInputError(sentence)
    model, watch = Model(replica, prices.per_replica_hour, observe=world.observe), BudgetWatch()
    with shown("playing") as progress:
        run = play(window, model, core_under(file, prices, (window, model), watch), progress)
    unlimited = play(window, model, Unconstrained())
    return Outcome(file, demand, model, run, unlimited, watch.positions, tuple(watch.told))


def written(outcome: Outcome, steps: Path | None, report: Path | None) -> None:
    """Write what happened: step by step, and as a page."""
    if steps is not None:
        write_whole(steps, timeline(outcome.run, outcome.workload))
    if report is not None:
        policy = outcome.file.policy
        told = Told(
            f"CostPolicy {policy.namespace}/{policy.name}",
            outcome.demand.source,
            outcome.currency,
            outcome.run,
            outcome.unlimited,
            outcome.positions,
            outcome.forecasts,
        )
        write_whole(report, render(page(told)))
