"""
What a budget's window comes to, for people: if all demand were served, and under the plan.

With a day of demand in the ledger that is a forecast, with its error. With less, and in windows of
less than half a day, demand is taken to stay as it is, and nobody knows how wrong that is.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from plafond.decide.judge import Judgement
from plafond.decide.lasting import gone_after
from plafond.decide.pace import BudgetPace
from plafond.model.gap import Gap
from plafond.model.memory import PacePlan
from plafond.model.money import ZERO, accrued, elapsed_microseconds


@dataclass(frozen=True, slots=True)
class Outlook:
    """
    What will have been spent at a window's end; in a rolling one, a whole window from now.

    Attributes:
        spend: if all demand were served, at its own target utilization.
        error: the standard error of that, about; None where demand is only taken to stay as it is.
        low, high: one standard error below and above, which are factors; None like it.
        expected: what it will be under the plan; None where that is not remembered.
        gone_at: when the limit would be reached if all demand were served; None where never.
        made_at: when it was forecast, or how demand stays was seen.

    """

    spend: Decimal
    error: Decimal | None
    expected: Decimal | None
    gone_at: datetime | None
    made_at: datetime
    low: Decimal | None = None
    high: Decimal | None = None

    @property
    def is_forecast(self) -> bool:
        """It follows from what the ledger knows of demand, and not only from that of now."""
        return self.error is not None


def outlooks(judgement: Judgement) -> dict[str, Outlook | Gap]:
    """Return what the windows of all budgets come to, by the budgets' names."""
    account = judgement.account
    gap = next(iter(judgement.gaps.values()), None)
    found: dict[str, Outlook | Gap] = {}
    for pace in judgement.pace.budgets:
        unit = pace.position.budget.limit.unit
        is_priced = unit not in account.unpriced and all(unit in t.price for t in account.targets)
        if not is_priced:
            found[pace.name] = Gap(f"some of what runs has no price in {unit}")
        elif pace.plan is None and gap is not None:
            found[pace.name] = gap
        else:
            found[pace.name] = outlook(pace)
    return found


def outlook(pace: BudgetPace) -> Outlook:
    """Return what the window of *pace* comes to, where all prices and demand are known."""
    position = pace.position
    spent = ZERO if position.is_rolling else position.spend.value
    if pace.plan is not None:
        return _forecast(pace, pace.plan, spent)
    left, after = position.time_left, gone_after(position, pace.demand)
    return Outlook(
        spent + accrued(pace.demand, left),
        None,
        None if pace.spending is None else spent + accrued(pace.spending, left),
        None if after is None else position.now + after,
        position.now,
    )


def _forecast(pace: BudgetPace, plan: PacePlan, spent: Decimal) -> Outlook:
    position = pace.position
    # Of a plan that is some minutes old, what lies ahead is a part.
    left = Decimal(elapsed_microseconds(position.time_left))
    part = left / elapsed_microseconds(plan.until - plan.at)
    ahead, factor = plan.forecast * part, plan.error.exp()
    return Outlook(
        spent + ahead,
        ahead * plan.error,
        None if plan.expected is None else spent + plan.expected * part,
        plan.gone_at,
        plan.at,
        spent + ahead / factor,
        spent + ahead * factor,
    )
