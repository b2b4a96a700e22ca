"""One chart: a drawing, its key, what happened when, and its numbers as a table."""

from dataclasses import dataclass

from plafond.page.axes import NOTHING, Scale, is_drawable, time_scale, value_scale, written
from plafond.page.curves import curve
from plafond.page.markup import Markup, element, joined
from plafond.page.parts import Band, Chart, Marker, Series, Stroke, Table
from plafond.page.tables import table_of
from plafond.page.thinning import Point, cleaned, thinned, value_at

ROWS_OF_NUMBERS = 25
# Markers closer than this stand on different lines above the plot.
MARKER_PART = 0.05
MARKER_LINES = 2
LINE_PIXELS = 20
HATCHES = ("M0 8L8 0M-2 2L2 -2M6 10L10 6", "M0 0L8 8M-2 6L2 10M6 -2L10 2", "M4 0V8")


@dataclass(frozen=True)
class Drawn:
    """A chart on its scales; *name* is its own among all of the page."""

    name: str
    chart: Chart
    lines: tuple[tuple[Series, list[Point]], ...]
    x: Scale
    y: Scale

    @property
    def kinds(self) -> list[str]:
        """The names of the bands, each once."""
        return list(dict.fromkeys(band.name for band in self.chart.bands))

    def hatch(self, kind: str) -> str:
        """Return the name of the pattern of one kind of band."""
        return f"{self.name}-hatch-{self.kinds.index(kind) % len(HATCHES)}"


def chart_of(chart: Chart, name: str) -> Markup:
    """Return *chart* as a part of a page."""
    drawn = _drawn(chart, name)
    return element(
        "section",
        element("h3", chart.title),
        element("p", chart.text, class_="quiet"),
        _key(drawn),
        element("p", chart.y.name, class_="unit"),
        _plot(drawn),
        element("p", chart.x.name, class_="unit under"),
        _moments(chart.markers),
        _numbers(drawn),
        class_="chart",
    )


def _drawn(chart: Chart, name: str) -> Drawn:
    lines = tuple((series, cleaned(series)) for series in chart.series)
    places = [x for _, points in lines for x, _ in points]
    places += [marker.at for marker in chart.markers]
    places += [end for band in chart.bands for end in (band.start, band.end)]
    values = [y for _, points in lines for _, y in points if y is not None]
    x = time_scale(places, chart.x.tick_every)
    return Drawn(name, chart, lines, x, value_scale(values))


def _key(drawn: Drawn) -> Markup:
    entries = [
        element("li", _sample(element("path", d="M2 7H36", class_=f"line {s.stroke}"), s), s.name)
        for s, _ in drawn.lines
    ]
    for kind in drawn.kinds:
        pattern = f"url(#{drawn.hatch(kind)})"
        swatch = element("rect", x="2", y="0", width="34", height="14", fill=pattern)
        entries.append(element("li", _sample(swatch), kind))
    return element("ul", *entries, class_="key") if entries else Markup()


def _sample(drawing: Markup, series: Series | None = None) -> Markup:
    if series is not None and series.stroke is Stroke.AREA:
        drawing = element("path", d="M2 1H36V14H2Z", class_=f"line {series.stroke}")
    return element("svg", drawing, viewBox="0 0 38 14", aria_hidden="true")


def _plot(drawn: Drawn) -> Markup:
    name, chart = drawn.name, drawn.chart
    return element(
        "svg",
        element("title", chart.title, id=f"{name}-title"),
        element("desc", _description(drawn), id=f"{name}-text"),
        element("defs", *(_pattern(drawn, kind) for kind in drawn.kinds)),
        *(_band(drawn, band) for band in chart.bands if _has_place(band.start, band.end)),
        *(_y_tick(drawn, index) for index in range(len(drawn.y.ticks))),
        *(_x_tick(drawn, index) for index in range(len(drawn.x.ticks))),
        *(curve(series, thinned(points), drawn.x, drawn.y) for series, points in drawn.lines),
        *_moment_lines(drawn),
        class_="plot",
        role="img",
        aria_labelledby=f"{name}-title {name}-text",
    )


