"""The page about a play: its samples and the audit log as charts, tables and figures."""

from datetime import datetime
from decimal import Decimal
from itertools import accumulate, pairwise

from e2e.demo.facts import Outcome
from e2e.demo.play import BACK_AT, KILLED_AT, TRIED_AT, TRIED_REPLICAS, Play
from e2e.demo.scene import BUDGET_SHARE, HOURS, PRICE, WORKLOADS, Workload, hourly_demand
from e2e.demo.table import Picture, Row
from plafond.decide.reason import SENTENCES
from plafond.page.parts import (
    Axis,
    Band,
    Chart,
    Figure,
    Marker,
    Page,
    Section,
    Series,
    Stroke,
    Table,
)

HOUR_AXIS = Axis("hour of the recording", tick_every=6)
WITHIN, UNKNOWN = "within all limits", "not yet known"


def page(play: Play, outcome: Outcome) -> Page:
    """Return what happened, as plain values for the renderer."""
    charts = [chart for w in WORKLOADS for chart in (_replicas(play, w), _requests(play, w))]
    return Page(
        title=f"Two days of demand under a limit of {outcome.limit} EUR",
        lead=(
            f"{HOURS} hours of recorded demand, played in {play.scene.lasts.total_seconds():.0f} "
            "seconds on a real control plane, with the operator killed in the middle. Sums are "
            "those of the two recorded days."
        ),
        figures=_figures(outcome),
        sections=(
            Section("Money", (_money(play, outcome),)),
            Section("Demand, replicas and ceilings", tuple(charts)),
            Section("Why", (_clamped(play, outcome), _reasons(play))),
        ),
        remark=(
            "Spend is summed up from the API server's audit log and prices, not taken from the "
            "operator. Nodes and engines were played; everything else was the real program."
        ),
    )


def _figures(outcome: Outcome) -> tuple[Figure, ...]:
    used = f"{outcome.spent_percent:.1f} % of the limit"
    return (
        Figure(f"{outcome.spent:,.0f} EUR", f"spent of {outcome.limit:,} EUR: {used}"),
        Figure(f"{outcome.unlimited:,.0f} EUR", "an ideal autoscaler without a limit (computed)"),
        Figure(f"{outcome.served_percent:.0f} %", f"of {outcome.offered:,.0f} requests served"),
        Figure(f"{outcome.cost_percent:.0f} %", "of the cost without a limit"),
        Figure(f"{outcome.dead_seconds:.0f} s", "the operator was dead"),
        Figure(str(outcome.clamped), "writes clamped by the API server"),
    )


def _money(play: Play, outcome: Outcome) -> Chart:
    limit = float(outcome.limit)
    spent = [(p.hour, outcome.spent_at(p.at)) for p in play.pictures]
    # While nobody decides nobody counts: what the status says then is of before.
    told = [(p.hour, None if _is_dead(play, p.at) else _amount(p.spent)) for p in play.pictures]
    rates = zip(*(_needed(w) for w in WORKLOADS), strict=True)
    unlimited = [0.0, *accumulate(float(sum(counts) * PRICE) for counts in rates)]
    end = (float(HOURS), outcome.spent)
    return Chart(
        "Spend against the limit",
        f"The limit is {100 * BUDGET_SHARE:.0f} % of what demand would cost without one. The "
        "operator paces what remains; the straight line would spend it evenly.",
        HOUR_AXIS,
        Axis("EUR"),
        (
            Series("spent, by the audit log", (*spent, end)),
            Series("spent, as the status said", told, Stroke.DOTTED, is_step=True),
            Series(f"limit, {outcome.limit} EUR", ((0, limit), (HOURS, limit)), Stroke.DASHED),
            Series("straight line to the limit", ((0, 0), (HOURS, limit)), Stroke.DASH_DOT),
            Series("without a limit (computed)", tuple(enumerate(unlimited)), Stroke.AREA),
        ),
        _dead(play),
        _moments(play),
    )


