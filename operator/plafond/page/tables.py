"""Tables, with as many rows as a reader would look through."""

from plafond.page.markup import Markup, element, joined
from plafond.page.parts import Table

MOST_ROWS = 500


def table_part(table: Table) -> Markup:
    """Return *table* as a part of a page, under its heading."""
    rest = len(table.rows) - MOST_ROWS
    left_out = [element("p", f"{rest} more rows are left out.", class_="quiet")] if rest > 0 else []
    return element(
        "section",
        element("h3", table.title),
        *([element("p", table.text, class_="quiet")] if table.text else []),
        table_of(table) if table.rows else element("p", "None."),
        *left_out,
        class_="table",
    )


def table_of(table: Table) -> Markup:
    """Return the table alone; where it is wider than the page, it can be scrolled."""
    head = [_cell("th", table, index, name) for index, name in enumerate(table.columns)]
    rows = [
        element("tr", *(_cell("td", table, index, text) for index, text in enumerate(row)))
        for row in table.rows[:MOST_ROWS]
    ]
    grid = element("table", element("thead", element("tr", *head)), element("tbody", joined(rows)))
    return element("div", grid, class_="scroll", role="region", tabindex="0",
                   aria_label=table.title)  # fmt: skip


def _cell(name: str, table: Table, index: int, text: str) -> Markup:
    attributes = {"class_": "numeric"} if index in table.numeric else {}
    if name == "th":
        attributes["scope"] = "col"
    return element(name, text, **attributes)
