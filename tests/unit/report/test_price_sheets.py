"""The conditions of a price sheet: whether its prices are the ones in force."""

import pytest
from tests.builders import DAY, NOW, sheet

from plafond.report.conditions import Truth
from plafond.report.price_sheets import sheet_conditions

CURRENT = sheet()
OLD = sheet(name="old", valid_from=NOW - 100 * DAY)
NEXT = sheet(name="next", valid_from=NOW + DAY)
DOLLARS = sheet(name="usd", currency="USD")
TWIN = sheet(name="twin")


@pytest.mark.parametrize(
    ("subject", "others", "said"),
    [
        pytest.param(CURRENT, (), ("True", "InForce"), id="the only one"),
        pytest.param(CURRENT, (OLD, NEXT, DOLLARS), ("True", "InForce"), id="the latest valid one"),
        pytest.param(OLD, (CURRENT,), ("True", "Superseded"), id="followed by another"),
        pytest.param(NEXT, (CURRENT, TWIN), ("True", "NotValidYet"), id="still to come"),
        pytest.param(DOLLARS, (CURRENT, TWIN), ("True", "InForce"), id="another currency"),
        pytest.param(OLD, (CURRENT, TWIN), ("True", "Superseded"), id="not one of the twins"),
        pytest.param(CURRENT, (TWIN,), ("False", "Ambiguous"), id="one of two from one moment"),
    ],
)
def test_a_sheet_says_whether_its_prices_apply(subject, others, said):
    ready, *_ = sheet_conditions(subject, (subject, *others), NOW)

    assert (ready.type, ready.status, ready.reason) == ("Ready", *said)


def test_two_sheets_from_one_moment_are_both_stalled_and_name_each_other():
    for each in (CURRENT, TWIN):
        _, stalled = sheet_conditions(each, (CURRENT, TWIN), NOW)

        assert (stalled.type, stalled.status) == ("Stalled", Truth.TRUE)
        assert stalled.message.startswith("price sheets prices and twin are both valid from ")