def _description(drawn: Drawn) -> str:
    """Return in words what the drawing shows: of each series its range and its end."""
    said = [drawn.chart.text]
    for series, points in drawn.lines:
        values = [y for _, y in points if y is not None]
        said.append(
            f"{series.name}: from {written(min(values))} to {written(max(values))}, "
            f"at last {written(values[-1])}."
            if values
            else f"{series.name}: no values."
        )
    return " ".join(said)


def _pattern(drawn: Drawn, kind: str) -> Markup:
    strokes = HATCHES[drawn.kinds.index(kind) % len(HATCHES)]
    return element(
        "pattern",
        element("path", d=strokes, class_="hatch"),
        id=drawn.hatch(kind),
        width="8",
        height="8",
        patternUnits="userSpaceOnUse",
    )


def _band(drawn: Drawn, band: Band) -> Markup:
    start, end = sorted((drawn.x.part(band.start), drawn.x.part(band.end)))
    return element(
        "rect",
        element("title", band.name),
        x=percent(start),
        y="0",
        width=percent(end - start),
        height="100%",
        fill=f"url(#{drawn.hatch(band.name)})",
        fill_opacity="0.55",
    )


def _y_tick(drawn: Drawn, index: int) -> Markup:
    tick = drawn.y.ticks[index]
    height = percent(1 - drawn.y.part(tick))
    line = "axis" if tick.is_zero() else "grid"
    return joined((
        element("line", x1="0", x2="100%", y1=height, y2=height, class_=line),
        element("text", written(tick), x="-8", y=height, dy="0.32em", text_anchor="end"),
    ))  # fmt: skip


def _x_tick(drawn: Drawn, index: int) -> Markup:
    tick = drawn.x.ticks[index]
    place = percent(drawn.x.part(tick))
    return joined((
        element("line", x1=place, x2=place, y1="0", y2="100%", class_="grid"),
        element("text", written(tick), x=place, y="100%", dy="1.5em", text_anchor="middle"),
    ))  # fmt: skip


def _moment_lines(drawn: Drawn) -> list[Markup]:
    lines: list[Markup] = []
    before, level = -1.0, 0
    for number, marker in enumerate(_in_order(drawn.chart.markers), 1):
        part = drawn.x.part(marker.at)
        level = (level + 1) % MARKER_LINES if part - before < MARKER_PART else 0
        before = part
        lines.append(_moment_line(number, percent(part), str(-10 - level * LINE_PIXELS)))
    return lines


def _moment_line(number: int, place: str, height: str) -> Markup:
    return joined((
        element("line", x1=place, x2=place, y1=height, y2="100%", class_="moment"),
        element("circle", cx=place, cy=height, r="9", class_="disc"),
        element("text", str(number), x=place, y=height, dy="0.35em",
                text_anchor="middle", class_="number"),
    ))  # fmt: skip


def _moments(markers: tuple[Marker, ...]) -> Markup:
    """Return the list whose numbers stand above the plot."""
    entries = [element("li", marker.label) for marker in _in_order(markers)]
    return element("ol", *entries, class_="markers") if entries else Markup()


def _in_order(markers: tuple[Marker, ...]) -> list[Marker]:
    placed = (marker for marker in markers if is_drawable(marker.at))
    return sorted(placed, key=lambda marker: marker.at)


def _numbers(drawn: Drawn) -> Markup:
    """Return the chart's numbers as a table, for whoever cannot see the drawing."""
    chart = drawn.chart
    places = sorted({x for _, points in drawn.lines for x, _ in points})
    every = max(1, -(-len(places) // ROWS_OF_NUMBERS))
    shown = sorted({*places[::every], *places[-1:]})
    rows = tuple(
        (written(x), *(_cell(points, x, series) for series, points in drawn.lines)) for x in shown
    )
    columns = (chart.x.name, *(series.name for series, _ in drawn.lines))
    table = Table(chart.title, "", columns, rows, frozenset(range(len(columns))))
    return element(
        "details", element("summary", f"The numbers of “{chart.title}”"), table_of(table)
    )


def _cell(points: list[Point], x: float, series: Series) -> str:
    value = value_at(points, x, is_step=series.is_step)
    return NOTHING if value is None else written(value)


def _has_place(start: float, end: float) -> bool:
    return is_drawable(start) and is_drawable(end)


def percent(part: float) -> str:
    """Return a part of the plot as SVG writes a length."""
    return f"{100 * part:.2f}%"
