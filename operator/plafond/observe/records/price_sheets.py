"""PriceSheets; one that means nothing is a gap, and what it said before still stands."""

from plafond.api.convert_prices import parse_price_sheet
from plafond.api.errors import InvalidResource
from plafond.model.capacity import PriceSheet
from plafond.observe.records.fields import Raw


def parse(raw: Raw) -> PriceSheet:
    """Return the sheet that *raw* means."""
    try:
        return parse_price_sheet(raw)
    except InvalidResource as invalid:
        raise ValueError(str(invalid)) from invalid
