"""Days, weeks and months of a company's calendar."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Calendar:
    """The calendar of `vars: timezone` and `vars: week_start`."""

    timezone: str = "UTC"
    week_start: str = "monday"

    def day(self, moment: datetime) -> date:
        """The calendar day of a moment in the reporting timezone."""
        return moment.astimezone(ZoneInfo(self.timezone)).date()

    def midnight(self, day: date) -> datetime:
        """The moment, in UTC, at which a day begins in the reporting timezone."""
        return datetime.combine(day, time(), ZoneInfo(self.timezone)).astimezone(UTC)

    def start(self, day: date, period: str) -> date:
        """The first day of the period that holds a day."""
        if period == "day":
            return day
        if period == "month":
            return day.replace(day=1)
        days_since_monday = day.weekday()
        into_the_week = (
            days_since_monday if self.week_start == "monday" else (days_since_monday + 1) % 7
        )
        return day - into_the_week * DAY

    def next(self, start: date, period: str) -> date:
        """The first day of the next period."""
        longer_than_any = {"day": DAY, "week": 7 * DAY, "month": 31 * DAY}[period]
        return self.start(start + longer_than_any, period)

    def last_day(self, start: date, period: str) -> date:
        """The last day of a period."""
        return self.next(start, period) - DAY

    def starts(self, since: date, until: date, period: str) -> Iterator[date]:
        """Where periods begin, from the one that holds `since` to the one that holds `until`."""
        start = self.start(since, period)
        while start <= until:
            yield start
            start = self.next(start, period)
