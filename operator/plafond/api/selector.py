"""Kubernetes' label selector, bounded, because an unbounded map has no CEL cost estimate."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from plafond.api.fields import Model, listed_whole, rule, rules

LabelKey = Annotated[str, StringConstraints(min_length=1, max_length=317)]
LabelValue = Annotated[
    str, StringConstraints(pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$", max_length=63)
]


class LabelRequirement(
    Model,
    json_schema_extra=rules(
        rule(
            "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 "
            ": !has(self.values) || size(self.values) == 0",
            "values must be given with In and NotIn, "
            "and must be absent with Exists and DoesNotExist",
            ".values",
        )
    ),
):
    """One expression that labels must satisfy."""

    key: LabelKey
    """The label that the expression is about."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How the label relates to the values."""
    values: Annotated[list[LabelValue] | None, Field(max_length=32)] = Field(
        default=None, json_schema_extra=listed_whole()
    )
    """The values that In and NotIn compare with."""


class LabelSelector(Model):
    """What the labels of an object must be; empty matches every object."""

    match_labels: Annotated[dict[str, LabelValue] | None, Field(max_length=32)] = None
    """Labels that must all be present with exactly these values."""
    match_expressions: Annotated[list[LabelRequirement] | None, Field(max_length=16)] = Field(
        default=None, json_schema_extra=listed_whole()
    )
    """Expressions that must all hold."""
