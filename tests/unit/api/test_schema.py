"""The converter refuses what the API server would refuse or misread."""

from decimal import Decimal
from typing import Annotated, Literal

import pytest
from pydantic import Field, create_model

from plafond.api.fields import Model, rule, rules
from plafond.api.schema import SchemaError, structural

Bounded = Annotated[str, Field(max_length=5)]


def model(kind, description: str | None = "A field.", **more):
    return create_model(
        "Example", __base__=Model, field=(kind, Field(description=description, **more))
    )


def field(kind, **more):
    return structural(model(kind, **more))["properties"]["field"]


def test_an_optional_field_is_its_type_and_has_no_null():
    assert field(Bounded | None, default=None) == {
        "description": "A field.",
        "type": "string",
        "maxLength": 5,
    }


def test_a_literal_is_an_enum_of_one():
    assert field(Literal["apps"]) == {"description": "A field.", "type": "string", "enum": ["apps"]}


def test_a_nested_model_is_inlined_and_keeps_the_fields_own_words():
    inner = create_model(
        "Inner",
        __base__=Model,
        __doc__="The type's words.",
        name=(Bounded, Field(description="A name.")),
    )

    assert field(inner | None, default=None)["description"] == "A field."
    assert "$ref" not in str(structural(model(inner)))


def test_rules_travel_with_the_type():
    checked = Annotated[str, Field(max_length=5, json_schema_extra=rules(rule("true", "fine")))]

    assert field(checked | None, default=None)["x-kubernetes-validations"] == [
        {"rule": "true", "message": "fine"}
    ]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        pytest.param(str, "is not bounded", id="a string without length"),
        pytest.param(int, "is not bounded", id="a number without limits"),
        pytest.param(dict[str, Bounded], "is not bounded", id="a map without size"),
        pytest.param(
            Annotated[list[Bounded], Field(max_length=2)],
            "x-kubernetes-list-type",
            id="a bare list",
        ),
        pytest.param(bool, "is not bounded", id="a boolean, which cannot grow a third value"),
        pytest.param(float, "is not bounded", id="a float"),
        pytest.param(Bounded | Annotated[int, Field(ge=0, le=1)], "one type", id="a union"),
        pytest.param(Decimal, "one type", id="a number or a string"),
        pytest.param(tuple[Bounded, Bounded], "prefixItems", id="a tuple"),
        pytest.param(Annotated[int, Field(gt=0, lt=9)], "exclusive", id="an exclusive bound"),
        pytest.param(Annotated[set[Bounded], Field(max_length=2)], "uniqueItems", id="a set"),
    ],
)
def test_what_has_no_structural_form_stops_the_generation(kind, words):
    with pytest.raises(SchemaError, match=words):
        field(kind)


def test_a_field_without_a_sentence_stops_the_generation():
    with pytest.raises(SchemaError, match="kubectl explain"):
        structural(model(Bounded, description=None))
