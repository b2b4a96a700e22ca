"""Lines, steps, gaps, and what becomes of too many points, too few, and impossible ones."""

import math
import re

import pytest
from tests.unit.page.support import chart, drawn, line, page, read

from plafond.page.parts import Band, Marker, Series, Stroke
from plafond.page.render import render
from plafond.page.thinning import thinned, value_at


def paths(tree):
    """Return what is drawn in the plots: the paths of lines, and the dots."""
    plots = [each for each in tree.iter("svg") if each.get("role") == "img"]
    found = [each for plot in plots for each in plot.iter("path")]
    lines = [p.get("d") for p in found if "line" in (p.get("class") or "")]
    dots = [c for plot in plots for c in plot.iter("circle") if "line" in c.get("class")]
    return lines, len(dots)


def test_a_step_holds_its_value_until_the_next():
    lines, _ = paths(drawn(chart(line((0, 5), (1, 10), is_step=True))))

    assert lines == ["M0.0 500.0L1000.0 500.0L1000.0 0.0"]


def test_a_line_goes_straight_and_an_area_closes_at_zero():
    straight = line((0, 0), (1, 10))
    area = Series("demand", ((0, 0), (1, 10)), Stroke.AREA)

    lines, _ = paths(drawn(chart(straight, area)))

    assert lines == ["M0.0 1000.0L1000.0 0.0", "M0.0 1000.0L1000.0 0.0L1000.0 1000.0L0.0 1000.0Z"]


def test_a_gap_interrupts_the_line_and_a_lonely_value_is_a_dot():
    lines, dots = paths(drawn(chart(line((0, 5), (1, 5), (2, None), (3, 10), (4, math.nan)))))

    assert lines == ["M0.0 500.0L250.0 500.0"]
    assert dots == 1


@pytest.mark.parametrize(
    ("points", "dots"),
    [((), 0), (((3, 4),), 1), (((3, None),), 0), (((math.inf, 1), (math.nan, 2)), 0)],
    ids=["empty", "one", "a gap alone", "no place"],
)
def test_too_few_points_for_a_line_still_make_a_chart(points, dots):
    assert paths(drawn(chart(line(*points)))) == ([], dots)


def test_huge_and_tiny_values_stay_on_the_plot():
    lines, _ = paths(drawn(chart(line((-1e300, 5e-324), (0, 1.7e308), (1e300, -1.7e308)))))

    numbers = [float(n) for n in lines[0].replace("M", " ").replace("L", " ").split()]
    assert all(0 <= number <= 1000 for number in numbers)


def test_points_are_drawn_in_their_order_of_place():
    assert paths(drawn(chart(line((2, 1), (0, 0))))) == paths(drawn(chart(line((0, 0), (2, 1)))))


def test_a_hundred_thousand_points_make_a_small_page_that_keeps_the_peak():
    points = [(n, 999.0 if n == 54321 else n % 7) for n in range(100_000)]
    html = render(page(chart(line(*points))))

    (path,), _ = paths(read(html))

    assert len(html) < 60_000
    assert re.fullmatch(r"M[\d.]+ [\d.]+(L[\d.]+ [\d.]+){400,1000}", path)
    assert (54321, 999.0) in thinned(points)
    assert thinned(points)[0] == points[0]
    assert thinned(points)[-1] == points[-1]


def test_thinning_never_draws_over_a_gap():
    points = [(n, None if n == 5000 else 1.0) for n in range(10_000)]

    assert (5000, None) in thinned(points)


@pytest.mark.parametrize(
    ("x", "step", "value"),
    [(-1, False, None), (0, False, 0), (1, False, 5), (1, True, 0), (3, False, None), (4, False, 8),
     (5, True, None)],
)  # fmt: skip
def test_the_table_shows_what_the_line_shows(x, step, value):
    points = [(0, 0), (2, 10), (3, None), (4, 8)]

    assert value_at(points, x, is_step=step) == value


def test_bands_are_hatched_and_named_and_moments_are_numbered_in_order():
    dead = Band("operator dead", 2, 4)
    tree = drawn(
        chart(line((0, 1), (8, 1)), bands=(dead,), markers=(Marker(4, "back"), Marker(2, "killed")))
    )
    (rect,) = [each for each in tree.iter("rect") if each.get("fill-opacity")]
    listed = [each.text for each in tree.iter("li") if each.text]

    assert (rect.get("x"), rect.get("width")) == ("25.00%", "25.00%")
    assert rect.findtext("title") == "operator dead"
    assert listed == ["killed", "back"]


def test_a_band_or_marker_without_a_place_is_not_drawn():
    tree = drawn(chart(bands=(Band("dead", math.nan, 1),), markers=(Marker(math.inf, "never"),)))

    assert [each for each in tree.iter("rect") if each.get("fill-opacity")] == []
    assert "never" not in "".join(tree.itertext())
