"""The budgets in the spec of `CostPolicy`: how much may be spent, for which span of time."""

from typing import Annotated, Final, Literal

from pydantic import Field

from plafond.api.amounts import DURATION, Cost, GpuHours, Tokens, WindowLength
from plafond.api.fields import EntryName, Instant, Model, rule, rules

# Of the database of time zones CEL knows nothing but what its areas are called, and how names that
# have none are written. There is no pattern beside it: the conversion has the better sentence.
ZONE_NAMES: Final = (
    "^((Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Brazil|Canada|Chile|Etc|Europe"
    "|Indian|Mexico|Pacific|US)/[A-Za-z0-9+_-]+(/[A-Za-z0-9+_-]+)?|[A-Z][A-Za-z0-9+-]+)$"
)
# The longest window from the last of them on still ends in a year that can be reckoned with.
FIRST_START: Final = "1970-01-01T00:00:00Z"
NO_START: Final = "3000-01-01T00:00:00Z"
STARTS: Final = "start must be in the years 1970 to 2999 of UTC"

TimeZone = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        json_schema_extra=rules(
            rule(
                f"self.matches('{ZONE_NAMES}')",
                "timeZone must be an IANA time zone such as Europe/Berlin",
            )
        ),
    ),
]


class Limit(
    Model,
    json_schema_extra=rules(
        rule(
            "[has(self.cost), has(self.gpuHours), has(self.tokens)].filter(x, x).size() == 1",
            "a limit must have exactly one of cost, gpuHours and tokens",
        )
    ),
):
    """How much may be spent, in exactly one unit."""

    cost: Cost | None = None
    """Money in the policy's currency, as a decimal string such as "12000.00"."""
    gpu_hours: GpuHours | None = None
    """Accelerator-hours, as a whole quantity such as "800" or "12k"."""
    tokens: Tokens | None = None
    """What models read and write together, as a whole quantity such as "250M"."""


class BudgetWindow(
    Model,
    json_schema_extra=rules(
        rule(
            "self.type != 'Calendar' || has(self.period)",
            "period must be given with type Calendar",
            ".period",
        ),
        rule(
            "self.type != 'Calendar' || (!has(self.start) && !has(self.duration))",
            "start and duration must be absent with type Calendar",
        ),
        rule(
            "self.type != 'Fixed' || (has(self.start) && has(self.duration))",
            "start and duration must both be given with type Fixed",
        ),
        rule(
            "self.type != 'Fixed' || (!has(self.period) && !has(self.timeZone))",
            "period and timeZone must be absent with type Fixed",
        ),
        rule(
            "self.type != 'Rolling' || has(self.duration)",
            "duration must be given with type Rolling",
        ),
        rule(
            "self.type != 'Rolling' || (!has(self.period) && !has(self.timeZone) "
            "&& !has(self.start))",
            "period, timeZone and start must be absent with type Rolling",
        ),
        rule(
            "self.type != 'Rolling' || !has(self.duration) || "
            f"!self.duration.matches('{DURATION.pattern}') || "
            "(duration(self.duration) >= duration('5m') "
            "&& duration(self.duration) <= duration('744h'))",
            "duration must be between 5m and 744h (31 days) with type Rolling",
            ".duration",
        ),
        rule(
            # To the API server what has the format date-time is a moment already.
            f"!has(self.start) || (timestamp(self.start) >= timestamp('{FIRST_START}') "
            f"&& timestamp(self.start) < timestamp('{NO_START}'))",
            STARTS,
            ".start",
        ),
    ),
):
    """The span of time that a limit covers."""

    type: Literal["Calendar", "Fixed", "Rolling"]
    """Calendar starts again with each period; Fixed happens once; Rolling is always the latest
    duration, and never starts again."""
    period: Literal["Hourly", "Daily", "Weekly", "Monthly", "Quarterly", "Yearly"] | None = None
    """How often a Calendar window starts again."""
    time_zone: TimeZone | None = None
    """The IANA time zone whose midnight starts a Calendar window; UTC when absent."""
    start: Instant | None = None
    """When a Fixed window starts, in RFC 3339, in the years 1970 to 2999 of UTC."""
    duration: WindowLength | None = None
    """How long a Fixed or Rolling window lasts, such as "240h"; Rolling from 5m to 744h."""


class Budget(Model):
    """A limit for a window. Every pod of the namespace counts, target or not."""

    name: EntryName
    """How this budget is called in status, Events and metrics."""
    limit: Limit
    """How much may be spent in one window."""
    window: BudgetWindow
    """The span of time that the limit covers."""
    on_exhausted: Literal["KeepFloors", "StopAll"]
    """
    What the end of the money means: KeepFloors keeps minReplicas running and shows the overshoot,
    StopAll goes to zero.
    """
