"""A page needs nothing from elsewhere, says what it draws in words, and escapes every text."""

import re
from dataclasses import replace

import pytest
from tests.unit.page.support import chart, drawn, line, page, read, words

from plafond.page.look import DARK, LIGHT
from plafond.page.parts import Axis, Band, Figure, Marker, Section, Series, Stroke, Table
from plafond.page.render import render

HOSTILE = (
    """</title></style><script>alert(1)</script><img src="https://x.y/z" onerror='a()'>&\0]]>"""
)


def everything(said):
    """Return a page that says *said* wherever something can be said."""
    series = tuple(Series(said, ((0, 1), (1, 2)), stroke) for stroke in Stroke)
    lines = replace(
        chart(*series, bands=(Band(said, 0, 1),), markers=(Marker(0.5, said),)),
        title=said, text=said, x=Axis(said), y=Axis(said),
    )  # fmt: skip
    rows = Table(said, said, (said, said), ((said, said),), frozenset({1}))
    return replace(
        page(), title=said, lead=said, remark=said, figures=(Figure(said, said),),
        sections=(Section(said, (lines, rows)),),
    )  # fmt: skip


def test_no_name_becomes_markup():
    tree = read(render(everything(HOSTILE)))

    assert {each.tag for each in tree.iter()} == {
        each.tag for each in read(render(everything("harmless"))).iter()
    }
    assert {key for each in tree.iter() for key in each.attrib if key.startswith("on")} == set()
    assert words(tree).count("<script>alert(1)</script>") > 20


def test_nothing_comes_from_elsewhere():
    html = render(everything("harmless"))

    assert re.findall(r"https?:|//|@import|<script|<link|<img|\bsrc=|\bhref=", html) == []
    assert {found[0] for found in re.findall(r"url\((.)", html)} == {"#"}
    assert "default-src &#x27;none&#x27;" in html


def test_texts_that_no_file_can_hold_and_endless_ones_are_shown_as_far_as_it_goes():
    html = render(everything("half \ud800, zero \0, " + "long" * 1000))

    read(html)
    assert "half \ufffd, zero \ufffd, long" in html.encode().decode()
    assert len(html) < 60_000


def test_what_is_referred_to_exists_once():
    tree = drawn(*[chart(line((0, 1)), bands=(Band("dead", 0, 1),))] * 2)
    names = [each.get("id") for each in tree.iter() if each.get("id")]
    told = [n for each in tree.iter() for n in (each.get("aria-labelledby") or "").split()]
    filled = [each.get("fill")[5:-1] for each in tree.iter() if each.get("fill")]

    assert len(names) == len(set(names))
    assert told
    assert set(told) | set(filled) == set(names)


def test_a_drawing_tells_its_title_and_its_ranges_in_words_and_its_numbers_in_a_table():
    tree = drawn(chart(line((0, 2), (12, 7), (48, 3), is_step=True)))
    drawing = next(each for each in tree.iter("svg") if each.get("role") == "img")
    cells = [[cell.text for cell in row] for row in tree.iter("tr")]

    assert drawing.findtext("title") == "Replicas"
    assert drawing.findtext("desc") == "What ran. observed: from 2 to 7, at last 3."
    assert cells == [["hours", "observed"], ["0", "2"], ["12", "7"], ["48", "3"]]


@pytest.mark.parametrize("columns", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_lines_stand_out_from_their_ground(columns):
    for name in ("text", "quiet"):
        assert min(contrast(columns[name], columns[g]) for g in ("ground", "raised")) >= 4.5
    for stroke in Stroke:
        assert contrast(columns[stroke], columns["ground"]) >= 3


def contrast(one, other):
    """Return the contrast ratio as WCAG defines it."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_print_and_dark_screens_have_their_rules_and_print_is_never_dark():
    html = render(page())

    assert "@media print" in html
    assert "@media screen and (prefers-color-scheme: dark)" in html


def test_without_colour_every_stroke_differs_by_its_line():
    rules = re.findall(
        r"\.([\w-]+) \{ stroke: [^;]*; stroke-width: \S+ (stroke-dasharray: [^;]+;.*?)\}",
        render(page()),
    )

    assert {name for name, _ in rules} == {str(stroke) for stroke in Stroke}
    assert len({re.sub(r"var\([^)]*\)", "", rule) for _, rule in rules}) == len(Stroke)


def test_rows_that_nobody_would_read_are_left_out_and_counted():
    tree = drawn(Table("Writes", "", ("who",), tuple((str(n),) for n in range(623))))

    assert len(list(tree.iter("tr"))) == 1 + 500
    assert "123 more rows are left out." in words(tree)


def test_an_empty_table_says_so():
    assert "Writes None." in words(drawn(Table("Writes", "", ("who",), ())))


def test_the_same_values_make_the_same_page():
    assert render(everything("harmless")) == render(everything("harmless"))
