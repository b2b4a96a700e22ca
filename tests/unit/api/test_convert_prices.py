"""A PriceSheet means what it says, and says which field means nothing."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from tests.unit.api.examples import SHEET, edited

from plafond.api.convert_prices import parse_price_sheet
from plafond.api.errors import InvalidResource
from plafond.model.capacity import CapacityType, NodePrice, PriceSheet
from plafond.model.labels import LabelSelector, Operator, Requirement


def test_a_sheet_keeps_its_entries_in_order():
    spot = LabelSelector({"gpu": "h100"}, (Requirement("spot", Operator.EXISTS),))
    prices = {
        "nvidia.com/gpu": Decimal("1.90"),
        "cpu": Decimal("0.03"),
        "memoryGiB": Decimal("0.004"),
    }

    assert parse_price_sheet(SHEET) == PriceSheet(
        name="november",
        currency="EUR",
        valid_from=datetime(2026, 11, 1, tzinfo=UTC),
        nodes=(
            NodePrice("h100-spot", spot, CapacityType.SPOT, prices),
            NodePrice(
                "h100",
                LabelSelector({"gpu": "h100"}),
                CapacityType.ON_DEMAND,
                {"nvidia.com/gpu": Decimal("4.10")},
            ),
        ),
    )


def test_a_moment_in_another_offset_is_the_same_moment():
    sheet = parse_price_sheet(edited(SHEET, "spec.validFrom", "2026-11-01T02:30:00+02:30"))

    assert sheet.valid_from == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("spec.nodes.0.prices.cpu", "0.000", "spec.nodes[0].prices[cpu]"),
        ("spec.nodes.0.prices.cpu", "-1", "spec.nodes[0].prices.cpu"),
        ("spec.validFrom", "2026-13-01T00:00:00Z", "spec.validFrom"),
        ("spec.validFrom", "2026-02-30T00:00:00Z", "spec.validFrom"),
        ("spec.nodes.1.capacityType", "Reserved", "spec.nodes[1].capacityType"),
        ("spec.nodes", [], "spec.nodes"),
    ],
)
def test_what_slips_through_names_its_field(path, value, field):
    with pytest.raises(InvalidResource) as invalid:
        parse_price_sheet(edited(SHEET, path, value))

    assert invalid.value.field == field
