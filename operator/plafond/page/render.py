"""A whole page as one string that needs nothing from elsewhere: no script, font, image or style."""

from plafond.page.chart import chart_of
from plafond.page.look import sheet
from plafond.page.markup import Markup, element, joined
from plafond.page.parts import Chart, Figure, Page, Section
from plafond.page.tables import table_part

# What the page could not load even if a hostile name got through.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def render(page: Page) -> str:
    """Return *page* as HTML that is also well-formed XML."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", page.title),
        element("style", sheet()),
    )
    sections = [_section(each, f"part-{number}") for number, each in enumerate(page.sections, 1)]
    body = element(
        "body",
        element(
            "main",
            element("h1", page.title),
            element("p", page.lead),
            _figures(page.figures),
            *sections,
        ),
        element("footer", page.remark),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _figures(figures: tuple[Figure, ...]) -> Markup:
    if not figures:
        return Markup()
    pairs = [
        element("div", element("dt", each.label), element("dd", each.value)) for each in figures
    ]
    return element("dl", *pairs, class_="figures")


def _section(section: Section, name: str) -> Markup:
    parts = [
        chart_of(part, f"{name}-{number}") if isinstance(part, Chart) else table_part(part)
        for number, part in enumerate(section.parts, 1)
    ]
    return joined((element("h2", section.title), element("div", *parts, class_="parts")))
