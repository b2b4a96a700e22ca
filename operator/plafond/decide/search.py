"""How demand that cannot be seen is looked for in one namespace."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from plafond.account.account import WorkloadAccount
from plafond.decide.probing import Probing, probe_delay
from plafond.forecast.demand import DEFAULT_TARGET_PERCENT
from plafond.model.memory import Memory
from plafond.model.settings import Timing


@dataclass(frozen=True)
class Search:
    """How hidden demand is looked for in a namespace, by what *memory* says of the last pass."""

    memory: Memory
    timing: Timing

    def of(self, target: WorkloadAccount) -> Probing:
        """Return how the demand of *target* is looked for."""
        policies = target.targeted.policies
        fullest = max([self._fullest.get(name, 0) for name in policies], default=0)
        # Whoever refuses work has no money for headroom, also where running fuller saves nothing.
        is_refused = not self._refusing.isdisjoint(policies)
        pressure = 1.0 if is_refused else _pressure(target, fullest)
        return Probing(self._delay, self.timing, pressure, is_refused)

    @cached_property
    def _delay(self) -> timedelta:
        return probe_delay(self.timing, self.memory.start_delays)

    @cached_property
    def _fullest(self) -> Mapping[str, int]:
        """How full each policy had replicas run, in percent."""
        found: dict[str, int] = {}
        for name, allowed in self.memory.allowed.items():
            policy = _policy(name)
            found[policy] = max(found.get(policy, 0), allowed.utilization_percent or 0)
        return found

    @cached_property
    def _refusing(self) -> frozenset[str]:
        """The policies under which some work was refused."""
        allowed = self.memory.allowed.items()
        return frozenset(_policy(name) for name, each in allowed if each.refuses)


def _policy(limit: str) -> str:
    return limit.partition("/")[0]


def _pressure(target: WorkloadAccount, fullest: int) -> float:
    scaling = target.targeted.scaling
    own = None if scaling is None else scaling.gpu_utilization_target_percent
    lowest = DEFAULT_TARGET_PERCENT if own is None else own
    room = target.targeted.class_rule.utilization_limit_percent - lowest
    return min(1.0, max(0.0, (fullest - lowest) / max(1, room)))
