"""
Numbers that travel as strings, because a float neither holds nor prints an amount of money exactly.

Each form has a pattern, for tools and editors, and CEL rules that say the same to a person.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field
from pydantic.fields import FieldInfo

from plafond.api.fields import rule, rules


@dataclass(frozen=True)
class Form:
    """How a number is written, and the words that tell a person so."""

    pattern: str
    words: str
    max_length: int


MONEY: Final = Form(
    r"^[0-9]{1,12}(\.[0-9]{1,6})?$",
    'a decimal string such as "12000.00": up to 12 digits, a point and up to 6 digits; '
    "no sign, exponent, comma or currency",
    max_length=19,
)
QUANTITY: Final = Form(
    r"^[0-9]{1,15}(k|M|G|T)?$", 'a whole quantity such as "800" or "12k"', max_length=16
)
DECIMAL: Final = Form(
    r"^[0-9]{1,9}(\.[0-9]{1,3})?$", 'a decimal string such as "24" or "1.5"', max_length=13
)
WHOLE: Final = Form(r"^[0-9]{1,9}$", 'a whole number in a string, such as "24"', max_length=9)
# GEP-2257, which has no days.
DURATION: Final = Form(
    r"^([0-9]{1,5}(h|m|s|ms)){1,4}$",
    'a duration such as "240h" or "1h30m"; there are no days, 30 days is "720h"',
    max_length=32,
)

_ZERO: Final = r"^(0+([.]0+)?(h|m|s|ms|k|M|G|T)?)+$"


def written(name: str, form: Form) -> FieldInfo:
    """Return the constraints of the field *name*, a number of *form*."""
    found: FieldInfo = Field(
        pattern=form.pattern, max_length=form.max_length, json_schema_extra=rules(_rule(name, form))
    )
    return found


def positive(name: str, form: Form) -> FieldInfo:
    """Return the constraints of the field *name*, a number of *form* above zero."""
    above_zero = rule(f"!self.matches('{_ZERO}')", f"{name} must be greater than zero")
    found: FieldInfo = Field(
        pattern=form.pattern,
        max_length=form.max_length,
        json_schema_extra=rules(_rule(name, form), above_zero),
    )
    return found


def _rule(name: str, form: Form) -> dict[str, str]:
    # Inside a CEL string a backslash is written twice.
    pattern = form.pattern.replace("\\", "\\\\")
    return rule(f"self.matches('{pattern}')", f"{name} must be {form.words}")


Price = Annotated[str, positive("a price", MONEY)]
Cost = Annotated[str, positive("cost", MONEY)]
CostPerHour = Annotated[str, positive("costPerHour", MONEY)]
GpuHours = Annotated[str, positive("gpuHours", QUANTITY)]
Tokens = Annotated[str, positive("tokens", QUANTITY)]
TokensPerHour = Annotated[str, positive("tokensPerHour", QUANTITY)]
ResourceLimit = Annotated[str, written("a resource's ceiling", WHOLE)]
TargetPerReplica = Annotated[str, positive("targetPerReplica", DECIMAL)]
WindowLength = Annotated[str, positive("duration", DURATION)]
LatencyLength = Annotated[str, positive("target", DURATION)]
StabilizationLength = Annotated[str, written("scaleDownStabilization", DURATION)]
