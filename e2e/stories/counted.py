"""What the operator has counted, beside what the audit log knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.stories.scraped import scraped
from e2e.world import pod_starts, truth


@dataclass(frozen=True)
class Counted:
    """The spend of a namespace's budget after a pass, by the operator's own metrics."""

    used: float
    at: datetime

    @classmethod
    def now(cls, rig: Rig, namespace: str, **labels: str) -> "Counted":
        """Return the spend of the budget with these *labels*, as soon as there is one."""
        wanted = {"namespace": namespace, **labels}

        def found() -> "Counted | None":
            page = scraped(f"http://127.0.0.1:{rig.operator_metrics_port}/metrics")
            used = used_in(page, **wanted)
            if not used:
                return None
            at = datetime.fromtimestamp(page["plafond_last_pass_timestamp_seconds"], UTC)
            return cls(sum(used), at)

        return poll(found, 30, what=f"the spend of {wanted}")


def used_in(page: Mapping[str, float], namespace: str, **labels: str) -> list[float]:
    """Return what *page* says was spent of the budgets of *namespace*; others share the rig."""
    wanted = {"namespace": namespace, **labels}
    return [value for name, value in page.items() if _is_used(name, wanted)]


def _is_used(series: str, labels: Mapping[str, str]) -> bool:
    is_spend = series.startswith("plafond_budget_used{")
    return is_spend and all(f'{name}="{value}"' in series for name, value in labels.items())


def is_true(rig: Rig, namespace: str, counted: Counted, since: datetime) -> bool:
    """Say whether a spend is what the audit log knows, to half a percent or a second a start."""
    true = float(truth(rig, namespace, since, counted.at))
    starts = pod_starts(
        rig.audit.pod_lifetimes(namespace), since - timedelta(minutes=10), counted.at
    )
    # The pass that has counted began up to half a second before it was done.
    allowed = max(true * 0.005, starts * 0.001) + starts * 0.0005
    assert abs(counted.used - true) <= allowed, f"{counted.used} of {true}, {starts} starts"
    return True
