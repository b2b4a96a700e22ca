"""Which namespaces need history: a window is open there that began before they were counted."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from plafond.account.account import in_force
from plafond.account.past import before, wanted_since
from plafond.model.memory import NamespaceRecord
from plafond.model.policy import CostPolicy
from plafond.model.settings import Settings
from plafond.model.snapshot import Snapshot


def history_wanted(snapshot: Snapshot, settings: Settings) -> Mapping[str, datetime]:
    """Return from when on history is needed, by namespace."""
    policies: dict[str, list[CostPolicy]] = defaultdict(list)
    for policy in in_force(snapshot, settings):
        policies[policy.namespace].append(policy)
    wanted = {
        name: wanted_since(
            snapshot.records.get(name, NamespaceRecord()),
            before(policies[name], snapshot.past_of(name), snapshot.now),
        )
        for name in sorted(policies)
    }
    return {name: since for name, since in wanted.items() if since is not None}
