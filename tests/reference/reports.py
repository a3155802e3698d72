"""Contract 7, "Lifecycle" and "Retention": `activity`, `retention` and `retention_overall`."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from math import sqrt
from typing import Any

from reference.periods import DAY
from reference.plan import as_date
from reference.story import Event, Story
from reference.values import as_text

Row = dict[str, Any]
ALL = "(all)"
NO_VALUE = "(none)"

# Activity


def activity(story: Story) -> list[Row]:
    if story.as_of is None:
        return []
    return [
        row
        for report in story.seed("activity_reports")
        for row in (*lifecycle(story, report), *rolling(story, report))
    ]


def counted_in(story: Story, report: Row) -> list[Event]:
    filters = report.get("filter_by"), report.get("filter_values")
    return story.counted(report["entity"], report.get("event"), *filters)


def day_range(story: Story, report: Row, events: list[Event]) -> tuple[date | None, date]:
    """From `starts_on`, or the first counted event, to `ends_on`, or `as_of`."""
    first_day = min((event.day for event in events), default=None)
    starts_on = as_date(report.get("starts_on")) or first_day
    ends_on = as_date(report.get("ends_on")) or story.as_of
    return starts_on, min(ends_on, story.as_of)


def lifecycle(story: Story, report: Row) -> Iterator[Row]:
    events, entity = counted_in(story, report), report["entity"]
    starts_on, ends_on = day_range(story, report, events)
    if starts_on is None:
        return
    for clock in ("day", "week", "month"):
        active: dict[date, set[str]] = defaultdict(set)
        uses: Counter[date] = Counter()
        first_period: dict[str, date] = {}
        for event in events:
            period = story.calendar.start(event.day, clock)
            active[period].add(event.of(entity))
            uses[period] += 1
            first_period.setdefault(event.of(entity), period)

        for start in story.calendar.starts(starts_on, ends_on, clock):
            here, before = active[start], active[story.calendar.start(start - DAY, clock)]
            new = {one for one in here if first_period[one] == start}
            retained = here & before - new
            resurrected = here - before - new
            dormant = before - here
            is_complete = story.calendar.last_day(start, clock) <= story.as_of
            gains = len(new) + len(resurrected)
            yield {
                "report": report["report"],
                "entity": entity,
                "clock": clock,
                "period_start": start,
                "period_end": story.calendar.last_day(start, clock),
                "active": len(here),
                "new": len(new),
                "retained": len(retained),
                "resurrected": len(resurrected),
                "dormant": len(dormant) if is_complete else None,
                "events": uses[start],
                "quick_ratio": gains / len(dormant) if is_complete and dormant else None,
                "is_complete": is_complete,
            }


def rolling(story: Story, report: Row) -> Iterator[Row]:
    events, entity = counted_in(story, report), report["entity"]
    starts_on, ends_on = day_range(story, report, events)
    if starts_on is None:
        return
    for clock, days in (("rolling_7d", 7), ("rolling_30d", 30)):
        for end in story.calendar.starts(starts_on, ends_on, "day"):
            start = end - (days - 1) * DAY
            window = [event for event in events if start <= event.day <= end]
            yield {
                "report": report["report"],
                "entity": entity,
                "clock": clock,
                "period_start": start,
                "period_end": end,
                "active": len({event.of(entity) for event in window}),
                "new": None,
                "retained": None,
                "resurrected": None,
                "dormant": None,
                "events": len(window),
                "quick_ratio": None,
                "is_complete": True,
            }


# Retention


def retention(story: Story) -> list[Row]:
    if story.as_of is None:
        return []
    return [
        row
        for report in story.seed("retention_reports")
        for row in RetentionReport(story, report).rows()
    ]


class RetentionReport:
    """One report's cohorts, and who of them came back when."""

    def __init__(self, story: Story, report: Row):
        self.story, self.report = story, report
        self.entity, self.period = report["entity"], report["period"]
        self.minimum_events = int(report.get("minimum_events", 1))
        self.numbers = int(report["periods"]) if "periods" in report else None
        ends_on = as_date(report.get("ends_on")) or story.as_of
        self.last_period = self.start(min(ends_on, story.as_of))
        self.returns = self.periods_with_enough_returns()
        self.cohorts = self.members_by_cohort()

    def start(self, day: date) -> date:
        return self.story.calendar.start(day, self.period)

    def events(self, event: str | None) -> list[Event]:
        filters = self.report.get("filter_by"), self.report.get("filter_values")
        return self.story.counted(self.entity, event, *filters)

    def periods_with_enough_returns(self) -> dict[str, set[date]]:
        """Per entity the periods that hold at least `minimum_events` return events."""
        returns = Counter(
            (event.of(self.entity), self.start(event.day))
            for event in self.events(self.report.get("return_event"))
        )
        enough: dict[str, set[date]] = defaultdict(set)
        for (entity_id, period), events in returns.items():
            if events >= self.minimum_events and period <= self.last_period:
                enough[entity_id].add(period)
        return enough

    def members_by_cohort(self) -> dict[date, dict[str, str]]:
        """Per cohort its entities, each with its breakdown value."""
        starts_on = as_date(self.report.get("starts_on"))
        first_of_period: dict[tuple[str, date], Event] = {}
        seen: set[str] = set()
        for event in self.events(self.report.get("cohort_event")):
            entity_id, cohort = event.of(self.entity), self.start(event.day)
            if self.report["cohort_rule"] == "first" and entity_id in seen:
                continue  # its one cohort is the period of its first cohort event ever
            seen.add(entity_id)
            first_of_period.setdefault((entity_id, cohort), event)

        cohorts: dict[date, dict[str, str]] = defaultdict(dict)
        for (entity_id, cohort), event in first_of_period.items():
            if starts_on is None or cohort >= self.start(starts_on):
                cohorts[cohort][entity_id] = self.breakdown_value(event)
        return cohorts

    def breakdown_value(self, event: Event) -> str:
        trait = self.report.get("breakdown")
        if trait is None:
            return ALL
        if self.report["breakdown_at"] == "entry":
            value = self.story.trait_at_entry(self.entity, event, trait)
        else:
            value = self.story.trait(self.entity, event.of(self.entity), trait)
        return as_text(value) or NO_VALUE

    def rows(self) -> Iterator[Row]:
        if not self.cohorts:
            return
        for cohort in self.periods_from(min(self.cohorts)):
            everybody = self.cohorts.get(cohort, {})
            yield from self.cells(cohort, ALL, set(everybody))
            for value in sorted(set(everybody.values()) - {ALL}):
                of_value = {one for one, its_value in everybody.items() if its_value == value}
                yield from self.cells(cohort, value, of_value)

    def periods_from(self, start: date) -> Iterator[date]:
        """The periods that have begun, up to the one of `ends_on`."""
        return self.story.calendar.starts(start, self.last_period, self.period)

    def cells(self, cohort: date, value: str, members: set[str]) -> Iterator[Row]:
        for number, period in enumerate(self.periods_from(cohort)):
            if self.numbers is not None and number >= self.numbers:
                return
            back = {one for one in members if number == 0 or self.came_back(one, period)}
            is_complete = self.story.calendar.last_day(period, self.period) <= self.story.as_of
            yield {
                "report": self.report["report"],
                "entity": self.entity,
                "period": self.period,
                "cohort_start": cohort,
                "period_number": number,
                "breakdown": self.report.get("breakdown"),
                "breakdown_at": self.report["breakdown_at"] if "breakdown" in self.report else None,
                "breakdown_value": value,
                "cohort_size": len(members),
                "retained": len(back),
                **(rates(len(back), len(members)) if is_complete else rates(0, 0)),
                "is_complete": is_complete,
            }

    def came_back(self, entity_id: str, period: date) -> bool:
        """In that very period, or, `on_or_after`, in that one or a later one."""
        if self.report["return_window"] == "exact":
            return period in self.returns[entity_id]
        return any(later >= period for later in self.returns[entity_id])


