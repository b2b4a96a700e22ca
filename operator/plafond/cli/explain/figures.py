"""The numbers behind a ceiling, each with its source and its age."""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from plafond.cli.explain.case import Case
from plafond.cli.explain.explanation import Number
from plafond.cli.explain.facts import PolicyFacts
from plafond.cli.explain.unknowns import demand_gap, needed
from plafond.decide.outlook import Outlook, outlook
from plafond.decide.pace import BudgetPace
from plafond.model.budget import Budget
from plafond.model.gap import Gap
from plafond.model.money import REPLICAS, is_resource_unit
from plafond.model.window import as_written

LEDGER = "ledger"
MEMORY = "memory"
STATUS = "status"
CENT = Decimal("0.01")


def figures(case: Case) -> tuple[Number, ...]:
    """Return them: the limit that binds first, then the other limits, then what things cost."""
    groups = [(pace.name, tuple(_of_budget(pace, case))) for pace in case.paces]
    groups += [
        (f"{of.policy.name}/{b.name}", tuple(_told(of, b, case))) for of, b in case.unrecorded
    ]
    groups += [(name, tuple(_of_ceiling(name, case))) for name in sorted(case.limits)]
    groups.sort(key=lambda each: each[0] != case.limit)
    return (*(number for _, group in groups for number in group), *_of_costs(case))


def known(value: Decimal | None) -> str | None:
    """Return *value* as people read it, if it is known."""
    return None if value is None else plain(value)


def plain(value: Decimal) -> str:
    """Return *value* as people read it: two decimals at most, and none that say nothing."""
    text = f"{value.quantize(CENT, ROUND_HALF_UP):f}"
    return text.rstrip("0").rstrip(".") if text.endswith(".00") else text


def unit_name(unit: str) -> str:
    """Return *unit* for people: of a resource its own name."""
    return unit.partition("/")[2] if is_resource_unit(unit) else unit


def hourly_unit(unit: str) -> str:
    """Return the unit of a limit of the moment: what costs is counted per hour."""
    per = "" if unit == REPLICAS or is_resource_unit(unit) else "/h"
    return f"{unit_name(unit)}{per}"


def _of_budget(pace: BudgetPace, case: Case) -> Iterator[Number]:
    position, at = pace.position, case.facts.as_of
    unit = position.budget.limit.unit
    rate = f"{unit}/h"
    yield Number(f"{pace.name}: limit", plain(position.budget.limit.value), unit, "policy")
    # What has no price is not in the ledger; that is not the same as nothing.
    partly = ", as far as it is priced" if case.limits[pace.name].needed is None else ""
    yield Number(f"{pace.name}: spent{partly}", plain(position.spend.value), unit, LEDGER, at)
    yield Number(f"{pace.name}: used{partly}", str(position.used_percent), "percent", LEDGER, at)
    yield Number(
        f"{pace.name}: remaining{partly}", plain(position.remaining.value), unit, LEDGER, at
    )
    # The guard's rate decides nothing unless replicas are clipped: running fuller does.
    how_long = "now" if pace.is_clipped else "for the moment"
    carries = f"{pace.name}: carries {how_long}{partly}"
    yield Number(carries, plain(pace.carried_rate), rate, MEMORY, at)
    lasts = f"for {as_written(position.time_left)}" if position.is_rolling else "to its end"
    yield Number(f"{pace.name}: lasts {lasts} at{partly}", plain(pace.level), rate, MEMORY, at)
    cost = known(needed(pace.name, case))
    yield Number(f"{pace.name}: demand and what nobody scales cost", cost, rate, MEMORY, at)
    if pace.utilization_percent is not None:
        percent = str(pace.utilization_percent)
        yield Number(f"{pace.name}: replicas run at up to", percent, "percent", MEMORY, at)
    yield from _ahead(pace, case)


def _told(of: PolicyFacts, budget: Budget, case: Case) -> Iterator[Number]:
    """Yield what is known of a *budget* of which no ledger was read: what the status says."""
    name, unit, at = f"{of.policy.name}/{budget.name}", budget.limit.unit, of.status.at
    yield Number(f"{name}: limit", plain(budget.limit.value), unit, "policy")
    for said in (each for each in of.status.budgets if each.name == budget.name):
        yield Number(f"{name}: spent", said.spent or None, unit, STATUS, at)
        yield Number(f"{name}: used", str(said.used_percent), "percent", STATUS, at)
        yield Number(f"{name}: remaining", said.remaining or None, unit, STATUS, at)
    yet = "" if isinstance(case.facts.record, Gap) else ", which is not recorded yet"
    yield Number(f"{name}: carries{yet}", None, f"{unit}/h", MEMORY)


def _ahead(pace: BudgetPace, case: Case) -> Iterator[Number]:
    position, found = pace.position, _outlook(pace, case)
    unit = position.budget.limit.unit
    end = f"{as_written(position.time_left)} from now" if position.is_rolling else "at its end"
    if found is None:
        yield Number(f"{pace.name}: {end}, if all demand is served", None, unit, MEMORY)
        return
    basis = "all demand is served" if found.is_forecast else "demand stays and is served"
    said = plain(found.spend)
    yield Number(f"{pace.name}: {end}, if {basis}", said, unit, MEMORY, found.made_at)
    if found.error is not None:
        name = f"{pace.name}: give or take"
        yield Number(name, plain(found.error), unit, MEMORY, found.made_at)
    if found.expected is not None and plain(found.expected) != said:
        name = f"{pace.name}: {end}, as planned"
        yield Number(name, plain(found.expected), unit, MEMORY, found.made_at)


def _outlook(pace: BudgetPace, case: Case) -> Outlook | None:
    # It is known as far as prices and demand are; a forecast knows demand from before.
    if case.limits[pace.name].needed is None:
        return None
    return None if pace.plan is None and demand_gap(case) is not None else outlook(pace)


def _of_ceiling(name: str, case: Case) -> Iterator[Number]:
    found = case.limits[name]
    if found.rate is None:
        return
    unit = hourly_unit(found.unit)
    yield Number(f"{name}: allows", plain(found.rate), unit, "policy")
    yield Number(f"{name}: demand needs", known(needed(name, case)), unit, MEMORY, case.facts.as_of)


def _of_costs(case: Case) -> Iterator[Number]:
    for unit, price in sorted(case.price.items()):
        if unit not in case.units:
            continue
        yield Number("a replica costs", plain(price), f"{unit}/h", MEMORY, case.facts.as_of)
    said = [each for each in case.governing if each.status.burn_rate]
    if said:
        value, _, unit = said[0].status.burn_rate.partition(" ")
        # What has no price is missing in it.
        is_known = all(each.needed is not None for each in case.limits.values())
        cost = value if is_known else None
        yield Number(
            "the namespace cost as of the status",
            cost,
            f"{unit}/h",
            STATUS,
            said[0].status.at,
        )