def _replicas(play: Play, workload: Workload) -> Chart:
    needed = [*_needed(workload), _needed(workload)[-1]]
    seen = _seen(play, workload)
    return Chart(
        f"{workload.name} ({workload.workload_class}): replicas",
        f"Demand is shown as the replicas that would carry it at their target. Its class is "
        f"promised {workload.floor}.",
        HOUR_AXIS,
        Axis("replicas"),
        (
            Series("demand, in replicas", tuple(enumerate(needed)), Stroke.AREA, is_step=True),
            Series("replicas", [(p.hour, row.replicas) for p, row in seen], is_step=True),
            Series("ceiling", [(p.hour, row.ceiling) for p, row in seen], Stroke.DASHED,
                   is_step=True),
        ),
        _dead(play),
        _moments(play),
    )  # fmt: skip


def _requests(play: Play, workload: Workload) -> Chart:
    rates = hourly_demand(workload.name)
    return Chart(
        f"{workload.name} ({workload.workload_class}): requests",
        "What was asked of it and what it served. Requests that waited too long were dropped.",
        HOUR_AXIS,
        Axis("requests a second"),
        (
            Series("demand", tuple(enumerate((*rates, rates[-1]))), Stroke.AREA, is_step=True),
            Series("served", _served(play, workload)),
        ),
        _dead(play),
        _moments(play),
    )


def _served(play: Play, workload: Workload) -> list[tuple[float, float]]:
    """Return the mean rate served over stretches of an hour of the recording."""
    by_hour = {int(picture.hour): (picture, row) for picture, row in _seen(play, workload)}
    return [
        (
            (before.hour + after.hour) / 2,
            (later.served - sooner.served) / (after.at - before.at).total_seconds(),
        )
        for (before, sooner), (after, later) in pairwise(by_hour.values())
    ]


def _clamped(play: Play, outcome: Outcome) -> Table:
    return Table(
        "Clamped or refused",
        "Every write that did not get what it asked for, by the audit log; writes of the same kind "
        "that follow one another are one row.",
        ("hour", "who", "write", "asked for", "got", "times", "why"),
        tuple(
            (f"{play.hour(c.at):.1f}", c.user, c.write, c.asked, c.got, str(c.times), c.why)
            for c in outcome.clamps
        ),
        frozenset({0, 3, 4, 5}),
    )


def _reasons(play: Play) -> Table:
    """Return for how long which reason gave each workload its count."""
    lasted: dict[tuple[str, str], float] = {}
    for before, after in pairwise(play.pictures):
        for row in before.rows:
            reason = "operator dead" if _is_dead(play, before.at) else row.reason or UNKNOWN
            key = (row.name, reason)
            lasted[key] = lasted.get(key, 0.0) + after.hour - before.hour
    by_length = sorted(lasted.items(), key=lambda item: (item[0][0], -item[1]))
    return Table(
        "What decided the counts",
        "For how many of the recorded hours each reason was the last to move a workload's count.",
        ("workload", "reason", "hours", "meaning"),
        tuple((name, why, f"{hours:.1f}", _meaning(why)) for (name, why), hours in by_length),
        frozenset({2}),
    )


def _meaning(reason: str) -> str:
    others = {
        "operator dead": "nobody decides; the API server holds the ceilings",
        WITHIN: "no rule had to move the count",
        UNKNOWN: "no pass was over yet",
    }
    return {**others, **{str(key): said for key, said in SENTENCES.items()}}.get(reason, "")


def _dead(play: Play) -> tuple[Band, ...]:
    if play.dead is None:
        return ()
    killed, back = play.dead
    return (Band("operator dead", play.hour(killed), play.hour(back)),)


def _moments(play: Play) -> tuple[Marker, ...]:
    tried = f"somebody asks for {TRIED_REPLICAS} replicas of chat, in {len(play.tried)} ways"
    moments = [
        (KILLED_AT, "the operator is killed"),
        (TRIED_AT, tried),
        (BACK_AT, "the operator is started again"),
    ]
    return tuple(Marker(part * HOURS, label) for part, label in moments)


def _is_dead(play: Play, instant: datetime) -> bool:
    return play.dead is not None and play.dead[0] <= instant < play.dead[1]


def _needed(workload: Workload) -> list[int]:
    return [workload.replicas_for(rate) for rate in hourly_demand(workload.name)]


def _seen(play: Play, workload: Workload) -> list[tuple[Picture, Row]]:
    return [(p, row) for p in play.pictures for row in p.rows if row.name == workload.name]


def _amount(said: str) -> float | None:
    number = said.partition(" ")[0]
    return float(Decimal(number)) if number != "-" else None
