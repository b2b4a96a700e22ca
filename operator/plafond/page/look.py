"""How a page looks: colours for light and dark, line styles, and what changes in print."""

from string import Template

from plafond.page.markup import Markup
from plafond.page.parts import Stroke

# Text has a contrast of at least 4.5 to the ground, lines of 3; a test holds them to it.
LIGHT = {
    "ground": "#ffffff",
    "raised": "#f4f6f8",
    "text": "#1b1f24",
    "quiet": "#535b66",
    "grid": "#d5dae0",
    Stroke.SOLID: "#0b57a4",
    Stroke.DASHED: "#b03a00",
    Stroke.DOTTED: "#6b2fa0",
    Stroke.DASH_DOT: "#1a6e36",
    Stroke.AREA: "#6b7480",
}
DARK = {
    "ground": "#14171b",
    "raised": "#1e2329",
    "text": "#e8ebef",
    "quiet": "#a9b2bd",
    "grid": "#363d46",
    Stroke.SOLID: "#74b6ff",
    Stroke.DASHED: "#ffa266",
    Stroke.DOTTED: "#d0a5ff",
    Stroke.DASH_DOT: "#66d28f",
    Stroke.AREA: "#8f99a6",
}
DASHES = {
    Stroke.SOLID: "none",
    Stroke.DASHED: "9 5",
    Stroke.DOTTED: "1 6",
    Stroke.DASH_DOT: "12 5 1 5",
    Stroke.AREA: "none",
}
WIDTHS = {
    Stroke.SOLID: 2.25,
    Stroke.DASHED: 2.25,
    Stroke.DOTTED: 2.75,
    Stroke.DASH_DOT: 2,
    Stroke.AREA: 1,
}

SHEET = Template("""
:root { color-scheme: light dark; $light }
@media screen and (prefers-color-scheme: dark) { :root { $dark } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 78rem; padding: 1.5rem 1rem 3rem; background: var(--ground);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; border-bottom: 1px solid var(--grid); }
h3 { font-size: 1.05rem; margin: 0 0 .25rem; }
p { margin: 0 0 .75rem; max-width: 46rem; }
.figures { display: grid; gap: .75rem; margin: 1.25rem 0 0;
  grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); }
.figures div { display: flex; flex-direction: column-reverse; justify-content: flex-end;
  padding: .75rem .9rem; background: var(--raised); border: 1px solid var(--grid);
  border-radius: .4rem; }
.figures dd { margin: 0; font-size: 1.35rem; line-height: 1.3; font-weight: 600;
  font-variant-numeric: tabular-nums; }
.figures dt, .quiet, footer { color: var(--quiet); font-size: .9rem; }
.parts { display: grid; gap: 2rem; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 34rem), 1fr)); }
.parts > * { min-width: 0; }
.parts > .table { grid-column: 1 / -1; }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: 0 0 .5rem; padding: 0;
  list-style: none; font-size: .875rem; }
.key svg { width: 2.4rem; height: .9rem; margin-right: .4rem; vertical-align: -.1rem; }
.plot { display: block; width: calc(100% - 4rem); height: 15rem;
  margin: 2.1rem .75rem 1.9rem 3.25rem; overflow: visible; }
.unit { margin: 0; color: var(--quiet); font-size: .8rem; }
.under { margin-left: 3.25rem; }
.plot text { fill: var(--quiet); font-size: .75rem; font-variant-numeric: tabular-nums; }
.plot svg { overflow: visible; }
.grid { stroke: var(--grid); stroke-width: 1; }
.axis { stroke: var(--quiet); stroke-width: 1; }
.plot .number { fill: var(--text); font-weight: 600; }
.moment { stroke: var(--text); stroke-width: 1; }
.disc { fill: var(--ground); stroke: var(--text); stroke-width: 1; }
.hatch { stroke: var(--quiet); stroke-width: 1.25; }
.line { fill: none; stroke-linecap: round; stroke-linejoin: round;
  vector-effect: non-scaling-stroke; }
$strokes
.markers { margin: .5rem 0 0; padding-left: 1.6rem; font-size: .875rem; }
details { margin-top: .6rem; font-size: .875rem; }
summary { cursor: pointer; color: var(--quiet); }
.scroll { overflow-x: auto; }
:focus-visible { outline: 2px solid var(--solid); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { padding: .35rem .7rem .35rem 0; border-bottom: 1px solid var(--grid); text-align: left;
  vertical-align: top; min-width: 4.5rem; overflow-wrap: normal; }
th { font-weight: 600; }
.table table { min-width: 42rem; }
thead th { vertical-align: bottom; border-bottom-color: var(--quiet); }
.numeric { text-align: right; padding-right: 1.2rem; font-variant-numeric: tabular-nums; }
footer { margin-top: 2.5rem; }
@media print {
  @page { margin: 15mm; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  .parts { display: block; }
  .chart { margin-bottom: 8mm; }
  .chart, .figures, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  thead { display: table-header-group; }
  details { display: none; }
  .scroll { overflow: visible; }
  .table { margin-bottom: 8mm; }
  .table table { min-width: 0; }
  table { font-size: 8pt; }
  th, td { min-width: 0; overflow-wrap: break-word; }
  .plot, .figures div { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
""")


def sheet() -> Markup:
    """Return the style sheet."""
    return Markup(
        SHEET.substitute(
            light=_variables(LIGHT),
            dark=_variables(DARK),
            strokes="\n".join(_stroke(stroke) for stroke in Stroke),
        )
    )


def _variables(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())


def _stroke(stroke: Stroke) -> str:
    fill = f" fill: var(--{stroke}); fill-opacity: .22;" if stroke is Stroke.AREA else ""
    return (
        f".{stroke} {{ stroke: var(--{stroke}); stroke-width: {WIDTHS[stroke]};"
        f" stroke-dasharray: {DASHES[stroke]};{fill} }}"
    )
