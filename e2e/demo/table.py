"""What the audience sees: one table, drawn anew while the play goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Row:
    """One workload at one moment."""

    name: str
    workload_class: str
    demand: float
    offered: float
    served: float
    replicas: int
    ready: int
    recommended: int | None
    ceiling: int | None
    reason: str

    @property
    def served_percent(self) -> float | None:
        """How much of all requests so far was served."""
        return 100 * self.served / self.offered if self.offered else None


@dataclass(frozen=True)
class Picture:
    """The whole stage at one moment."""

    at: datetime
    hour: float
    spent: str
    limit: str
    used_percent: int | None
    burn_rate: str
    carried_rate: str
    is_operator_running: bool
    why: str
    rows: tuple[Row, ...]
    news: str

    def as_table(self) -> Table:
        """Return the picture for a terminal."""
        table = Table(title=self._headline, caption=Text(self.news), title_justify="left")
        for column in ("workload", "class"):
            table.add_column(column)
        for column in ("demand/s", "served", "replicas", "ready", "asked for", "ceiling"):
            table.add_column(column, justify="right")
        table.add_column("reason", min_width=20)
        for row in self.rows:
            table.add_row(*_cells(row))
        return table

    def as_line(self) -> str:
        """Return the picture for a log."""
        rows = "; ".join(
            f"{r.name} {r.demand:.0f}/s {r.replicas} replicas, "
            f"ceiling {_shown(r.ceiling)}, {r.reason}"
            for r in self.rows
        )
        return f"{self._headline} | {rows} | {self.news}"

    @property
    def _headline(self) -> str:
        used = "" if self.used_percent is None else f" ({self.used_percent} %)"
        operator = "operator running" if self.is_operator_running else "OPERATOR DEAD"
        return (
            f"hour {self.hour:4.1f} of 48 · spent {self.spent} of {self.limit}{used} · "
            f"burn rate {self.burn_rate}/h, carried {self.carried_rate}/h · {operator}"
        )


def _cells(row: Row) -> tuple[str, ...]:
    served = "-" if row.served_percent is None else f"{row.served_percent:.0f} %"
    return (
        row.name,
        row.workload_class,
        f"{row.demand:.1f}",
        served,
        str(row.replicas),
        str(row.ready),
        _shown(row.recommended),
        _shown(row.ceiling),
        row.reason,
    )


def _shown(count: int | None) -> str:
    return "-" if count is None else str(count)


def target_of(status: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return what a policy's status says about one workload."""
    found = (each for each in status.get("targets") or () if each["name"] == name)
    return next(found, {})
