"""The parts of a status that several kinds share; `metav1.Condition` field by field, bounded."""

from typing import Annotated, Literal

from pydantic import Field

from plafond.api.fields import Model

MAX_CONDITIONS = 16
Generation = Annotated[int, Field(ge=0, le=2**53 - 1)]


class Condition(Model):
    """One aspect of the current state."""

    type: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]*$", max_length=64)]
    """The aspect, such as Ready."""
    status: Literal["True", "False", "Unknown"]
    """Whether the condition holds."""
    observed_generation: Generation | None = None
    """The generation of the spec that this is about."""
    last_transition_time: Annotated[
        str, Field(max_length=32, json_schema_extra={"format": "date-time"})
    ]
    """When the status last changed."""
    reason: Annotated[
        str, Field(pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", max_length=128)
    ]
    """One CamelCase word for why the status is what it is."""
    message: Annotated[str, Field(max_length=2048)]
    """One sentence for people."""
