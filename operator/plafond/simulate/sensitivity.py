"""
What becomes of a limit when the world is not as assumed: one row per way in which it differs.

The limit stays what it was for the world as it was planned: nobody raises a budget because
replicas start slowly, or because prices rise.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import numpy as np

from plafond.simulate.benchmark import Case
from plafond.simulate.contest import Entry
from plafond.simulate.traces import Trace
from plafond.simulate.world import Model, Window

DAY_S = 86_400
START_DELAYS_S = (30, 300, 600)
LAGS_S = (0, 60, 120)
MISJUDGED = ((0.8, "20 % less"), (1.2, "20 % more"))
HISTORY_DAYS = (0, 1)
MID_WINDOW_S = 7 * DAY_S // 2
# The night after the third day.
GROWS_AT_S = 3 * DAY_S
GROWTH = 10


def variants(case: Case, trace: Trace, percent: Decimal) -> Iterator[Entry]:
    """Return the core's runs to be made: as planned, and in every other world."""
    model, limit = case.model, case.budget(percent)
    yield Entry("as planned", case, percent, limit)
    for name, other in _models(model):
        yield Entry(name, replace(case, model=other), percent, limit)
    for name, window in _windows(case.window, trace):
        yield Entry(name, replace(case, window=window), percent, limit)


def _models(model: Model) -> Iterator[tuple[str, Model]]:
    for seconds in START_DELAYS_S:
        yield f"replicas start in {seconds} s", replace(model, start_s=seconds)
    for seconds in LAGS_S:
        yield f"everything is seen {seconds} s late", replace(model, lag_s=seconds)
    for factor, words in MISJUDGED:
        believed = model.tokens_per_s / factor
        name = f"a replica serves {words} than assumed"
        yield name, replace(model, believed_tokens_per_s=believed)
    doubled = replace(model, later_price=2 * model.price, changes_at_s=MID_WINDOW_S)
    yield "prices double in mid-window", doubled


def _windows(window: Window, trace: Trace) -> Iterator[tuple[str, Window]]:
    for days in HISTORY_DAYS:
        cut = window.first - days * DAY_S // window.bin_s
        kept = window.tokens_per_s[cut:]
        name = f"history of {days} days" if days != 1 else "history of one day"
        yield name, Window(kept, window.bin_s, window.first - cut, window.last - cut)
    tenant, demand = max(trace.tokens.items(), key=lambda each: (each[1].sum(), each[0]))
    since = window.first + GROWS_AT_S // window.bin_s
    more = np.zeros(len(window.tokens_per_s))
    grown = demand[since : window.last] * (GROWTH - 1)
    more[since : since + len(grown)] = grown
    total = tuple((np.array(window.tokens_per_s) + more).tolist())
    yield f"tenant {tenant} grows tenfold over night", replace(window, tokens_per_s=total)
