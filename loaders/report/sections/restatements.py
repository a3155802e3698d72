"""Changes since last night: cells of complete periods with another value."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import orjson
from markupsafe import Markup

from loaders.asking import as_texts
from loaders.report.html import Section, render
from loaders.report.marts import Marts
from loaders.report.sections.words import capital, day, many

TABLE = "nights.restatements"
MOST = 12
NO_VALUE = "no value"
DERIVED = ("quick_ratio", "rate_low", "rate_high", "rank")  # shown where no count or share changed

# What a value counts; `{who}` is users or companies, the other names are dimensions of the cell.
VALUES = {
    "activity": {
        "active": "active {who}",
        "new": "new {who}",
        "retained": "retained {who}",
        "resurrected": "resurrected {who}",
        "dormant": "dormant {who}",
    },
    "retention": {
        "cohort_size": "{who} in the cohort",
        "retained": "{who} back in {period} {period_number}",
        "retention_rate": "share of {who} back in {period} {period_number}",
        "rate_low": "lower end of the 95 % interval of {period} {period_number}",
        "rate_high": "upper end of the 95 % interval of {period} {period_number}",
    },
    "activation": {
        "entities": "{who} that signed up",
        "reached": "{who} that reached the milestone {milestone}",
        "reach_rate": "share of {who} that reached the milestone {milestone}",
        "median_hours": "median hours to the milestone {milestone}",
    },
    "feature_adoption": {
        "active": "active {who}",
        "adopters": "{who} that used {feature}",
        "adoption_rate": "share of active {who} that used {feature}",
        "uses": "uses of {feature}",
        "rank": "rank of {feature}",
    },
}
DIMENSIONS = (
    "period_number",
    "breakdown",
    "breakdown_at",
    "breakdown_value",
    "milestone",
    "segment",
    "feature",
)
_DIMENSION = re.compile(rf"(?:^|; )({'|'.join(DIMENSIONS)})=")
_ROLLING = re.compile(r"rolling_(\d+)d")


def restatements(marts: Marts) -> Section | None:
    """The largest change of each report in the last night, with its reasons."""
    if not marts.has(TABLE):
        return None
    # Largest in proportion: otherwise the events of 30 days would always come before people.
    frame = marts.query(
        TABLE,
        f"""
        with changes as (
            select
                *,
                abs(coalesce(after, 0) - coalesce(before, 0)) as difference,
                difference / greatest(abs(before), abs(after), 1e-9) as proportion
            from {TABLE}
            where night = (select max(number) from nights.nights)
        )

        select
            *,
            count(*) over () as changes,
            count(*) over (partition by report_kind, report, entity) as changes_of_report
        from changes
        qualify row_number() over (
            partition by report_kind, report, entity
            order by
                value_name in {DERIVED}, proportion desc, difference desc,
                period_start desc, period, value_name, dimension
        ) = 1
        order by proportion desc, difference desc, report_kind, report, entity
        """,
    )
    shown = [_change(row) for row in frame.head(MOST).to_dicts()]
    return Section(
        "restatements",
        "What changed since last night",
        _lead(frame["changes"][0], frame.height)
        if shown
        else "Nothing: every number of a complete period is what it was last night.",
        [render("changes.html", changes=shown)] if shown else [],
    )


def _lead(changes: int, reports: int) -> str:
    numbers = (
        "1 number of a complete period is not what it was last night."
        if changes == 1
        else f"{changes:,} numbers of complete periods are not what they were last night."
    )
    if changes == 1:
        return numbers
    if reports > MOST:
        return f"{numbers} Each report has its largest change; {MOST} of {reports} are shown."
    return f"{numbers} Each report is shown with its largest change, in proportion."


def _change(row: dict[str, Any]) -> dict[str, str | Markup]:
    """One change in words."""
    before, after = _texts(row["value_name"], row["before"], row["after"])
    count = row["changes_of_report"]
    return {
        "report": _report(row),
        "what": capital(", ".join(filter(None, [_value(row), *_where(row)]))),
        "before": before,
        "after": after,
        "why": _reasons(row["reasons"]),
        "count": "1 number of this report changed"
        if count == 1
        else f"{count:,} numbers of this report changed",
    }


def _report(row: dict[str, Any]) -> str:
    who = many(row["entity"])
    match row["report_kind"]:
        case "activation":
            return f"Activation of {who}"
        case "feature_adoption":
            return f"Features that {who} use"
        case "retention":
            return f"Retention: {row['report']}"
        case _:
            return capital(row["report"])


def _value(row: dict[str, Any]) -> str:
    name = row["value_name"]
    words = VALUES.get(row["report_kind"], {}).get(name, name.replace("_", " "))
    names = dict.fromkeys(DIMENSIONS, "") | _dimensions(row["dimension"])
    return words.format(who=many(row["entity"]), period=row["period"], **names)


def _where(row: dict[str, Any]) -> list[str]:
    """The period and the group that the number is about."""
    dimensions = _dimensions(row["dimension"])
    places = []
    if (value := dimensions.get("breakdown_value", "(all)")) != "(all)":
        places.append(f"{dimensions.get('breakdown', '')} {value}".strip())
    if segment := dimensions.get("segment"):
        places.append("all customers" if segment == "all" else f"{segment} customers")
    if row["period_start"]:
        when = _when(row["period"], row["period_start"])
        places.append(
            {"retention": "cohort of ", "activation": "sign-ups of "}.get(row["report_kind"], "")
            + when
        )
    return places


def _when(period: str, start: Any) -> str:
    if rolling := _ROLLING.fullmatch(period):
        days = int(rolling[1])
        return f"the {days} days to {day(start + timedelta(days=days - 1))}"
    if period == "month":
        return f"{start:%B %Y}"
    return f"the week of {day(start)}" if period == "week" else day(start)


def _dimensions(text: str | None) -> dict[str, str]:
    """`segment=paying; feature=agenda` -> the value of each dimension."""
    _, *parts = _DIMENSION.split(text or "")
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _texts(name: str, before: float | None, after: float | None) -> tuple[str, str]:
    (one,), (other,) = as_texts([name], [[before], [after]])
    if one == other and before is not None and after is not None:
        # A difference that rounding hides is shown in full.
        if one.endswith("%"):
            return f"{100 * before:.10g} %", f"{100 * after:.10g} %"
        return f"{before:,.12g}", f"{after:,.12g}"
    return NO_VALUE if before is None else one, NO_VALUE if after is None else other


def _reasons(text: str | None) -> str:
    """`{"late events": 12}` -> `late events 12`."""
    counts = orjson.loads(text or "{}")
    return ", ".join(f"{reason} {count:,}" for reason, count in counts.items()) or "not known"
