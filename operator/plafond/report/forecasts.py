"""Metrics of what budgets come to: forecasts, and what the plan makes of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily

from plafond.decide.outlook import Outlook

BUDGET_LABELS = ("namespace", "policy", "budget", "unit")
_TEXTS = {
    "plafond_budget_forecast": "Spend at the window's end if all demand is served.",
    "plafond_budget_forecast_error": "One standard error of the forecast.",
    "plafond_budget_expected": "Spend at the window's end under the plan.",
    "plafond_budget_exhaustion_timestamp_seconds": "When the limit is reached at all demand.",
    "plafond_budget_demand_censored": "1 while demand is seen only as far as it is served.",
}


@dataclass(frozen=True, slots=True)
class Ahead:
    """One budget, by its labels; *outlook*: None where prices or demand are not known."""

    labels: tuple[str, ...]
    outlook: Outlook | None
    is_censored: bool


def forecasts(rows: Iterable[Ahead]) -> list[GaugeMetricFamily]:
    """Return the families of *rows*; what is not known has no series."""
    families = {
        name: GaugeMetricFamily(name, text, labels=BUDGET_LABELS) for name, text in _TEXTS.items()
    }
    for row in rows:
        for name, value in _values(row).items():
            if value is not None:
                families[name].add_metric(row.labels, value)
    return list(families.values())


def _values(row: Ahead) -> dict[str, float | None]:
    censored = {"plafond_budget_demand_censored": float(row.is_censored)}
    found = row.outlook
    if found is None:
        return {**censored}
    return {
        **censored,
        "plafond_budget_forecast": float(found.spend),
        "plafond_budget_forecast_error": None if found.error is None else float(found.error),
        "plafond_budget_expected": None if found.expected is None else float(found.expected),
        "plafond_budget_exhaustion_timestamp_seconds": (
            None if found.gone_at is None else found.gone_at.timestamp()
        ),
    }
