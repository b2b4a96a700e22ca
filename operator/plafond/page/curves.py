"""The path of one series: lines or steps, interrupted by gaps, on a plot that may be stretched."""

from itertools import groupby, pairwise

from plafond.page.axes import Scale
from plafond.page.markup import Markup, element, joined
from plafond.page.parts import Series, Stroke
from plafond.page.thinning import Point

# The plot in its own units; a stretched one keeps the width of its lines.
SIDE = 1000
Place = tuple[float, float]


def curve(series: Series, points: list[Point], x: Scale, y: Scale) -> Markup:
    """Return *points* as one path, and each value that stands alone as a dot."""
    runs = _runs(points, x, y)
    base = SIDE * (1 - y.part(0))
    paths = " ".join(_path(series, run, base) for run in runs if len(run) > 1)
    path = element("path", d=Markup(paths), class_=f"line {series.stroke}")
    stretched = element(
        "svg",
        path,
        viewBox=f"0 0 {SIDE} {SIDE}",
        preserveAspectRatio="none",
        width="100%",
        height="100%",
    )
    return joined((
        stretched if paths else Markup(),
        *(_dot(series, run[0]) for run in runs if len(run) == 1),
    ))  # fmt: skip


def _runs(points: list[Point], x: Scale, y: Scale) -> list[list[Place]]:
    """Return the places between the gaps."""
    runs = []
    for is_gap, group in groupby(points, key=lambda point: point[1] is None):
        if not is_gap:
            runs.append([
                (SIDE * x.part(at), SIDE * (1 - y.part(value)))
                for at, value in group
                if value is not None
            ])  # fmt: skip
    return runs


def _path(series: Series, run: list[Place], base: float) -> str:
    (left, top), right = run[0], run[-1][0]
    said = [f"M{_place((left, top))}"]
    for (_, before), (at, value) in pairwise(run):
        said.append(f"L{_place((at, before))}" if series.is_step and value != before else "")
        said.append(f"L{_place((at, value))}")
    if series.stroke is Stroke.AREA:
        said.append(f"L{_place((right, base))}L{_place((left, base))}Z")
    return "".join(said)


def _place(place: Place) -> str:
    return f"{place[0]:.1f} {place[1]:.1f}"


def _dot(series: Series, place: Place) -> Markup:
    across, down = (f"{100 * each / SIDE:.2f}%" for each in place)
    return element("circle", cx=across, cy=down, r="3", class_=f"line {series.stroke}")
