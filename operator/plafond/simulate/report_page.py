"""The page about a what-if: demand, what was served, ceilings, and spend against limits."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate

from plafond.model.budget import BudgetPosition
from plafond.page.parts import Axis, Chart, Figure, Page, Section, Series, Stroke, Table
from plafond.simulate.play import Run, Step
from plafond.simulate.whatif import Forecasted
from plafond.simulate.world import SECONDS_PER_HOUR

DAY_AXIS = Axis("day of the window", tick_every=1)
SECONDS_PER_DAY = 24 * SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True)
class Told:
    """
    What a page is about: a run under a policy, the same without a limit, and the budgets.

    *forecasts* are what was thought at the time, step by step.
    """

    policy: str
    source: str
    currency: str
    run: Run
    unlimited: Run
    positions: tuple[BudgetPosition, ...]
    forecasts: tuple[Forecasted, ...] = ()


def page(told: Told) -> Page:
    """Return what happened, as plain values for the renderer."""
    return Page(
        title=f"What {told.policy} would have done",
        lead=(
            f"Recorded demand of {told.source}, played against the operator's own decisions. No "
            "cluster was involved: replicas take time to start and end, and what is not served is "
            "lost."
        ),
        figures=_figures(told),
        sections=(
            Section("Money", (_money(told), _budgets(told.positions))),
            Section("Demand and replicas", (_demand(told.run), _replicas(told.run))),
        ),
        remark="Spend is paid replicas times their price times time; nothing is taken from status.",
    )


def _figures(told: Told) -> tuple[Figure, ...]:
    run, unlimited = told.run, told.unlimited
    part = 100 * run.served_tokens / run.offered_tokens if run.offered_tokens else 100.0
    return (
        Figure(f"{run.spent:,.2f} {told.currency}", "spent"),
        Figure(f"{unlimited.spent:,.2f} {told.currency}", "an autoscaler without a limit"),
        Figure(f"{part:.1f} %", "of all tokens served"),
        Figure(f"{run.dark_minutes:,.0f} min", "demand and nobody ready"),
        Figure(f"{run.minutes_below_demand:,.0f} min", "below demand"),
        Figure(f"{run.starts:,}", "replicas started"),
    )


def _money(told: Told) -> Chart:
    limits = tuple(
        Series(
            f"limit of {each.budget.name}",
            (
                (0.0, float(each.budget.limit.value)),
                (_day(told.run.steps[-1]), float(each.budget.limit.value)),
            ),
            Stroke.DASHED,
        )
        for each in told.positions
        if each.budget.limit.unit == told.currency and _is_last(each, told.positions)
    )
    return Chart(
        "Spend against the limit",
        "What was spent since the window began, and what an autoscaler without a limit would have.",
        DAY_AXIS,
        Axis(told.currency),
        (
            Series("spent", _spent(told.run)),
            Series("without a limit", _spent(told.unlimited), Stroke.DOTTED),
            *limits,
            *_forecasts(told),
        ),
    )


def _forecasts(told: Told) -> Iterator[Series]:
    """Yield what each budget in money was forecast to come to, had all demand been served."""
    of_money = [each for each in told.forecasts if each.unit == told.currency]
    for name in dict.fromkeys(each.budget for each in of_money):
        points = [
            (_day(told.run.steps[each.step]), float(each.spend))
            for each in of_money
            if each.budget == name
        ]
        yield Series(f"forecast of {name}, as it was then", points, Stroke.DASH_DOT, is_step=True)


def _is_last(position: BudgetPosition, among: Iterable[BudgetPosition]) -> bool:
    of_budget = [each for each in among if each.budget.name == position.budget.name]
    return position is of_budget[-1]


def _spent(run: Run) -> tuple[tuple[float, float], ...]:
    sums = accumulate((step.cost for step in run.steps), initial=Decimal(0))
    return tuple((_day(step), float(spent)) for step, spent in zip(run.steps, sums, strict=False))


def _demand(run: Run) -> Chart:
    return Chart(
        "Demand and what was served",
        "Tokens a second, prompt and completion together.",
        DAY_AXIS,
        Axis("tokens a second"),
        (
            Series("demand", [(_day(s), s.demand) for s in run.steps], Stroke.AREA, is_step=True),
            Series("served", [(_day(s), s.served) for s in run.steps], is_step=True),
        ),
    )


def _replicas(run: Run) -> Chart:
    return Chart(
        "Replicas and ceilings",
        "Recommended is what demand asks for, before money; paid includes what starts and ends.",
        DAY_AXIS,
        Axis("replicas"),
        (
            Series(
                "recommended",
                [(_day(s), float(s.recommended)) for s in run.steps],
                Stroke.AREA,
                is_step=True,
            ),
            Series("paid", [(_day(s), float(s.replicas)) for s in run.steps], is_step=True),
            Series(
                "ceiling",
                [(_day(s), None if s.ceiling is None else float(s.ceiling)) for s in run.steps],
                Stroke.DASHED,
                is_step=True,
            ),
        ),
    )


def _budgets(positions: tuple[BudgetPosition, ...]) -> Table:
    return Table(
        "Budgets",
        "Each window of each budget that the played time touched, as it stood in its last pass.",
        ("budget", "window from", "until", "spent", "limit", "unit", "used %"),
        tuple(
            (
                each.budget.name,
                f"{each.span.start:%Y-%m-%d %H:%M}",
                f"{each.span.end:%Y-%m-%d %H:%M}",
                f"{each.spend.value:,.2f}",
                f"{each.budget.limit.value:,}",
                each.budget.limit.unit,
                str(each.used_percent),
            )
            for each in positions
        ),
        frozenset({3, 4, 6}),
    )


def _day(step: Step) -> float:
    return step.offset_s / SECONDS_PER_DAY
