"""Demand of one workload, wherever it was recorded."""

from dataclasses import dataclass

from plafond.simulate.errors import SimulationError
from plafond.simulate.traces import Trace


@dataclass(frozen=True, slots=True)
class Demand:
    """
    Tokens a second by bin of *bin_s* seconds.

    *filled_bins* is how many of them hold what was assumed, because nothing was recorded.
    """

    source: str
    bin_s: int
    tokens_per_s: tuple[float, ...]
    filled_bins: int = 0


def demand_of(trace: Trace, tenants: tuple[str, ...] = ()) -> Demand:
    """Return what *tenants* of *trace* ask for together; all of them where none is named."""
    unknown = sorted(set(tenants) - set(trace.tokens))
    if unknown:
        sentence = f"{trace.source}: expected a tenant of the trace; got {', '.join(unknown)}"
        raise SimulationError(sentence)
    chosen = [trace.tokens[tenant] for tenant in tenants]
    total = sum(chosen[1:], chosen[0]) if chosen else trace.total
    return Demand(trace.source, trace.bin_s, tuple(total.tolist()), trace.silent_bins)