def retention_overall(cells: list[Row]) -> list[Row]:
    """Pooled over the cohorts whose cell is complete."""
    keys = (
        *("report", "entity", "period", "period_number"),
        *("breakdown", "breakdown_at", "breakdown_value"),
    )
    pools: dict[tuple, list[Row]] = defaultdict(list)
    for cell in cells:
        if cell["is_complete"]:
            pools[tuple(cell[key] for key in keys)].append(cell)

    def pooled(key: tuple, pool: list[Row]) -> Row:
        cohort_size = sum(cell["cohort_size"] for cell in pool)
        retained = sum(cell["retained"] for cell in pool)
        return {
            **dict(zip(keys, key, strict=True)),
            "cohorts": len(pool),
            "cohort_size": cohort_size,
            "retained": retained,
            **rates(retained, cohort_size),
        }

    return [pooled(key, pool) for key, pool in pools.items()]


def rates(retained: int, cohort_size: int) -> Row:
    """The share and its Wilson 95 % interval; null of an empty base."""
    if cohort_size == 0:
        return {"retention_rate": None, "rate_low": None, "rate_high": None}
    z, n, share = 1.959963984540054, cohort_size, retained / cohort_size
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return {"retention_rate": share, "rate_low": middle - half, "rate_high": middle + half}
