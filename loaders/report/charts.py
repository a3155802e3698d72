"""Charts: Altair draws them, as SVG whose colours are variables of the page's style sheet.

So one drawing fits the light and the dark page. Each chart is drawn twice, for a wide and a narrow
screen, because a drawing that is scaled down to a telephone cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import altair as alt
import polars as pl
import vl_convert
from markupsafe import Markup

from loaders.report.html import render

WIDE, NARROW = 720, 350
INK, MUTED, GRID = "var(--ink)", "var(--muted)", "var(--grid)"
# One accent, then Okabe and Ito's colours in an order in which neighbours differ in lightness, too.
COLOURS = tuple(f"var(--c{number})" for number in range(1, 7))
INKS = tuple(f"var(--t{number})" for number in range(1, 7))  # the same, with contrast for text
ACCENT = COLOURS[0]
GREY = 3  # its place among the colours
MOST_LINES = len(COLOURS)
LEFT = 40  # room for the labels of the y axis
LINE_HEIGHT = 15
MEET = 0.01  # of the height of a chart: closer lines hide each other
DASH = 7  # pixels
LETTER = 7.5  # pixels, of a wide font
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
PERCENT = "format(datum.value, '.0%')"
DAY = "utcFormat(toDate(datum.value), '%-d %b')"

_NAMES = re.compile(r' (?:class|role|aria-[a-z]+|pointer-events)="[^"]*"(?=[^<>]*>)')
_SIZE = re.compile(r'width="[\d.]+" height="([\d.]+)" viewBox="[^"]+"')
_CONFIG = {
    "aria": False,
    "background": "transparent",
    "font": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif",
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "ticks": False,
        "grid": False,
        "title": None,
        "labelColor": MUTED,
        "labelFontSize": 12,
        "labelPadding": 6,
        "labelAngle": 0,
    },
    "axisY": {"grid": True, "gridColor": GRID, "minExtent": LEFT - 6},
    "header": {"title": None, "labelColor": INK, "labelFontSize": 13, "labelFontWeight": 600},
    "text": {"fontSize": 12.5, "color": INK},
}


@dataclass(frozen=True)
class Mark:
    """One entry of a legend."""

    colour: str  # any CSS background
    name: str
    value: str = ""


def hatched(number: int) -> str:
    """The fill of periods in progress, in one of the page's colours."""
    return f"url(#hatch-{number + 1})"


def figure(
    title: str,
    units: str,
    draw: Callable[[int], alt.TopLevelMixin],
    *,
    legend: Sequence[Mark] = (),
    legend_if_narrow: Sequence[Mark] = (),
    note: str = "",
    table: Markup | str = "",
) -> Markup:
    """A chart with its heading; `units` names the counted things and their number (n).

    `legend_if_narrow` is for lines whose names have no room beside them on a narrow screen.
    """
    return render(
        "figure.html",
        title=title,
        units=units,
        wide=_svg(draw(WIDE), WIDE),
        narrow=_svg(draw(NARROW), NARROW),
        legend=legend,
        legend_if_narrow=legend_if_narrow,
        note=note,
        table=table,
    )


def line_legend(lines: Sequence[Line]) -> list[Mark]:
    """The legend of a line chart."""
    return [Mark(COLOURS[place], line.name) for place, line in _coloured(lines)]


def _svg(chart: alt.TopLevelMixin, width: int) -> Markup:
    # Altair has validated each part when it was made.
    spec = chart.configure(**_CONFIG).to_dict(validate=False)
    svg = vl_convert.vegalite_to_svg(spec)
    # Vega measures texts in another font; the width is known here, so set it.
    svg = _SIZE.sub(rf'width="{width}" height="\1" viewBox="0 0 {width} \1"', svg, count=1)
    # The figure has a name; Vega's classes and roles would only be noise below it.
    return Markup(_NAMES.sub("", svg))


def is_narrow(width: int) -> bool:
    """Whether a chart is drawn for a narrow screen."""
    return width < WIDE


