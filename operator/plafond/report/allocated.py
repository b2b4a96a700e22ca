"""
What each namespace has cost since this process first saw it: counters that a ledger is filled from.

They go on after a namespace is gone, because its last amount has to be scraped, and because one of
its name that comes later has spent it already.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from prometheus_client.core import CounterMetricFamily

from plafond.account.account import Account
from plafond.model.money import GPU_HOURS, TOKENS, added

# Of namespaces that are gone; a cluster may make and delete them all day.
MOST_GONE = 1000


class Allocated:
    """The totals of this process, in money, GPU-hours and tokens."""

    def __init__(self) -> None:
        self._total: dict[str, Mapping[str, Decimal]] = {}
        self._until: datetime | None = None
        self._counted_until: dict[str, datetime] = {}

    def add(self, account: Account) -> None:
        """Add what accrued in a pass; of namespaces that are gone, keep the last ones."""
        for namespace, counted in sorted(account.counted.items()):
            before = self._total.pop(namespace, {})
            begun = self._counted_until.get(namespace)
            # What was spent before we came is not an increase; what a ledger that was read afresh
            # charges again was counted before.
            is_repeated = begun is not None and counted.since is not None and counted.since < begun
            is_counted = self._until is not None and not is_repeated
            self._total[namespace] = added(before, counted.accrued) if is_counted else before
            self._counted_until[namespace] = account.now
        self._until = account.now
        # Those that were seen last stand last.
        gone = [name for name in self._total if name not in account.counted]
        for namespace in gone[: max(0, len(gone) - MOST_GONE)]:
            del self._total[namespace], self._counted_until[namespace]

    def families(self) -> Iterable[CounterMetricFamily]:
        """Return the totals as counters."""
        cost = CounterMetricFamily(
            "plafond_allocated_cost",
            "Cost of all pods of a namespace since the operator started.",
            labels=["namespace", "currency"],
        )
        hours = CounterMetricFamily(
            "plafond_allocated_gpu_hours",
            "Accelerator-hours of all pods of a namespace since the operator started.",
            labels=["namespace"],
        )
        tokens = CounterMetricFamily(
            "plafond_allocated_tokens",
            "Tokens that the pods of a namespace processed since the operator started.",
            labels=["namespace"],
        )
        for namespace, total in sorted(self._total.items()):
            for unit, value in sorted(total.items()):
                if unit == GPU_HOURS:
                    hours.add_metric([namespace], float(value))
                elif unit == TOKENS:
                    tokens.add_metric([namespace], float(value))
                else:
                    cost.add_metric([namespace, unit], float(value))
        return cost, hours, tokens
