"""What leaves a rolling window next, as far as it is worth telling."""

from decimal import Decimal
from typing import Final

from plafond.cli.explain.figures import plain
from plafond.model.budget import BudgetPosition, FallsOut
from plafond.model.money import ZERO

# Nobody waits for a cent: so much of the limit, or all that there is.
WORTH_TELLING: Final = Decimal("0.05")


def leaves_next(position: BudgetPosition) -> FallsOut | None:
    """Return until when how much has fallen out that is worth telling; None where nothing does."""
    total = ZERO
    for each in position.falls_out:
        total += each.value
        if total >= position.budget.limit.value * WORTH_TELLING or each is position.falls_out[-1]:
            return FallsOut(each.after, total)
    return None


def falling(position: BudgetPosition, leaving: FallsOut) -> str:
    """Return the clause that says what leaves, for whoever says when."""
    what = f"{plain(leaving.value)} {position.budget.limit.unit} of what was spent"
    return f"{what} falls out of the window of budget {position.policy}/{position.budget.name}"
