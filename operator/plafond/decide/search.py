"""How demand that cannot be seen is looked for in one namespace."""

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from plafond.account.account import WorkloadAccount
from plafond.decide.probing import Probing, probe_delay
from plafond.forecast.demand import DEFAULT_TARGET_PERCENT
from plafond.model.memory import Memory
from plafond.model.settings import Timing


class Search(NamedTuple):
    """
    What all targets of a namespace have in common.

    Attributes:
        delay: a probe needs so long to show its effect.
        timing: how often is looked, and ceilings are raised.
        fullest: how full each policy had replicas run in the last pass, in percent.
        refusing: the policies under which some work was refused then.

    """

    delay: timedelta
    timing: Timing
    fullest: Mapping[str, int]
    refusing: frozenset[str]

    def of(self, target: WorkloadAccount) -> Probing:
        """Return how the demand of *target* is looked for."""
        policies = target.targeted.policies
        fullest = max([self.fullest.get(name, 0) for name in policies], default=0)
        # Whoever refuses work has no money for headroom, also where running fuller saves nothing.
        is_refused = not self.refusing.isdisjoint(policies)
        pressure = 1.0 if is_refused else _pressure(target, fullest)
        return Probing(self.delay, self.timing, pressure, is_refused)


def _pressure(target: WorkloadAccount, fullest: int) -> float:
    scaling = target.targeted.scaling
    own = None if scaling is None else scaling.gpu_utilization_target_percent
    lowest = DEFAULT_TARGET_PERCENT if own is None else own
    room = target.targeted.class_rule.utilization_limit_percent - lowest
    return min(1.0, max(0.0, (fullest - lowest) / max(1, room)))


def search_of(memory: Memory, timing: Timing) -> Search:
    """Return what *memory* says of the last pass."""
    fullest: dict[str, int] = {}
    refusing = set()
    for name, allowed in memory.allowed.items():
        policy = name.partition("/")[0]
        fullest[policy] = max(fullest.get(policy, 0), allowed.utilization_percent or 0)
        if allowed.refuses:
            refusing.add(policy)
    delay = probe_delay(timing, memory.start_delays)
    return Search(delay, timing, fullest, frozenset(refusing))
