"""The parts of the notebook. Each takes the marts and the choices, and returns a View.

The charts are those of the report. Only data that depends on a choice is queried here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import altair as alt
import polars as pl
from markupsafe import Markup

from loaders.notebook.choices import ALL
from loaders.notebook.night import Night
from loaders.project import find_project
from loaders.report.charts import GREY, MOST_LINES, Line, figure, line_chart, line_legend
from loaders.report.html import Section, render
from loaders.report.marts import Marts
from loaders.report.page import answers_of
from loaders.report.sections.activation import by_cohort
from loaders.report.sections.activity import at_a_glance, lifecycle
from loaders.report.sections.adoption import dots
from loaders.report.sections.definitions import Definition, caption, definitions
from loaders.report.sections.questions import questions as answered
from loaders.report.sections.retention import heat_map
from loaders.report.sections.words import capital, day, many, n
from loaders.report.tables import frame_table

Z = 1.959963984540054  # the 97.5 % quantile of the normal distribution, as in macros/shares.sql


@dataclass(frozen=True)
class View:
    """A part of the notebook, as HTML in the style of the report."""

    html: Markup

    def _repr_html_(self) -> str:
        return str(render("view.html", html=self.html))


def show(section: Section | None) -> View:
    """Any section of the report; an empty View if the section is empty."""
    return View(render("section.html", section=section) if section else Markup())


def opening(night: Night) -> View:
    """The style sheet of all views, and the introduction of the notebook."""
    return View(
        render(
            "opening.html",
            # Set the colours on the views only, because marimo has its own under the same names.
            colours=Markup(str(render("colours.css")).replace(":root", "&")),
            as_of=day(night.marts.as_of),
            number=night.number,
            tiles=at_a_glance(night.marts),
        )
    )


def activity(marts: Marts, entity: str, clock: str, since: date) -> View:
    """The lifecycle of each activity report of an entity, by day, week or month."""
    frame = marts.query(
        "marts.activity",
        """
        select report, entity, period_start, active, "new", retained, resurrected, dormant,
            is_complete
        from marts.activity
        where clock = $clock and entity = $entity and period_start >= $since
        qualify max(active) over (partition by report) > 0
        order by report, period_start
        """,
        clock=clock,
        entity=entity,
        since=since,
    )
    return _section(
        "activity",
        f"Active {many(entity)}",
        f"Above the line, the {many(entity)} that were active: retained from the {clock} before,"
        f" new, or resurrected after at least a {clock} away. Below it, dormant: active the"
        f" {clock} before, and no longer.",
        [lifecycle(number, report, clock) for number, report in enumerate(_by_report(frame))],
    )


def triangle(marts: Marts, report: str | None, value: str, since: date) -> View:
    """The cohorts of one report, of everybody or of one value of its breakdown."""
    cells = _cells(marts, report, since)
    cells = cells.filter(pl.col("breakdown_value") == value) if cells.height else cells
    of_value = f" Only {cells['breakdown'][0]}: {value}." if value != ALL and cells.height else ""
    return _section(
        "triangle",
        "Retention by cohort",
        "A row is a cohort: the users or companies that joined it in that period. A cell is the"
        " share of them that came back so many periods later. All takes the complete cells of a"
        f" column together; below it is their n.{of_value}",
        [heat_map(cells, pooled(cells), definitions(marts).get(report))]
        if cells.height and cells["cohort_size"].sum()
        else [],
    )


def curves(marts: Marts, report: str | None, value: str, since: date) -> View:
    """The cohorts of one report taken together, with 95 % intervals.

    With everybody, a line for each value of the breakdown; with one value, that and everybody.
    """
    cells = _cells(marts, report, since)
    return _section(
        "curves",
        "Retention curve",
        "The cohorts of the period taken together, complete cells only. The band around a line is"
        " its 95 % interval: where it is wide, there are few.",
        _curves(cells, value, definitions(marts).get(report)) if cells.height else [],
    )


def activation(marts: Marts, entity: str, since: date) -> View:
    """The milestones of an entity, by the week of sign-up."""
    frame = marts.query(
        "marts.activation",
        """
        select entity, cohort_week, milestone, position, entities, reached, reach_rate,
            median_hours, is_complete
        from marts.activation
        where entity = $entity and cohort_week >= $since
        qualify sum(entities) over () > 0
        order by cohort_week, position
        """,
        entity=entity,
        since=since,
    )
    return _section(
        "activation",
        "Activation",
        f"Of the {many(entity)} that signed up in a week, the share that reached each milestone in"
        " its time. Activated means all of them.",
        [by_cohort(0, frame)] if frame.height else [],
    )


def adoption(marts: Marts, entity: str, clock: str, since: date) -> View:
    """The features of the last complete month, or week; by segment."""
    frame = marts.query(
        "marts.feature_adoption",
        """
        select *
        from marts.feature_adoption
        where is_complete and active > 0
            and entity = $entity and period = $period and period_start >= $since
        qualify period_start = max(period_start) filter (where segment = 'all') over ()
        order by segment, rank
        """,
        entity=entity,
        period="month" if clock == "month" else "week",
        since=since,
    )
    return _section(
        "adoption",
        "Feature adoption",
        "Paying against free: the share of the active that used a feature at least once.",
        [dots(0, frame)] if frame.height else [],
    )


def questions(marts: Marts) -> View:
    """The questions of the project in the working folder, answered from the published marts."""
    answers = answers_of(marts.connection, find_project(Path()))
    return show(answered(replace(marts, answers=answers)))


def pooled(cells: pl.DataFrame) -> pl.DataFrame:
    """The complete cells of all cohorts taken together, as `marts.retention_overall` has them."""
    size, retained = pl.col("cohort_size").cast(pl.Float64), pl.col("retained")
    rate = pl.when(size > 0).then(retained / size)
    middle = (rate + Z * Z / 2 / size) / (1 + Z * Z / size)
    half = Z * (rate * (1 - rate) / size + Z * Z / 4 / size**2).sqrt() / (1 + Z * Z / size)
    return (
        cells.filter(pl.col("is_complete"))
        .group_by(
            ["report", "entity", "period", "breakdown", "breakdown_value", "period_number"],
            maintain_order=True,
        )
        .agg(
            cohorts=pl.len(),
            cohort_size=pl.col("cohort_size").sum(),
            retained=pl.col("retained").sum(),
        )
        .with_columns(
            retention_rate=rate,
            rate_low=pl.min_horizontal(rate, pl.max_horizontal(middle - half, 0.0)),
            rate_high=pl.max_horizontal(rate, pl.min_horizontal(middle + half, 1.0)),
        )
        .sort("breakdown_value", "period_number")
    )


def _cells(marts: Marts, report: str | None, since: date) -> pl.DataFrame:
    return marts.query(
        "marts.retention",
        """
        select report, entity, period, cohort_start, period_number, breakdown, breakdown_value,
            cohort_size, retained, retention_rate, is_complete
        from marts.retention
        where report = $report and cohort_start >= $since
        order by cohort_start, period_number, breakdown_value
        """,
        report=report,
        since=since,
    )


def _curve(value: str, later: pl.DataFrame, *, beside_others: bool) -> Line:
    return Line(
        "everybody" if value == ALL else value,
        later.select("period_number", "retention_rate").rows(),
        later.select("period_number", "rate_low", "rate_high").rows(),
        colour=GREY if value == ALL and beside_others else None,
    )


def _curves(cells: pl.DataFrame, value: str, definition: Definition | None) -> list[Markup]:
    """The figure of the curves; none if no later period is complete."""
    sizes = dict(
        cells.filter(pl.col("period_number") == 0)
        .group_by("breakdown_value")
        .agg(size=pl.col("cohort_size").sum())
        .sort(["size", "breakdown_value"], descending=[True, False])
        .iter_rows()
    )
    frame = pooled(cells).filter(pl.col("cohort_size") > 0)
    later = frame.filter(pl.col("period_number") > 0)
    there = set(later["breakdown_value"])
    shown = [value, ALL] if value != ALL else [each for each in sizes if each != ALL] or [ALL]
    shown = [each for each in shown if each in there]
    if not shown:
        return []
    first = frame.row(0, named=True)
    who, period = many(first["entity"]), first["period"]
    lines = [
        _curve(each, later.filter(pl.col("breakdown_value") == each), beside_others=len(shown) > 1)
        for each in shown[:MOST_LINES]
    ]
    last = max(x for line in lines for x, _ in line.points)
    by = f", by {first['breakdown']}" if first["breakdown"] else ""
    left_out = len(shown) - len(lines)
    return [
        figure(
            capital(first["report"]),
            f"{caption(definition, first['entity'], period)}{by}; "
            + ", ".join(
                f"{line.name} {n(sizes[each])}" for each, line in zip(shown, lines, strict=False)
            ),
            lambda width: line_chart(
                lines,
                width,
                x_axis=alt.Axis(tickMinStep=1, format="d", labelFlush=False),
                x_scale=alt.Scale(domain=[1, max(last, 2)], nice=False),
                height=300,
            ),
            legend_if_narrow=line_legend(lines),
            note=f"n is that of {period} 0. Later {period}s rest on the older cohorts alone."
            + (f" {left_out} smaller values are in the numbers only." if left_out else ""),
            table=frame_table(
                "curves",
                "The numbers",
                frame.select(
                    pl.col("breakdown_value").alias(first["breakdown"] or "of"),
                    pl.col("period_number").alias(period),
                    pl.col("cohort_size").alias(who),
                    "retained",
                    pl.col("retention_rate").alias("back (rate)"),
                    pl.col("rate_low").alias("low (rate)"),
                    pl.col("rate_high").alias("high (rate)"),
                ),
            ),
        )
    ]


def _by_report(frame: pl.DataFrame) -> list[pl.DataFrame]:
    return frame.partition_by("report", maintain_order=True) if frame.height else []


def _section(id: str, title: str, lead: str, parts: list[Markup]) -> View:
    """A section that is shown even if there is nothing to draw, and then says so."""
    if not parts:
        lead = "There is nothing to show in this period. Pick a longer one."
    return show(Section(id, title, lead, parts))