def day_axis(days: Sequence[str], width: int, **more: object) -> alt.Axis:
    """An axis of days in ISO 8601, with as many labels as there is room for."""
    room = max(2, width // 70)
    step = max(1, -(-len(days) // room))
    return alt.Axis(values=list(days[::-1][::step]), labelExpr=DAY, labelOverlap=True, **more)


def count_axis(ticks: int, **more: object) -> dict[str, object]:
    """The axis and scale of counts with about so many ticks; the last one is above every count."""
    return dict(axis=alt.Axis(tickCount=ticks, **more), scale=alt.Scale(nice=ticks))  # noqa: C408


def share_axis(top: float = 1, **more: object) -> alt.Axis:
    """An axis of shares from 0 to `top`."""
    return alt.Axis(values=[0, top / 2, top], labelExpr=PERCENT, **more)


@dataclass(frozen=True)
class Line:
    """One line of shares: its points, and the label at its end."""

    name: str
    points: Sequence[tuple[object, float | None]]  # x in order, and a share of 1
    band: Sequence[tuple[object, float, float]] = ()  # x, and the ends of the share's interval
    colour: int | None = None  # its place among the colours; None: that of the line


def line_chart(
    lines: Sequence[Line],
    width: int,
    *,
    x_axis: alt.Axis | None,
    x_scale: alt.Scale,
    height: int = 220,
) -> alt.LayerChart:
    """Lines of shares, each with its band; its last share and its name stand at its end."""
    room = label_room(width)
    plot = width - LEFT - room
    kind = "Q" if _is_of_numbers(lines) else "O"
    points = pl.DataFrame(
        [
            {"line": number, "x": x, "y": y, "colour": COLOURS[place], "ink": INKS[place]}
            for number, (place, line) in enumerate(_coloured(lines))
            for x, y in line.points
        ],
        schema_overrides={"y": pl.Float64},
    ).drop_nulls("y")
    ends = points.group_by("line", maintain_order=True).last()
    bands = _bands(lines)
    top = _top(max(points["y"].max(), bands["high"].max() or 0))
    labels = ends.with_columns(
        place=pl.Series(spread(ends["y"].to_list(), top, top * LINE_HEIGHT / height)),
        label=pl.Series(
            [_end_label(lines[row["line"]].name, row["y"], width) for row in ends.to_dicts()]
        ),
    )
    x = alt.X(f"x:{kind}", axis=x_axis, scale=x_scale)
    y_scale = alt.Scale(domain=[0, top])
    dashes = _dashes(lines)
    y = alt.Y("y:Q", axis=share_axis(top), scale=y_scale)
    colour = alt.Color("colour:N", scale=None)
    band = (
        alt.Chart(bands)
        .mark_area(opacity=0.16)
        .encode(
            x=x,
            y=alt.Y("low:Q", axis=share_axis(top), scale=y_scale),
            y2="high:Q",
            fill=alt.Fill("colour:N", scale=None),
            detail="line:N",
        )
    )
    return alt.layer(
        *([band] if bands.height else []),
        *(
            alt.Chart(of_line)
            .mark_line(strokeWidth=2.5, strokeJoin="round", **dashes.get(line, {}))
            .encode(x=x, y=y, color=colour)
            for (line,), of_line in points.group_by("line", maintain_order=True)
        ),
        alt.Chart(ends).mark_circle(size=50, opacity=1).encode(x=x, y=y, color=colour),
        alt.Chart(labels)
        .mark_text(align="left", fontWeight=600)
        .encode(
            x=alt.value(plot + 10),
            y=alt.Y("place:Q", scale=y_scale),
            text="label:N",
            color=alt.Color("ink:N", scale=None),
        ),
    ).properties(width=plot, height=height)


def _dashes(lines: Sequence[Line]) -> dict[int, dict[str, object]]:
    """The dashes of lines that would hide an earlier one, by the number of the line.

    Lines that meet have their dashes in turn, so that each is seen.
    """
    gap = MEET * _top(
        max((y for line in lines for _, y in line.points if y is not None), default=0)
    )
    below = [
        sum(_meet(lines[earlier], line, gap) for earlier in range(number))
        for number, line in enumerate(lines)
    ]
    return {
        number: {
            "strokeDash": [DASH, DASH * max(below)],
            "strokeDashOffset": -DASH * place,
            "strokeCap": "butt",
        }
        for number, place in enumerate(below)
        if place
    }


def _meet(one: Line, other: Line, gap: float) -> bool:
    """Whether two lines run together from one point to the next."""
    places = dict(one.points)
    near = [
        y is not None and (there := places.get(x)) is not None and abs(there - y) <= gap
        for x, y in other.points
    ]
    return any(this and following for this, following in pairwise(near))


def have_dashes(lines: Sequence[Line]) -> bool:
    """Whether a chart of these lines has a dashed one."""
    return bool(_dashes(lines))


def _coloured(lines: Sequence[Line]) -> list[tuple[int, Line]]:
    return [
        (number if line.colour is None else line.colour, line) for number, line in enumerate(lines)
    ]


def _bands(lines: Sequence[Line]) -> pl.DataFrame:
    rows = [
        (number, x, low, high, COLOURS[place])
        for number, (place, line) in enumerate(_coloured(lines))
        for x, low, high in line.band
    ]
    return pl.DataFrame(
        rows,
        schema=["line", "x", "low", "high", "colour"],
        schema_overrides={"low": pl.Float64, "high": pl.Float64},
        orient="row",
    )


def _end_label(name: str, share: float, width: int) -> str:
    percent = f"{100 * share:.0f} %"
    return percent if is_narrow(width) else shortened(f"{percent} {name}", label_room(width))


def _top(share: float) -> float:
    return next(top for top in (0.1, 0.2, 0.5, 1) if share <= top or top == 1)


def shortened(text: str, room: int) -> str:
    """The text, cut to about `room` pixels, as an SVG does not know its reader's font."""
    letters = int(room / LETTER)
    return text if len(text) <= letters else text[: letters - 1].rstrip() + ELLIPSIS


def label_room(width: int) -> int:
    """How wide the labels at the ends of lines may be."""
    return 52 if is_narrow(width) else 190


def _is_of_numbers(lines: Sequence[Line]) -> bool:
    return all(isinstance(x, int | float) for line in lines for x, _ in line.points)


def spread(places: Sequence[float], top: float, gap: float) -> list[float]:
    """Move labels apart so that none overlaps another or lies above `top`."""
    order = sorted(range(len(places)), key=lambda number: places[number])
    moved = list(places)
    for lower, upper in pairwise(order):
        moved[upper] = max(moved[upper], moved[lower] + gap)
    ceiling = top
    for number in reversed(order):
        moved[number] = min(moved[number], ceiling)
        ceiling = moved[number] - gap
    return moved
